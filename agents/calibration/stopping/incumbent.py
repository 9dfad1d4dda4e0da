"""Stopping what will not beat the best."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..forecast import Forecast, Verdict
    from ..record import TrialRecord
    from .extrapolation import Extrapolation


class BeatIncumbent:
    """Lets a trial go on only while it may still beat the best full run.

    It is stopped when its loss lies above the best one with 95 %. Before there is a best one nothing
    is stopped: a proposer that only wants a taste of a point proposes fewer iterations.
    """

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
        """Say whether a trial may still beat the best one."""
        return "go on" if best is None or forecast.low < best else "stop"
