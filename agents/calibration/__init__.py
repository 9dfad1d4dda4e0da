"""Calibration: simulators in parallel with the optimiser that chooses where they run."""

from __future__ import annotations

from .calibrator import Calibrator
from .choosing import Setting
from .errors import (
    CalibrationError,
    InvalidCalibrationError,
    JobError,
    LogError,
    MethodOptionsError,
    MissingPackageError,
    NoParametersError,
    NoSimulatorsError,
    SimulatorsDifferError,
    SupersededError,
    UnderWayError,
    UnknownMethodError,
    UnknownNameError,
)
from .forecast import Forecast, Stopper, Verdict
from .journal import CalibrationJournal
from .messages import CalibrationReport, Progress
from .proposer import Proposal, Proposer
from .record import TrialRecord
from .settings import Budget, CalibrationSettings
from .space import Parameter, Point, Space
from .target import Target

__all__ = [
    "Budget",
    "CalibrationError",
    "CalibrationJournal",
    "CalibrationReport",
    "CalibrationSettings",
    "Calibrator",
    "Forecast",
    "InvalidCalibrationError",
    "JobError",
    "LogError",
    "MethodOptionsError",
    "MissingPackageError",
    "NoParametersError",
    "NoSimulatorsError",
    "Parameter",
    "Point",
    "Progress",
    "Proposal",
    "Proposer",
    "Setting",
    "SimulatorsDifferError",
    "Space",
    "Stopper",
    "SupersededError",
    "Target",
    "TrialRecord",
    "UnderWayError",
    "UnknownMethodError",
    "UnknownNameError",
    "Verdict",
]
