"""Stopping by a threshold that falls with time, as published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .forecasting import ForecastingStopper

if TYPE_CHECKING:
    from ..forecast import Forecast, Verdict
    from ..record import TrialRecord
    from .extrapolation import Extrapolation

Steps = tuple[tuple[float, float], ...]
"""From how many seconds on which loss is too much."""

PUBLISHED: Final[Steps] = (
    (0.0, 90.0), (9_000.0, 60.0), (27_000.0, 30.0), (36_000.0, 10.0), (45_000.0, 5.0),
)  # fmt: skip
"""The thresholds of the authors' code: 0, 150, 450, 600 and 750 minutes, in percentage points."""


class DecayingThreshold(ForecastingStopper):
    """Stops trials whose forecast lies above a threshold that falls with the time of a calibration.

    The rule of the paper on BEAM (arXiv 2207.05041) as its authors' code has it, which looks once,
    when the third row of shares is there. Where that code does not do what it is for, this does:

    - the thresholds fall with all the time that has passed, not with its minutes after the hour,
      under which the first one was always in force;
    - between 300 and 450 minutes the last threshold stays, instead of the first one coming back;
    - a trial is stopped while it runs; there the rule was asked after its process had returned;
    - what is compared is the forecast of the settled loss; there the extrapolation is switched off,
      and before that it was a drift for each mode that was fitted by hand;
    - a verdict is about one trial, not about a file that the next one writes over.

    Args:
        extrapolation: What forecasts.
        steps: From how many seconds on which loss is too much, in order.
        first: After how many iterations it looks.
    """

    def __init__(
        self, extrapolation: Extrapolation, *, steps: Steps = PUBLISHED, first: int = 3
    ) -> None:
        super().__init__(extrapolation)
        self._steps = steps
        self._first = first

    def threshold(self, elapsed: float) -> float | None:
        """Return which loss is too much after so many seconds; None while none is."""
        reached = [most for begin, most in self._steps if begin <= elapsed]
        return reached[-1] if reached else None

    def judge(
        self,
        record: TrialRecord,
        forecast: Forecast,
        best: float | None,
        elapsed: float,
    ) -> Verdict:
        """Say whether a trial promises a loss below the threshold; looks once."""
        if len(record.outcomes) != self._first:
            return "go on"
        most = self.threshold(elapsed)
        return "stop" if most is not None and forecast.loss > most else "go on"
