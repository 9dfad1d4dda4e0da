"""Stopping what will not beat the best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .forecasting import ForecastingStopper

if TYPE_CHECKING:
    from ..forecast import Forecast, Verdict
    from ..record import TrialRecord


class BeatIncumbent(ForecastingStopper):
    """Lets a trial go on only while it may still beat the best full run.

    It is stopped when its loss lies above the best one with 95 %. Before there is a best one nothing
    is stopped: a proposer that only wants a taste of a point proposes fewer iterations.
    """

    def judge(
        self,
        record: TrialRecord,
        forecast: Forecast,
        best: float | None,
        elapsed: float,
    ) -> Verdict:
        """Say whether a trial may still beat the best one."""
        return "go on" if best is None or forecast.low < best else "stop"
