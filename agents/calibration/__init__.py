"""Calibration: simulators in parallel with the optimiser that chooses where they run."""

from __future__ import annotations

from .calibrator import Calibrator
from .choosing import Setting
from .errors import (
    AvailabilityError,
    CalibrationError,
    InvalidCalibrationError,
    JobError,
    JournalLostError,
    LogError,
    MethodOptionsError,
    MissingPackageError,
    NoConstantError,
    NoParametersError,
    NoSimulatorsError,
    NothingFoundError,
    OutcomeError,
    OutcomeNamesError,
    SharesWantedError,
    SimulatorsDifferError,
    SupersededError,
    UnderWayError,
    UnknownMethodError,
    UnknownNameError,
    UnknownSamplerError,
)
from .floor import Bottleneck, Floor, floor_of
from .forecast import Forecast, Stopper, Verdict
from .journal import CalibrationJournal
from .messages import CalibrationReport, Progress
from .proposer import Proposal, Proposer
from .record import TrialRecord
from .rehearsal import Crashed, Rehearsal
from .settings import Budget, CalibrationSettings
from .space import Parameter, Point, Space
from .target import Target

__all__ = [
    "AvailabilityError", "Bottleneck", "Budget", "CalibrationError", "CalibrationJournal",
    "CalibrationReport", "CalibrationSettings", "Calibrator", "Crashed", "Floor", "Forecast",
    "InvalidCalibrationError", "JobError", "JournalLostError", "LogError", "MethodOptionsError", "MissingPackageError",
    "NoConstantError", "NoParametersError", "NoSimulatorsError", "NothingFoundError",
    "OutcomeError", "OutcomeNamesError", "Parameter", "Point", "Progress", "Proposal", "Proposer", "Rehearsal", "Setting", "SharesWantedError",
    "SimulatorsDifferError", "Space", "Stopper", "SupersededError", "Target", "TrialRecord",
    "UnderWayError", "UnknownMethodError", "UnknownNameError", "UnknownSamplerError", "Verdict",
    "floor_of",
]  # fmt: skip
