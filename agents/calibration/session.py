"""One calibration with all that belongs to it: its scheduler, its journal, its log, its audience."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from ...protocols.errors import JournalError
from .accounts import progress_of, report_of
from .errors import JournalLostError, LogError, OutcomeNamesError, SupersededError
from .narrating import Narrator, Table, beginning, tables
from .run import CalibrationRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...actors import ActorRef, Context
    from ...actors.simulator import Simulator
    from ...protocols.errors import PasselError
    from ...protocols.trial import SimulatorSpec
    from .floor import Floor
    from .journal import CalibrationJournal, KeptCalibration
    from .log import CalibrationLog, LogHead
    from .messages import CalibrationReport, Progress
    from .scheduling import CalibrationId, Effect, Entry, Scheduler, SimulatorId
    from .scheduling.events import Misnamed
    from .settings import CalibrationSettings
    from .space import Point
    from .target import Target

T = TypeVar("T")

Tell = Callable[["str | Table"], None]
"""Takes what an audience is shown."""

_PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0)
"""Seconds between attempts to write what cannot be written at the moment."""

_TABLE_SECONDS: Final = 0.5
"""Seconds between two drawings of the tables."""


class JournalKey:
    """Where one calibration is kept in a journal.

    Args:
        journal: The journal.
        key: What it is found by.
        kept: What was kept when it was opened.
        context: Time.
    """

    def __init__(
        self,
        journal: ActorRef[CalibrationJournal],
        key: str,
        kept: KeptCalibration,
        context: Context,
    ) -> None:
        self._journal = journal
        self._key = key
        self._calibration = kept.calibration
        self._life = kept.life
        self.durable = kept.durable
        self._context = context

    async def keep(self, entries: Sequence[Entry]) -> None:
        """Write entries down.

        Raises:
            SupersededError: Another calibration, or another life of this one, has the key now.
            JournalLostError: The journal died, and was not durable.
            JournalError: The journal cannot be written, and could not be for a while.
        """
        keep = self._journal.keep.options(key=True)
        written = list(entries)
        await self._write(lambda: keep(self._key, self._calibration, self._life, written))

    async def close(self, report: CalibrationReport) -> None:
        """Write down that it is over.

        Raises:
            SupersededError: Another calibration, or another life of this one, has the key now.
            JournalLostError: The journal died, and was not durable.
            JournalError: The journal cannot be written, and could not be for a while.
        """
        close = self._journal.close.options(key=True)
        await self._write(lambda: close(self._key, self._calibration, self._life, report.ended))

    async def _write(self, write: Callable[[], Awaitable[bool]]) -> None:
        if await patiently(write, JournalError, self._context):
            return
        if await self._journal.look(self._key) is None:
            raise JournalLostError(self._calibration)
        raise SupersededError(self._calibration)


async def patiently(
    write: Callable[[], Awaitable[T]], failure: type[PasselError], context: Context
) -> T:
    """Return what `write` returns; try again for a while when it raises a `failure`."""
    for pause in _PAUSES:
        try:
            return await write()
        except failure as error:
            context.log.warning("not written", reason=str(error), again_in=pause)
            await context.sleep(pause)
    return await write()


class Session:
    """Carries one calibration out.

    Args:
        name: Its name.
        scheduler: Decides.
        simulators: The fleet.
        spec: What all of them say of themselves.
        head: What it is about.
        floor: The reachable floor, if it is known.
        settings: How it works.
        resumed: Whether it goes on from an earlier life.
        journal: Where it is kept, if it is.
        log: The file that it is written to, if there is one.
        context: The calibrator's.
    """

    def __init__(
        self,
        name: CalibrationId,
        scheduler: Scheduler,
        *,
        simulators: Mapping[SimulatorId, ActorRef[Simulator]],
        spec: SimulatorSpec,
        head: LogHead,
        floor: Floor | None,
        settings: CalibrationSettings,
        resumed: bool,
        journal: JournalKey | None,
        log: CalibrationLog | None,
        context: Context,
    ) -> None:
        self._name = name
        self._scheduler = scheduler
        self._head = head
        self._floor = floor
        self._settings = settings
        self._resumed = resumed
        self._journal = journal
        self._log = log
        self._context = context
        self._narrator = Narrator(head.target, scheduler.ledger)
        self._tell: Tell | None = None
        self._drawn: float | None = None
        fixed: Point = head.fixed
        self._run = CalibrationRun(
            scheduler,
            simulators,
            spec=spec,
            fixed=fixed,
            context=context,
            keep=self._keep,
            observe=self._see,
        )

    @property
    def target(self) -> Target:
        """What outcomes should be."""
        return self._head.target

    async def carry_out(self, tell: Tell | None) -> CalibrationReport:
        """Run the calibration to its end.

        Args:
            tell: Is given what an audience is shown; None if there is none.

        Raises:
            OutcomeNamesError: Trials show other outcomes than those that the target names.
            SupersededError: Another calibration has taken its place in the journal.
            JournalLostError: The journal died, and was not durable.
            JournalError: The journal cannot be written, and could not be for a while.
            LogError: The same of the log; or it cannot be begun.
        """
        self._tell = tell
        if self._log is None:
            return await self._carry_out(tell)
        await self._context.run_blocking(self._log.begin, self._head)
        try:
            return await self._carry_out(tell)
        finally:
            await self._context.run_blocking(self._log.close)

    async def _carry_out(self, tell: Tell | None) -> CalibrationReport:
        await self._warn()
        await self._run.carry_out()
        if tell is not None:
            await self._draw(tell)
        misnaming = _error_of(self._run.misnamed)
        report = report_of(
            self._name,
            self._scheduler,
            self._settings,
            detail=self._run.detail if misnaming is None else str(misnaming),
            floor=self._head.floor,
            held=self._head.held,
            at=self._run.seconds,
            resumed=self._resumed,
        )
        if self._log is not None:
            end = partial(self._context.run_blocking, self._log.end, report)
            await patiently(end, LogError, self._context)
        if self._journal is not None:
            await self._journal.close(report)
        if misnaming is not None:
            raise misnaming
        return report

    async def progress(self) -> Progress:
        """Return how it stands; the scheduler is at rest while it is looked at."""
        return await self._context.run_blocking(self._progress)

    def _progress(self) -> Progress:
        return progress_of(self._name, self._scheduler, self.target, self._run.seconds)

    async def _warn(self) -> None:
        """Say how far one can get before anything is run."""
        goal = self._settings.goal
        if self._floor is not None and goal is not None and goal < self._floor.loss:
            self._context.log.warning(
                "goal below the reachable floor", goal=goal, floor=self._floor.loss
            )
        if self._tell is not None:
            volatile = self._journal is not None and not self._journal.durable
            for line in beginning(self._progress(), self._floor, goal, volatile=volatile):
                self._tell(line)

    async def _keep(self, entries: Sequence[Entry]) -> None:
        if self._journal is not None:
            await self._journal.keep(entries)
        if self._log is not None:
            append = partial(self._context.run_blocking, self._log.append, entries)
            await patiently(append, LogError, self._context)

    async def _see(self, effects: Sequence[Effect]) -> None:
        """Show an audience what was done."""
        tell = self._tell
        if tell is None:
            return
        for line in await self._context.run_blocking(self._lines, effects):
            tell(line)
        now = self._context.now()
        if self._drawn is None or now - self._drawn >= _TABLE_SECONDS:
            self._drawn = now
            await self._draw(tell)

    def _lines(self, effects: Sequence[Effect]) -> list[str]:
        return self._narrator.lines(effects, self._progress())

    async def _draw(self, tell: Tell) -> None:
        for table in tables(await self.progress(), self.target):
            tell(table)


def _error_of(misnamed: Misnamed | None) -> OutcomeNamesError | None:
    """Return what a calibration is to raise whose outcomes have other names than its target's."""
    if misnamed is None:
        return None
    return OutcomeNamesError(misnamed.missing, shown=misnamed.shown, shares=misnamed.shares)
