"""One run of a topology: it is started, used while things go wrong, and looked at when they end."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from ...protocols.errors import PasselError, RemoteError
from ..runtime import Runtime
from ..topology import plan
from .faults import Injector, draw_faults
from .invariants import Outcome
from .leaks import leaks

if TYPE_CHECKING:
    from .errors import UnsimulatedError
    from .faults import Fault
    from .host import SimulatedLeaderHost
    from .run import Experiment
    from .world import World

SETTLE_SECONDS: Final = 5.0
"""Virtual seconds in which a runtime comes to rest when nothing goes wrong any more."""

PAUSES: Final = (0.3, 1.7, 7.0)
"""Virtual seconds between looks at what is left over; nothing that is regular meets all of them."""

PATIENCE_SECONDS: Final = 300.0
"""Virtual seconds that main may take after the last fault."""


class Trial:
    """One run: as many lives of the runtime's leader as it takes, and the checks at the end.

    It stands outside all processes, as whoever starts a program again does. What is not told to a
    durable actor dies with the leader; the object with the invariants does not.

    Attributes:
        injector: Does what goes wrong.
        main_error: The class of the error that main ended with, or empty.
    """

    def __init__(self, experiment: Experiment, world: World) -> None:
        self._experiment = experiment
        self._world = world
        self._invariants = experiment.invariants()
        self.injector = Injector(world, self._faults())
        self.main_error = ""
        self._has_begun = False
        self._is_starting = False
        self._has_ended = False

    async def conduct(self) -> None:
        """Start the runtime, and again whenever its leader was killed, until main has ended.

        It may fail to start while something goes wrong, and is then started again as well.
        """
        world = self._world
        world.guard.on_refusal = self._refused
        while True:
            begun, failed = world.loop.time(), world.failed_starts
            host = world.new_leader()
            host.process.start(self._lead(host))
            how = await host.process.wait()
            if self._has_ended:
                return
            is_disturbed = begun < self.injector.until or failed < world.failed_starts
            if how.signal is None and not (self._is_starting and is_disturbed):
                said = "\n".join(how.stderr_tail)
                world.watch.fail(
                    "the runtime lives until it is stopped", f"{host.process!r}\n{said}"
                )
            await asyncio.sleep(world.restart_seconds())

    async def _lead(self, host: SimulatedLeaderHost) -> None:
        """Live one life of the leader: start, use what was started, let it rest, check, stop."""
        experiment, world = self._experiment, self._world
        runtime = Runtime.from_topology(
            experiment.topology, host=host, seed=world.seed, resume=self._has_begun
        )
        self._is_starting = True
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(runtime)
            self._is_starting = False
            if not self._has_begun:
                self._has_begun = True
                self.injector.begin()
            try:
                outcome = await self._use(runtime)
                self._check_main(outcome)
                self.injector.calm()
                await asyncio.sleep(SETTLE_SECONDS)
                await self._invariants.after(runtime, outcome)
                await self._check_rest()
            except Exception as error:  # noqa: BLE001  # at once: the trace ends with what led to it
                world.watch.fail("invariants hold", _words_of(error))
                await asyncio.get_running_loop().create_future()
        self._has_ended = True

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

    def _refused(self, error: UnsimulatedError) -> None:
        """Say what was real at once: what comes of it, as a start that never ends, says less."""
        self._world.watch.fail("only what is simulated is used", str(error))

    def _check_main(self, outcome: Outcome) -> None:
        """See that main failed for a reason that a simulation knows of, if it did."""
        error = outcome.error
        if error is None:
            return
        self.main_error = (
            error.type_name if isinstance(error, RemoteError) else type(error).__name__
        )
        if not self.injector.done:
            self._world.watch.fail("main succeeds while nothing goes wrong", str(error))

    async def _check_rest(self) -> None:
        """See that nothing is left over for good: what is only on its way is not there twice."""
        world = self._world
        left = leaks(world)
        for pause in PAUSES:
            if not left:
                return
            await asyncio.sleep(pause)
            still = leaks(world)
            left = [what for what in left if what in still]
        if left:
            world.watch.fail("nothing is left over at rest", "\n".join(left))


def _words_of(error: Exception) -> str:
    """Return what does not hold; of an error in the check itself also where that is."""
    if isinstance(error, AssertionError):
        return str(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{error!r} in {last.name}, {last.filename}, line {last.lineno}"
