"""One calibration under way: carries out what the scheduler decides, and tells it what happens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ...actors.simulator import SimulatorError
from ...protocols.errors import PasselError, RemoteError
from ...protocols.trial import Trial, TrialEnded, TrialId
from ..alarms import Alarms
from ..stream import closing
from .choosing import check_alike
from .scheduling import (
    Began,
    Effect,
    Event,
    ExtendRun,
    ExtensionRefused,
    Finish,
    Keep,
    LookFor,
    RunBegan,
    RunBroken,
    RunRefused,
    SimulatorFound,
    SimulatorId,
    SimulatorMissing,
    SlotLost,
    StartRun,
    StopRun,
    TimePassed,
    TrialReported,
    WakeAt,
)
from .scheduling.ledger import AttemptFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from ...actors import ActorRef, Context
    from ...actors.simulator import Simulator
    from ...protocols.trial import SimulatorSpec
    from .scheduling import Entry, Scheduler
    from .scheduling.events import Misnamed
    from .space import Point

_ASK_SECONDS: Final = 10.0
"""How long a simulator may take to answer what it answers at once."""


class CalibrationRun:
    """Runs a calibration to its end. The scheduler works in the actor's thread, event by event.

    Args:
        scheduler: Decides.
        simulators: The fleet, by name.
        spec: What all of them say of themselves.
        fixed: Parameters that are not calibrated.
        context: Time and the thread.
        keep: Writes entries down; nothing that follows from them is done before.
        observe: Is given the effects of each step, in order, when they were kept.

    Attributes:
        detail: Why it ended, in more words than the scheduler has.
        misnamed: What the target calls otherwise than the simulators, if it ended for that.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        simulators: Mapping[SimulatorId, ActorRef[Simulator]],
        *,
        spec: SimulatorSpec,
        fixed: Point,
        context: Context,
        keep: Callable[[list[Entry]], Awaitable[None]],
        observe: Callable[[Sequence[Effect]], Awaitable[None]],
    ) -> None:
        self._scheduler = scheduler
        self._simulators = simulators
        self._spec = spec
        self._fixed = fixed
        self._context = context
        self._keep = keep
        self._observe = observe
        self._began = context.now() - scheduler.ledger.at
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._readers: dict[TrialId, asyncio.Task[None]] = {}
        self.detail = ""
        self.misnamed: Misnamed | None = None

    @property
    def seconds(self) -> float:
        """Seconds since the calibration began, without the time between its lives."""
        return self._context.now() - self._began

    async def carry_out(self) -> None:
        """Run until the scheduler says that it is over; then nothing of it runs any more.

        Raises:
            InvalidCalibrationError: A simulator that answers late runs nothing.
            SimulatorsDifferError: It simulates something else.
            PasselError: What the scheduler decided could not be written down.
        """
        self._take(Began(self.seconds))
        try:
            async with asyncio.TaskGroup() as group:
                await self._go_on(group)
                for task in self._tasks:
                    task.cancel()
        except ExceptionGroup as failures:
            raise first_of(failures, self._context.log) from None

    async def _go_on(self, group: asyncio.TaskGroup) -> None:
        alarms = Alarms(group, self._context.now, lambda _: self._take(TimePassed(self.seconds)))
        try:
            while True:
                effects = await self._step()
                if self._scheduler.ended is not None:
                    return
                for effect in effects:
                    self._carry_out(effect, group, alarms)
        finally:
            alarms.cancel()

    async def _step(self) -> list[Effect]:
        """Hand what has happened to the scheduler; return what it wants, once that is kept."""
        events = [await self._events.get()]
        while not self._events.empty():
            events.append(self._events.get_nowait())
        effects = await self._context.run_blocking(self._decide, events)
        entries = [effect.entry for effect in effects if isinstance(effect, Keep)]
        if entries:
            await self._keep(entries)
        await self._observe(effects)
        return effects

    def _decide(self, events: Sequence[Event]) -> list[Effect]:
        effects: list[Effect] = []
        for event in events:
            effects += self._scheduler.handle(event)
        for effect in effects:
            if isinstance(effect, Finish):
                self.detail, self.misnamed = effect.detail, effect.misnamed
        return effects

    def _take(self, event: Event) -> None:
        self._events.put_nowait(event)

    # What is to be done.

    def _carry_out(self, effect: Effect, group: asyncio.TaskGroup, alarms: Alarms) -> None:
        match effect:
            case StartRun(simulator, trial):
                self._readers[trial.id] = self._start(group, self._read(simulator, trial))
                self._take(RunBegan(self.seconds, trial.id))
            case StopRun(simulator, run):
                self._start(group, self._stop(simulator, run))
            case ExtendRun(simulator, run, iterations):
                self._start(group, self._extend(simulator, run, iterations))
            case Keep(AttemptFailed() as failed):
                self._context.log.warning(
                    "attempt failed",
                    trial=failed.trial,
                    attempt=failed.attempt,
                    reason=failed.detail,
                )
            case SlotLost(simulator, run):
                self._context.log.warning("slot lost", simulator=simulator, run=run)
            case LookFor(simulator, after):
                self._start(group, self._look_for(simulator, after))
            case WakeAt(at):
                alarms.set(self._began + at)

    def _start(
        self, group: asyncio.TaskGroup, work: Coroutine[Any, Any, None]
    ) -> asyncio.Task[None]:
        task = group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _read(self, simulator: SimulatorId, trial: Trial) -> None:
        """Start a run, and hand over all that comes of it."""
        whole = msgspec.structs.replace(trial, parameters={**self._fixed, **trial.parameters})
        try:
            async with closing(self._simulators[simulator].start(whole)) as events:
                async for event in events:
                    self._take(TrialReported(self.seconds, event))
                    if isinstance(event, TrialEnded):
                        return
            self._take(RunBroken(self.seconds, trial.id, f"{simulator} ended it without a word"))
        except (SimulatorError, RemoteError) as error:
            self._take(RunRefused(self.seconds, trial.id, str(error)))
        except PasselError as error:
            self._take(RunBroken(self.seconds, trial.id, str(error)))
        finally:
            self._readers.pop(trial.id, None)

    async def _stop(self, simulator: SimulatorId, run: TrialId) -> None:
        """End a run; if its simulator does not, or knows nothing of it, leave it."""
        try:
            stop = self._simulators[simulator].stop.options(timeout=_ASK_SECONDS)
            stopping = await stop(run)
        except PasselError:
            stopping = False
        reader = self._readers.get(run)
        if not stopping and reader is not None:
            reader.cancel()
            end = TrialEnded(trial=run, ending="stopped", iterations=0)
            self._take(TrialReported(self.seconds, end))

    async def _extend(self, simulator: SimulatorId, run: TrialId, iterations: int) -> None:
        try:
            extend = self._simulators[simulator].extend.options(timeout=_ASK_SECONDS)
            extended = await extend(run, iterations)
        except PasselError:
            extended = False
        if not extended:
            self._take(ExtensionRefused(self.seconds, run))

    async def _look_for(self, simulator: SimulatorId, after: float) -> None:
        await self._context.sleep(after)
        try:
            describe = self._simulators[simulator].describe.options(timeout=_ASK_SECONDS)
            spec = await describe()
        except PasselError:
            self._take(SimulatorMissing(self.seconds, simulator))
            return
        check_alike(self._spec, spec, simulator)
        found = SimulatorFound(self.seconds, simulator, spec.slots, spec.extendable)
        self._take(found)


def first_of(failures: ExceptionGroup[Exception], log: Any) -> Exception:
    """Return what a calibration ends with; the others are logged, so that none is lost."""
    first, *others = failures.exceptions
    for other in others:
        log.warning("calibration failed in another way, too", reason=f"{other!r}")
    return first
