"""One run of a topology under faults: everything in it comes from its seed."""

from __future__ import annotations

import asyncio
import gc
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ...protocols.errors import PasselError, RemoteError
from ..runtime import Runtime
from ..topology import Topology, plan
from .errors import SimulationError
from .faults import KINDS, Fault, Injector, draw_faults
from .invariants import Invariants, Outcome
from .leaks import leaks
from .watch import Violation
from .world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..node.host import LeaderHost

SETTLE_SECONDS: Final = 5.0
"""Virtual seconds in which a runtime comes to rest when nothing goes wrong any more."""

PAUSES: Final = (0.3, 1.7, 7.0)
"""Virtual seconds between looks at what is left over; nothing that is regular meets all of them."""

PATIENCE_SECONDS: Final = 300.0
"""Virtual seconds that main may take after the last fault."""

LINES: Final = 80
"""Events of a failed run that are kept in words."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What is simulated, whatever the seed.

    Attributes:
        topology: What runs.
        invariants: What must hold besides what holds for every runtime.
        kinds: What may go wrong.
        duration: Virtual seconds in which things go wrong.
        every: Mean virtual seconds between two faults.
    """

    topology: Topology
    invariants: type[Invariants] = Invariants
    kinds: tuple[str, ...] = KINDS
    duration: float = 30.0
    every: float = 2.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """What came of one seed.

    Attributes:
        seed: Which one.
        digest: Of all that happened; equal in two runs only if the same happened.
        seconds: Virtual seconds that passed.
        messages: Messages that came to a handler.
        asks: Asks that ended, with an answer or an error.
        faults: How often each kind of fault was done.
        failed_asks: How many asks ended in an error, by its class.
        violation: What must not be, or None.
        lines: The last events before it, in words.
    """

    seed: int
    digest: str
    seconds: float
    messages: int
    asks: int
    faults: dict[str, int] = field(default_factory=dict)
    failed_asks: dict[str, int] = field(default_factory=dict)
    violation: Violation | None = None
    lines: tuple[str, ...] = ()


def simulate(experiment: Experiment, seed: int) -> Run:
    """Run a topology under the faults of one seed and return what came of it."""
    world = World(seed)
    trial = Trial(experiment, world)
    try:
        with collector_paused():
            world.run(trial.scenario)
            left = [task for task in world.loop.tasks() if task.process and not task.process.dead]
            if left and world.watch.violation is None:
                world.watch.fail("nothing is left behind", f"tasks: {left}")
    except SimulationError as error:
        world.watch.fail("every run ends", error.reason)
    finally:
        result = trial.result()
        world.close()
    return result


class Trial:
    """One run: the runtime, what is done to it, and the checks at its end."""

    def __init__(self, experiment: Experiment, world: World) -> None:
        self._experiment = experiment
        self._world = world
        self._invariants = experiment.invariants()
        self._injector = Injector(world, ())

    async def scenario(self, host: LeaderHost) -> None:
        """Start the topology, use it while things go wrong, let it rest, check, stop it."""
        experiment, world = self._experiment, self._world
        runtime = Runtime.from_topology(experiment.topology, host=host, seed=world.seed)
        async with runtime:
            try:
                self._injector = Injector(world, self._faults())
                self._injector.begin()
                outcome = await self._use(runtime)
                self._injector.calm()
                await asyncio.sleep(SETTLE_SECONDS)
                await self._invariants.after(runtime, outcome)
                await self._check_rest()
            except Exception as error:  # noqa: BLE001  # at once: the trace ends with what led to it
                what = error if isinstance(error, AssertionError) else repr(error)
                world.watch.fail("invariants hold", str(what))
                await asyncio.get_running_loop().create_future()

    def _faults(self) -> list[Fault]:
        experiment = self._experiment
        return draw_faults(
            self._world.random("faults"),
            [node.name for node in plan(experiment.topology).nodes],
            kinds=experiment.kinds,
            duration=experiment.duration,
            every=experiment.every,
        )

    async def _use(self, runtime: Runtime) -> Outcome:
        """Ask main, or let the duration pass; with what the invariants do beside it."""
        during = asyncio.ensure_future(self._invariants.during(runtime))
        try:
            outcome = await self._main(runtime)
        finally:
            if not during.done():
                during.cancel()
            await asyncio.wait([during])
        if not during.cancelled() and (error := during.exception()) is not None:
            raise error
        return outcome

    async def _main(self, runtime: Runtime) -> Outcome:
        experiment = self._experiment
        if experiment.topology.main is None:
            await asyncio.sleep(experiment.duration)
            return Outcome()
        limit = experiment.duration + PATIENCE_SECONDS
        try:
            async with asyncio.timeout(limit):
                return Outcome(value=await runtime.main())
        except TimeoutError as error:
            if not isinstance(error, PasselError):
                self._world.watch.fail("main ends", f"it has not within {limit:g} s")
            return Outcome(error=error)
        except PasselError as error:
            if isinstance(error, RemoteError) and error.type_name.endswith("AssertionError"):
                raise AssertionError(str(error)) from None
            return Outcome(error=error)

    async def _check_rest(self) -> None:
        """See that nothing is left over for good: what is only on its way is not there twice."""
        nodes = self._world.watch.nodes
        left = leaks(nodes)
        for pause in PAUSES:
            if not left:
                return
            await asyncio.sleep(pause)
            still = leaks(nodes)
            left = [what for what in left if what in still]
        if left:
            self._world.watch.fail("nothing is left over at rest", "\n".join(left))

    def result(self) -> Run:
        """Return what came of it."""
        world, watch = self._world, self._world.watch
        return Run(
            seed=world.seed,
            digest=world.trace.digest,
            seconds=world.loop.time(),
            messages=watch.messages,
            asks=watch.asks,
            faults=dict(self._injector.done),
            failed_asks=watch.failed_asks,
            violation=watch.violation,
            lines=tuple(world.trace.lines(LINES)) if watch.violation is not None else (),
        )


@contextmanager
def collector_paused() -> Iterator[None]:
    """Let nothing be freed by the garbage collector, whose moments differ between processes."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
