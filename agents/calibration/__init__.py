"""Calibration: simulators in parallel with the optimiser that chooses where they run."""

from __future__ import annotations

from .forecast import Forecast, Stopper, Verdict
from .proposer import Proposal, Proposer
from .record import TrialRecord
from .settings import Budget, CalibrationSettings
from .space import Parameter, Point, Space
from .target import Target

__all__ = [
    "Budget",
    "CalibrationSettings",
    "Forecast",
    "Parameter",
    "Point",
    "Proposal",
    "Proposer",
    "Space",
    "Stopper",
    "Target",
    "TrialRecord",
    "Verdict",
]
