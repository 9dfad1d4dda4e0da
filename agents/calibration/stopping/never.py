"""Finishing every trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..forecast import Forecast, Verdict
    from ..record import TrialRecord
    from .extrapolation import Extrapolation


class Never:
    """Lets every trial run to its limit; forecasts are still made, for those who look."""

    def __init__(self, extrapolation: Extrapolation) -> None:
        self._extrapolation = extrapolation

    def forecast(self, record: TrialRecord) -> Forecast | None:
        """Return where a trial is going; None before its first iteration."""
        return self._extrapolation.forecast(record)

    def judge(
        self,
        record: TrialRecord,
        forecast: Forecast,
        best: float | None,
        elapsed: float,
    ) -> Verdict:
        """Say that it should go on."""
        return "go on"
