"""Why a calibration is over, and when there is nothing more to confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ....protocols.trial import TrialId
    from ..settings import CalibrationSettings
    from .candidates import Candidates
    from .events import Ended
    from .ledger import Ledger
    from .names import Names
    from .spending import Spending
    from .trials import Trials

_FINALISTS: Final = 3
"""Trials that are confirmed at most when the search is over: each may turn out to be worse than it
looked, and the next one better."""


class Termination:
    """Says when a calibration is over.

    Args:
        settings: When it is to be.
        ledger: What has happened.
        candidates: The best trials.
        spending: What of the budgets is left.
        trials: The trials that have not ended.
        names: What outcomes are called.

    Attributes:
        closing: Why the search is over; only the best trial is still to be confirmed. Or None.
        failed_in_a_row: How many trials have failed since one has ended otherwise.
        alone_since: Since when no simulator is there, or None.
        finalists: Trials that were confirmed after the search.
    """

    def __init__(
        self,
        settings: CalibrationSettings,
        *,
        ledger: Ledger,
        candidates: Candidates,
        spending: Spending,
        trials: Trials,
        names: Names,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._candidates = candidates
        self._spending = spending
        self._trials = trials
        self._names = names
        self.closing: Ended | None = None
        self.failed_in_a_row = 0
        self.alone_since: float | None = None
        self.finalists: set[TrialId] = set()

    def of_all(self, at: float) -> tuple[Ended, str] | None:
        """Return why everything is over, whatever still runs, and more of that; or None."""
        if self._names.misnamed is not None:
            return "names", ""
        reached = self._candidates.verdict()
        if reached is not None:
            return reached, ""
        if self.failed_in_a_row >= self._settings.failures:
            failed = [r for r in self._ledger.records.values() if r.state == "failed"]
            return "failures", failed[-1].detail
        alone = self.alone_since
        if alone is not None and at >= alone + self._settings.patience:
            return "stranded", f"no simulator was there for {at - alone:g} s"
        spent = self._spending.of_all(at, len(self._trials.open))
        return None if spent is None else (self.closing or spent, "")

    def of_search(self, at: float) -> Ended | None:
        """Return why the search is over, or None."""
        return self._spending.of_search(at, len(self._trials.open))

    def to_confirm(self) -> TrialId | None:
        """Return the trial that is to be confirmed now, if there is one."""
        best = self._candidates.best
        trial = self._candidates.promising()
        if trial is None and self.closing is not None and best is not None and not best.confirmed:
            return best.trial
        return trial

    def nothing_to_confirm(self) -> bool:
        """Whether the best trial stands, so that the end of the search is the end of all."""
        best = self._candidates.best
        if best is None or best.confirmed or not self._settings.confirmations:
            return True
        return len(self.finalists) >= _FINALISTS and not self._trials.confirming()
