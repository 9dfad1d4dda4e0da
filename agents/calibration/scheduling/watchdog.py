"""What is done about runs of which nothing is heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .deadlines import Deadlines
from .runs import Phase

if TYPE_CHECKING:
    from ....protocols.trial import TrialId
    from ..settings import CalibrationSettings
    from .attempts import Attempts
    from .fleet import Fleet
    from .runs import Run
    from .trials import Trials


class Watchdog:
    """Ends runs that linger or hang, and moves trials that wait or are slow.

    Args:
        settings: What counts as too long.
        fleet: Says what is usual, and learns from what takes longer.
        trials: The trials that have not ended.
        attempts: Has them moved, or counts their runs as failed.
    """

    def __init__(
        self, settings: CalibrationSettings, *, fleet: Fleet, trials: Trials, attempts: Attempts
    ) -> None:
        self._deadlines = Deadlines(settings, fleet)
        self._fleet = fleet
        self._trials = trials
        self._attempts = attempts

    def moments(self) -> list[float]:
        """Return when runs are to be looked at, unless they are heard of before."""
        due = (self._due(run) for run in self._trials.runs.values())
        return [moment for moment in due if moment is not None]

    def look(self, at: float) -> None:
        """Do what is due."""
        for name, run in list(self._trials.runs.items()):
            due = self._due(run)
            if due is None or due > at:
                continue
            if run.phase is Phase.LINGERING:
                self._trials.stop(name, at)
            elif run.phase is Phase.ENDING:
                self._trials.lose(name, at)
            elif not run.begun:
                self._attempts.move(name, run, at)
            else:
                self._overdue(name, run, at)

    def _overdue(self, name: TrialId, run: Run, at: float) -> None:
        """Move a trial whose run takes too long, or count the run as failed."""
        number = self._next_of(run)
        usual = self._fleet.usual(run.simulator, number=number)
        silence = at - run.heard
        self._fleet.took(run.simulator, silence, number=number)  # or more, had it been let be
        if self._deadlines.should_move(run, self._trials.placements.get(run.trial), at):
            self._trials.placement_of(run.trial).moved = True
            self._attempts.move(name, run, at)
            return
        known = "" if usual is None else f"; iterations here usually take {usual:.3g} s"
        self._attempts.give_up(name, run, f"nothing came of it for {silence:g} s{known}", at)

    def _due(self, run: Run) -> float | None:
        placement = self._trials.placements.get(run.trial)
        return self._deadlines.of(run, placement, number=self._next_of(run))

    def _next_of(self, run: Run) -> int:
        """Return which iteration of a run is waited for."""
        return len(self._trials.record_of(run).outcomes) + 1
