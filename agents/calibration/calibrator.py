"""The calibrator: an actor that finds the parameters with which simulators come out as they should."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncIterator, Callable  # noqa: TC003  # hints are read at run time
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ...actors import Actor, ActorRef, handler
from ...actors.ref import parts_of
from ...actors.simulator import Simulator  # noqa: TC001  # hints are read at run time
from ...protocols.errors import PasselError, StateError
from ..stream import told_by
from .choosing import Setting, common, left_out, proposer_of, space_of, stopper_of
from .description import check_fit, check_fixed, check_settings, check_space, check_target
from .errors import CalibrationError, NoSimulatorsError, NothingFoundError, UnderWayError
from .floor import Floor, floor_of
from .journal import CalibrationJournal, KeptCalibration  # noqa: TC001  # hints are read at run time
from .log import CalibrationLog, LogHead
from .messages import CalibrationReport, Progress  # noqa: TC001  # hints are read at run time
from .narrating import Table  # noqa: TC001  # hints are read at run time
from .scheduling import CalibrationId, Ledger, Scheduler, SimulatorId
from .session import JournalKey, Session
from .settings import CalibrationSettings
from .space import Parameter  # noqa: TC001  # hints are read at run time
from .target import Target  # noqa: TC001  # hints are read at run time
from .warm_start import earlier_trials

if TYPE_CHECKING:
    from ...protocols.trial import SimulatorSpec
    from .record import TrialRecord
    from .session import Tell
    from .space import Space

_FIND_SECONDS: Final = 60.0
"""How long a simulator may take to say what it is, before the first trial."""


class Calibrator(Actor):
    """Finds parameters with which simulators come out as they should, on all of them at a time.

    Several calibrators may share simulators. With a journal a calibration that was killed goes on
    when it is asked for again: no trial is lost, and none is counted twice.

    Args:
        simulators: All of one kind.
        target: What outcomes should be.
        space: The parameters to be found and their bounds; without it, all that the simulators name.
        fixed: Parameters that stay as they are.
        proposer: Chooses points: a name, or `module:function` that makes one of a `Setting`.
        proposer_options: What it takes besides.
        stopper: Ends trials early; in the same way, or `none`.
        stopper_options: What it takes besides.
        journal: Keeps what happens; to be spawned durable.
        log: A file that is written as it goes on, for reports and later calibrations.
        warm_start: Logs of earlier calibrations, which the proposer learns from.
        settings: How it works.
        seed: What all randomness is made from.

    Raises:
        NoSimulatorsError: No simulator was given.
        InvalidCalibrationError: Target, space, fixed parameters or settings make no sense.
    """

    def __init__(
        self,
        *,
        simulators: list[ActorRef[Simulator]],
        target: Target,
        space: list[Parameter] | None = None,
        fixed: dict[str, float] | None = None,
        proposer: str = "auto",
        proposer_options: dict[str, Any] | None = None,
        stopper: str = "incumbent",
        stopper_options: dict[str, Any] | None = None,
        journal: ActorRef[CalibrationJournal] | None = None,
        log: str = "",
        warm_start: list[str] | None = None,
        settings: CalibrationSettings = CalibrationSettings(),  # noqa: B008  # frozen
        seed: int = 0,
    ) -> None:
        if not simulators:
            raise NoSimulatorsError
        check_target(target)
        check_settings(settings)
        check_fixed(fixed or {}, space or ())
        if space:
            check_space(space)
        self._simulators = {SimulatorId(parts_of(ref)[0].actor): ref for ref in simulators}
        self._target = target
        self._space = None if space is None else tuple(space)
        self._fixed = fixed or {}
        self._proposer = (proposer, proposer_options or {})
        self._stopper = (stopper, stopper_options or {})
        self._journal = journal
        self._log = log
        self._warm_start = warm_start or []
        self._settings = settings
        self._seed = seed
        self._busy = False
        self._session: Session | None = None

    @handler(concurrent=True, raises=(CalibrationError, StateError))
    async def calibrate(self) -> CalibrationReport:
        """Calibrate, and return what was found. Ask with `options(timeout=None)`: it takes its time.

        Raises:
            NoSimulatorsError: None answers.
            SimulatorsDifferError: They simulate different things.
            NoParametersError: Nothing is free.
            UnknownNameError: Target, space or fixed parameters name what the simulators do not have.
            UnknownMethodError: There is no such proposer or stopper.
            MethodOptionsError: It does not take its options.
            MissingPackageError: A proposer, or the reachable floor, needs a package that is not there.
            LogError: A log cannot be written, or one to start from is not there or about something else.
            UnderWayError: It is calibrating already.
            OutcomeNamesError: Its first trial shows other outcomes than those that the target names.
            SupersededError: Another calibration has taken its place in the journal.
            JournalLostError: The journal died, and was not durable.
            StateError: The journal cannot be written.
        """
        return await self._calibrate(None)

    @handler(raises=(CalibrationError, StateError))
    async def calibrate_shown(self) -> AsyncIterator[str | Table | CalibrationReport]:
        """Calibrate as `calibrate` does; yield lines and tables for people, the report last.

        Raises:
            NothingFoundError: Behind a report that claims no point.
        """

        async def work(tell: Callable[[str | Table | CalibrationReport], None]) -> None:
            report = await self._calibrate(tell)
            tell(report)
            if report.answer is None:
                raise NothingFoundError(report.ended, report.detail)

        async with aclosing(told_by(work)) as items:
            async for item in items:
                yield item

    @handler(concurrent=True)
    async def progress(self) -> Progress | None:
        """Return how the calibration stands that is under way, or was the last; None before one."""
        return None if self._session is None else await self._session.progress()

    async def _calibrate(self, tell: Tell | None) -> CalibrationReport:
        if self._busy:
            raise UnderWayError(self.context.name)
        self._busy = True
        try:
            self._session = await self._prepared()
            return await self._session.carry_out(tell)
        finally:
            self._busy = False

    # Before it begins.

    async def _prepared(self) -> Session:
        """Return a calibration that may begin, or go on."""
        spec = common(await self._specs())
        space = self._space or space_of(spec, self._target, self._fixed)
        check_fit(spec, self._target, space, self._fixed)
        kept, journal = await self._opened(spec, space)
        floor = await self.context.run_blocking(self._floor, spec)
        scheduler = await self.context.run_blocking(self._scheduler, spec, space, kept, floor)
        head = LogHead(
            calibration=kept.calibration,
            simulator=spec.name,
            target=self._target,
            space=space,
            fixed=left_out(spec, space, self._fixed),
            settled=spec.iterations,
            goal=self._settings.goal,
            floor=None if floor is None else round(floor.loss, 6),
            state=kept.state,
        )
        return Session(
            kept.calibration,
            scheduler,
            simulators=self._simulators,
            spec=spec,
            head=head,
            floor=floor,
            settings=self._settings,
            resumed=bool(kept.state.records),
            journal=journal,
            log=CalibrationLog(Path(self._log)) if self._log else None,
            context=self.context,
        )

    def _scheduler(
        self, spec: SimulatorSpec, space: Space, kept: KeptCalibration, floor: Floor | None
    ) -> Scheduler:
        """Return what decides; reads logs and loads libraries, so it blocks."""
        seed = f"{self._seed}/{kept.state.iterations}"  # another one in each life
        setting = Setting(
            target=self._target,
            space=space,
            iterations=spec.iterations,
            random=random.Random(seed),  # noqa: S311  # nothing secret
            availability=spec.availability,
        )
        return Scheduler(
            kept.calibration,
            target=self._target,
            proposer=proposer_of(*self._proposer, setting),
            stopper=stopper_of(*self._stopper, setting),
            simulators=list(self._simulators),
            settled=spec.iterations,
            settings=self._settings,
            seed=self._seed,
            floor=0.0 if floor is None else floor.loss,
            ledger=Ledger(state=kept.state),
            earlier=(*kept.earlier, *self._earlier(spec, space)),
        )

    async def _specs(self) -> list[SimulatorSpec]:
        """Return what those simulators say of themselves that answer."""
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(_spec(ref)) for ref in self._simulators.values()]
        answers = [task.result() for task in asked]
        specs = [answer for answer in answers if not isinstance(answer, PasselError)]
        if not specs:
            raise NoSimulatorsError(str(answers[-1]))
        return specs

    async def _opened(
        self, spec: SimulatorSpec, space: Space
    ) -> tuple[KeptCalibration, JournalKey | None]:
        """Return what is kept of the calibration, and where; or one that begins."""
        fresh = self._new_name()
        if self._journal is None:
            return KeptCalibration(calibration=fresh), None
        fixed = left_out(spec, space, self._fixed)
        simulated = (spec.name, spec.outcomes, spec.iterations)
        facts = (self._target, space, fixed, simulated, self._seed)
        about = msgspec.json.encode(facts, order="sorted")
        key = f"{self.context.name}-{hashlib.blake2b(about, digest_size=8).hexdigest()}"
        kept = await self._journal.open.options(key=True)(key, fresh)
        return kept, JournalKey(self._journal, key, kept, self.context)

    def _new_name(self) -> CalibrationId:
        """Return a name that no calibration has, of other runtimes included.

        Randomness alone would not do: it comes from a runtime's seed, and most have the same one.
        """
        facts = (self.context.name, time.time_ns(), self.context.random.getrandbits(64))
        digest = hashlib.blake2b(repr(facts).encode(), digest_size=6)
        return CalibrationId(digest.hexdigest())

    def _floor(self, spec: SimulatorSpec) -> Floor | None:
        if not self._target.shares or not spec.availability:
            return None
        return floor_of(self._target, spec.availability)

    def _earlier(self, spec: SimulatorSpec, space: Space) -> list[TrialRecord]:
        """Return the trials of earlier calibrations."""
        fixed = left_out(spec, space, self._fixed)
        return [
            record
            for path in self._warm_start
            for record in earlier_trials(Path(path), target=self._target, space=space, fixed=fixed)
        ]


async def _spec(simulator: ActorRef[Simulator]) -> SimulatorSpec | PasselError:
    """Return what a simulator says of itself, or why it says nothing."""
    try:
        return await simulator.describe.options(timeout=_FIND_SECONDS)()
    except PasselError as error:
        return error
