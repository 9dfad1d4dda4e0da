"""Finishing every trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .forecasting import ForecastingStopper

if TYPE_CHECKING:
    from ..forecast import Forecast, Verdict
    from ..record import TrialRecord


class Never(ForecastingStopper):
    """Lets every trial run to its limit; forecasts are still made, for those who look."""

    def judge(
        self,
        record: TrialRecord,
        forecast: Forecast,
        best: float | None,
        elapsed: float,
    ) -> Verdict:
        """Say that it should go on."""
        return "go on"
