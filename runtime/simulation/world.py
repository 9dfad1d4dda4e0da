"""All that is simulated in one run: time, network, processes, and what is noted of them."""

from __future__ import annotations

import random
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from ...protocols.address import LEADER
from ...protocols.errors import JournalError
from ...protocols.log import log
from ..memory import HeapSegments
from .guard import GUARD
from .host import SimulatedLeaderHost
from .ledger import WatchedDisk
from .loop import KERNEL, PROCESS, SimulatedLoop
from .network import Network, Weather
from .process import SimulatedProcess
from .trace import Trace
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from contextvars import Context

    from ...protocols.errors import StateError
    from ..node.host import Exit, LeaderHost
    from .loop import SimulatedTask

_ENDINGS: Final = 100
"""How often a coroutine is told to end that goes on waiting."""

SHARED_MEMORY_BYTES: Final = 1 << 30
"""Shared memory of the simulated host; real memory is taken only for what is used of it."""


class World:
    """One run's world, made from its seed.

    Attributes:
        seed: What every random choice of it comes from.
        loop: Its time, and all that runs in it.
        trace: What happened.
        network: Carries messages between processes.
        memory: What processes share.
        processes: Those that were started, dead ones too.
        disk: Holds the journals of durable actors.
        disk_lag: What its writes take longer, for a while.
        disk_is_full: Whether they fail.
        watch: Watches the nodes, and tells of what must not be.
        generation: How often the runtime was started.
        failing_starts: How many of the next processes of a node do not come up.
        failed_starts: How many did not.
    """

    def __init__(self, seed: int, *, weather: Weather | None = None) -> None:
        self.seed = seed
        self.guard = GUARD
        self.loop = SimulatedLoop()  # type: ignore[abstract]  # it refuses the rest
        self.trace = Trace(self.loop)
        self.network = Network(self.loop, self.trace, self.random("network"), weather or Weather())
        self.memory = HeapSegments("simulated", SHARED_MEMORY_BYTES)
        self.generation = 0
        self.processes: list[SimulatedProcess] = []
        self.watch = Watch(self.loop, self.trace)
        self.disk = WatchedDisk(self.watch.ledger)
        self.disk_lag = 0.0
        self.disk_is_full = False
        self.failing_starts: dict[str, int] = {}
        self.failed_starts = 0
        self._pids = count(1_000)
        self._durations = self.random("durations")
        self._chances = self.random("chances")
        self.loop.unhandled = self._unhandled

    def run(self, scenario: Callable[[LeaderHost], Coroutine[Any, Any, Any]]) -> Any:
        """Run what `scenario` makes of a leader's host, in its process; return what it returns.

        Of a world that was halted by a violation the answer is None.

        Raises:
            SimulationError: It does not end, or waits for what never comes.
            Exception: What the scenario raises.
        """
        host = self.new_leader()
        return self._complete(scenario(host), host.process.context)

    def conduct(self, conductor: Coroutine[Any, Any, Any]) -> Any:
        """Run what belongs to no process, and starts leaders itself; otherwise as `run`."""
        return self._complete(conductor, KERNEL)

    def _complete(self, work: Coroutine[Any, Any, Any], context: Context) -> Any:
        with self._in_force():
            return self.loop.run_until_complete(self.loop.create_task(work, context=context))

    def new_leader(self) -> SimulatedLeaderHost:
        """Return the host of the next start of the runtime; nothing runs there yet."""
        self.generation += 1
        self.memory = HeapSegments("simulated", SHARED_MEMORY_BYTES)
        process = self.new_process(LEADER, 1, generation=self.generation)
        return SimulatedLeaderHost(self, process)

    @contextmanager
    def _in_force(self) -> Iterator[None]:
        """Let nothing out of the world: what is logged goes to the trace, real things fail."""
        state = random.getstate()
        random.seed(self.seed)  # for actors that use the module's own generator
        try:
            with log.caught(self._logged), self.guard.raised(self.loop.time):
                yield
        finally:
            random.setstate(state)

    def random(self, purpose: str) -> random.Random:
        """Return the randomness for one purpose, independent of all others."""
        return random.Random(f"{self.seed}/{purpose}")  # noqa: S311  # no secret

    def new_process(self, node: str, life: int, *, generation: int) -> SimulatedProcess:
        """Return a process in which nothing runs yet."""
        other = self.living(node)
        if other is not None and other.generation == generation:
            self.watch.fail("a node lives once at a time", f"{other!r} lives, {life} begins")
        process = SimulatedProcess(node, life, next(self._pids), self.loop, generation=generation)
        process.on_end = self._ended
        process.on_change = self.network.look
        process.on_crash = self._crashed
        self.processes.append(process)
        self.trace.note("started", f"{process!r}")
        return process

    def living(self, node: str) -> SimulatedProcess | None:
        """Return the process that a node runs in now; of several, that of the latest start."""
        found = [p for p in self.processes if p.node == node and not p.dead]
        return found[-1] if found else None

    def start_fails(self, node: str) -> bool:
        """Return whether the process that is started for a node is to fail."""
        left = self.failing_starts.get(node, 0)
        if left:
            self.failing_starts[node] = left - 1
            self.failed_starts += 1
        return left > 0

    def start_seconds(self) -> float:
        """Return how long a process takes to come up."""
        return self._durations.uniform(0.05, 0.5)

    def restart_seconds(self) -> float:
        """Return how long it takes until somebody starts a runtime again that was killed."""
        return self._durations.uniform(0.05, 1.0)

    def chance(self, probability: float) -> bool:
        """Return whether something happens that happens with a probability."""
        return self._chances.random() < probability

    def blocking_seconds(self) -> float:
        """Return how long a piece of blocking work takes."""
        return self._durations.uniform(0.001, 0.05)

    def disk_seconds(self) -> float:
        """Return how long the disk takes to write, and then to say so."""
        return self.disk_lag + self._durations.uniform(0.0005, 0.01)

    def disk_fault(self, actor: str) -> StateError | None:
        """Return what the next write to the disk, or opening of a journal, fails with, if it does."""
        if self.disk_is_full:
            return JournalError(actor, "the simulated disk is full", "wait until it is not")
        return None

    def _ended(self, process: SimulatedProcess, how: Exit) -> None:
        words = how.signal or f"exit code {how.exit_code}"
        said = "".join(f"\n{line}" for line in how.stderr_tail)
        self.trace.note("ended", f"{process!r}: {words}{said}")
        self.watch.remove(process)
        if process.node == LEADER:
            if how.exit_code == 0:
                self._check_tasks(process)
            for child in self.processes:
                if child.generation == process.generation and not child.dead:
                    child.orphan()

    def _check_tasks(self, process: SimulatedProcess) -> None:
        """See that a process has ended its tasks."""
        left = [task for task in self.loop.tasks() if task.process is process]
        if left:
            self.watch.fail("nothing is left behind", f"tasks of {process!r}: {left}")

    def _crashed(self, process: SimulatedProcess, lines: list[str]) -> None:
        self.watch.fail("no node fails by itself", f"{process!r}\n" + "\n".join(lines))

    def _logged(self, level: str, event: str, facts: dict[str, Any]) -> None:
        words = " ".join(f"{key}={value}" for key, value in facts.items() if key != "exc_info")
        self.trace.note(level, f"{PROCESS.get()!r}: {event} {words}")

    def _unhandled(self, what: str, error: BaseException | None) -> None:
        self.watch.fail("no error is left unhandled", f"{what}: {error!r}")

    def close(self) -> None:
        """End whatever is left; nothing of it is noted any more."""
        self.loop.close()
        for task in self.loop.tasks():
            end_silently(task)


def end_silently(task: SimulatedTask) -> None:
    """Take a task's coroutine apart without letting anybody know."""
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001  # else its end is logged
    coroutine = task.get_coro()
    with suppress(BaseException):
        for _ in range(_ENDINGS):  # what cleans up waits for something else first, again and again
            coroutine.throw(_WorldEndedError())
    with suppress(BaseException):
        coroutine.close()


class _WorldEndedError(BaseException):
    """Takes coroutines apart from within; `close` would leave an inner one that waits again to be freed loudly."""
