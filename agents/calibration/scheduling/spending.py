"""What of a budget is left, and what is kept back of it to confirm the best trial."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..settings import CalibrationSettings
    from .events import Ended
    from .fleet import Fleet
    from .ledger import Ledger


_MARGIN: Final = 1.25
"""How much longer than usual the confirmation of the best trial may take."""


class Spending:
    """Says which budget is used up.

    Args:
        settings: The budgets.
        settled: Iterations of a full run.
        ledger: What was spent.
        fleet: Says how long a full run takes.
    """

    def __init__(
        self, settings: CalibrationSettings, settled: int, ledger: Ledger, fleet: Fleet
    ) -> None:
        self._budget = settings.budget
        self._confirmations = settings.confirmations
        self._settled = settled
        self._ledger = ledger
        self._fleet = fleet

    def of_search(self, at: float, running: int) -> Ended | None:
        """Return the budget that the search has used up, or None; `running` trials have not ended."""
        budget, runs = self._budget, self._confirmations
        if _used_up(self._ledger.iterations, budget.iterations, runs * self._settled):
            return "iterations"
        if not running and not self.has_trials:
            return "trials"
        ends = self.search_ends
        return "seconds" if ends is not None and at >= ends else None

    def of_all(self, at: float, running: int) -> Ended | None:
        """Return the budget of which nothing is left at all, or None."""
        budget = self._budget
        if _used_up(self._ledger.iterations, budget.iterations, 0):
            return "iterations"
        if _used_up(len(self._ledger.records) - running, budget.trials, 0):
            return "trials"
        return "seconds" if _used_up(at, budget.seconds, 0) else None

    @property
    def has_trials(self) -> bool:
        """Whether the search may have another trial."""
        return not _used_up(len(self._ledger.records), self._budget.trials, self._confirmations)

    def of_trials(self, wanted: int) -> int:
        """Return how many of so many more trials the budget has."""
        limit = self._budget.trials
        return wanted if limit is None else min(wanted, limit - len(self._ledger.records))

    @property
    def search_ends(self) -> float | None:
        """When the search's time is over, or None."""
        seconds = self._budget.seconds
        return None if seconds is None else seconds - min(self._confirming_seconds(), seconds / 2)

    def _confirming_seconds(self) -> float:
        turns = ceil(self._confirmations / max(1, self._fleet.slots))
        return _MARGIN * turns * self._settled * self._fleet.slowest


def _used_up(spent: float, limit: float | None, reserve: float) -> bool:
    return limit is not None and spent >= limit - min(reserve, limit / 2)
