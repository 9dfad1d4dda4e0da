"""What becomes of a trial when a start of it has come to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ledger import AttemptFailed
from .runs import Phase

if TYPE_CHECKING:
    from ....protocols.trial import TrialId
    from ..settings import CalibrationSettings
    from .names import Names
    from .runs import Run
    from .termination import Termination
    from .trials import Trials


class Attempts:
    """Has trials started again, elsewhere where that is possible, until they have failed too often.

    Args:
        settings: How often is too often.
        trials: The trials that have not ended.
        ending: Counts those that fail in a row.
        names: Looks, when one has failed, whether all do for the same reason.
    """

    def __init__(
        self, settings: CalibrationSettings, *, trials: Trials, ending: Termination, names: Names
    ) -> None:
        self._settings = settings
        self._trials = trials
        self._ending = ending
        self._names = names

    def lost(self, name: TrialId, detail: str, at: float, *, broken: bool = False) -> None:
        """Take note of a run that has ended by failing."""
        run = self._trials.forget(name)
        if run.phase is Phase.RUNNING:
            self._retry(run, detail, at, broken=broken)

    def give_up(self, name: TrialId, run: Run, detail: str, at: float) -> None:
        """Count a run as failed that is still there."""
        self._trials.stop(name, at)
        self._retry(run, detail, at)

    def move(self, name: TrialId, run: Run, at: float) -> None:
        """Take a trial away from a simulator that takes too long over it, or does not get to it."""
        self._trials.placement_of(run.trial).tried.add(run.simulator)
        self.start_anew(name, run, at)

    def start_anew(self, name: TrialId, run: Run, at: float) -> None:
        """Have a trial begin at its first iteration, somewhere, without counting it as failed."""
        self._trials.stop(name, at)
        self._trials.ready.appendleft(run.trial)

    def _retry(self, run: Run, detail: str, at: float, *, broken: bool = False) -> None:
        """Have a trial started again; or record that it failed, if it has failed too often.

        A death of its simulator is hardly a trial's fault, unless it happens again and again.
        """
        attempt = self._trials.record_of(run).attempt
        self._trials.keep(
            AttemptFailed(at=at, trial=run.trial, attempt=attempt, detail=detail, broken=broken)
        )
        self._trials.placement_of(run.trial).tried.add(run.simulator)
        alike = [f for f in self._trials.record_of(run).failures if f.broken == broken]
        if len(alike) <= (self._settings.deaths if broken else self._settings.retries):
            self._trials.ready.appendleft(run.trial)
            return
        self._names.judge(ended_well=False)
        self._ending.failed_in_a_row += 1
        self._trials.close(run.trial, "failed", detail, at)
