"""A simulated process: it can be paused, slowed down and killed, and has a clock of its own."""

from __future__ import annotations

import traceback
from collections import deque
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final

from ...protocols.errors import PasselError
from ..node.host import Exit
from .loop import KERNEL, PROCESS

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from .loop import Handle, SimulatedLoop

DETECTION_SECONDS: Final = 0.002
"""Virtual seconds from a process's end until its parent knows of it."""

ORPHAN_SECONDS: Final = 10.0
"""Virtual seconds after its parent's end after which a process that has not left ends by force."""


class SimulatedProcess:
    """One process: whatever runs in its context belongs to it.

    Attributes:
        node: The node that it runs.
        life: Which life of it.
        generation: Which start of the runtime it belongs to.
        context: Makes callbacks its own.
        held_up: Whether callbacks have to ask whether they may run: it is paused, slow or dead.
        dead: Whether it has ended.
        paused: Whether it stands still.
        rate: Seconds that its monotonic clock counts in a second.
        ended_at: When it ended, in virtual seconds.
        lost_after: What it sent later than this never left it.
        hung_up: Set when its standard input closes.
    """

    def __init__(
        self, node: str, life: int, pid: int, loop: SimulatedLoop, *, generation: int = 1
    ) -> None:
        self.node = node
        self.life = life
        self.generation = generation
        self.pid = pid
        self.loop = loop
        self.context = Context()
        self.context.run(PROCESS.set, self)
        self.held_up = False
        self.dead = False
        self.paused = False
        self.ended_at = float("inf")
        self.lost_after = float("inf")
        self.resumed_at = 0.0
        self.on_hang_up: Callable[[], None] = lambda: None
        self.on_change: Callable[[], None] = lambda: None
        self.on_crash: Callable[[SimulatedProcess, list[str]], None] = lambda _process, _lines: None
        self.on_end: Callable[[SimulatedProcess, Exit], None] = lambda _process, _exit: None
        self._held: deque[Handle] = deque()
        self._grave: list[Any] = []
        self._pace = 0.0
        self._free_at = 0.0
        self._waking = False
        self._exit: Exit | None = None
        self._waiters: list[asyncio.Future[Exit]] = []
        self.rate = 1.0
        self._offset = 0.0

    def __repr__(self) -> str:
        start = f"{self.generation}:" if self.generation > 1 else ""
        return f"{start}{self.node}/{self.life}"

    def now(self) -> float:
        """Return its monotonic clock."""
        return self.loop.now * self.rate + self._offset

    # What is done to it.

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` as its main task; it ends with that."""
        task = self.loop.create_task(work, context=self.context)
        task.add_done_callback(self._over, context=KERNEL)

    def kill(self, lost: float = 0.0) -> None:
        """End it at once, as SIGKILL does; what it sent in the last `lost` seconds is lost."""
        if not self.dead:
            self.lost_after = self.loop.now - lost
            self.end(Exit(None, "SIGKILL", ()))

    def end(self, how: Exit) -> None:
        """It has ended: nothing of it runs any more; its parent hears of it soon."""
        self.dead = self.held_up = True
        self.ended_at = self.loop.now
        self._grave.extend(self._held)
        self._held.clear()
        self._exit = how
        self.on_end(self, how)
        self.on_change()
        self.loop.call_later(DETECTION_SECONDS, self._tell, context=KERNEL)

    def pause(self) -> None:
        """Let nothing of it run, as SIGSTOP does."""
        if not self.dead:
            self.paused = self.held_up = True
            self.on_change()

    def resume(self) -> None:
        """Let it go on."""
        if self.paused and not self.dead:
            self.paused = False
            self.resumed_at = self.loop.now
            self.held_up = self._pace > 0.0
            self.loop.resume(self._held)
            self.on_change()

    @property
    def slow(self) -> bool:
        """Whether its callbacks take time."""
        return self._pace > 0.0

    def slow_down(self, pace: float) -> None:
        """Let each of its callbacks take `pace` seconds; 0 makes it quick again."""
        if self.dead:
            return
        self._pace = pace
        self.held_up = self.paused or pace > 0.0
        if not self.held_up:
            self.resumed_at = self.loop.now
            self.loop.resume(self._held)

    @property
    def is_disturbed(self) -> bool:
        """Whether it is paused or slow."""
        return self.held_up and not self.dead

    def shift_clock(self, seconds: float) -> None:
        """Let its monotonic clock jump ahead; its timers go by that clock too."""
        self._offset += seconds
        self.loop.shift(self, lambda due: due - seconds / self.rate)

    def set_rate(self, rate: float) -> None:
        """Let its monotonic clock run faster or slower from now on, and its timers with it."""
        now, factor = self.loop.now, self.rate / rate
        self._offset += now * (self.rate - rate)
        self.rate = rate
        self.loop.shift(self, lambda due: now + (due - now) * factor)

    def admits(self, handle: Handle) -> bool:
        """Return whether a callback of its may run now; keep it otherwise."""
        if self.dead:
            self._grave.append(handle)  # kept: freeing it could run code of a dead process
            return False
        if self.paused:
            self._held.append(handle)
            return False
        now = self.loop.now
        if now < self._free_at:
            self._held.append(handle)
            self._wake_later()
            return False
        self._free_at = now + self._pace
        return True

    def _wake_later(self) -> None:
        if not self._waking:
            self._waking = True
            self.loop.call_at(self._free_at, self._wake, context=KERNEL)

    def _wake(self) -> None:
        self._waking = False
        if not (self.dead or self.paused):
            self.loop.resume(self._held)

    # What its parent does: see `runtime.node.host.Process`.

    async def wait(self) -> Exit:
        """Return once it has ended."""
        if self._exit is not None and self.loop.now >= self.ended_at + DETECTION_SECONDS:
            return self._exit
        waiter = self.loop.create_future()
        self._waiters.append(waiter)
        how: Exit = await waiter
        return how

    visible = False  # each node has a host of its own, and what is silent may be cut off

    def standstill(self) -> int | None:
        """Return None: nobody sees it."""
        return None

    def hang_up(self) -> None:
        """Let it leave in order."""
        self.loop.call_soon(self._hear, context=self.context)

    def orphan(self) -> None:
        """Its parent has ended: it hears that its standard input closes, and must be gone soon."""
        self.hang_up()
        self.loop.call_later(ORPHAN_SECONDS, self._end_by_force, context=self.context)

    def _hear(self) -> None:
        self.on_hang_up()

    def _end_by_force(self) -> None:
        if not self.dead:
            self.end(Exit(1, None, ()))

    def _tell(self) -> None:
        assert self._exit is not None, "it has ended"
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(self._exit)

    def _over(self, task: asyncio.Task[None]) -> None:
        """Its main task has ended, and so has it."""
        if self.dead:
            return
        error = None if task.cancelled() else task.exception()
        if error is None:
            self.end(Exit(0, None, ()))
            return
        lines = "".join(traceback.format_exception(error)).splitlines()
        if not _is_expected(error):
            self.on_crash(self, lines)
        self.end(Exit(1, None, tuple(lines[-20:])))


def _is_expected(error: BaseException) -> bool:
    """Return whether a node may end with this: it could not join, or could not come up."""
    if isinstance(error, BaseExceptionGroup):
        return all(_is_expected(inner) for inner in error.exceptions)
    return isinstance(error, PasselError)
