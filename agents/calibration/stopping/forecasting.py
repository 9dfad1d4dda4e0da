"""What stoppers that look at forecasts have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..forecast import Forecast
    from ..record import TrialRecord
    from .extrapolation import Extrapolation


class ForecastingStopper:
    """Says where trials are going; whoever inherits it judges them.

    Args:
        extrapolation: What forecasts.
    """

    def __init__(self, extrapolation: Extrapolation) -> None:
        self._extrapolation = extrapolation

    def forecast(self, record: TrialRecord) -> Forecast | None:
        """Return where a trial is going; None before its first iteration."""
        return self._extrapolation.forecast(record)
