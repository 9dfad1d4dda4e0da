"""The pure core of a calibration: events in, effects out, time as a field."""

from __future__ import annotations

from .candidates import Incumbent
from .events import (
    Began,
    Effect,
    Ended,
    Event,
    ExtendRun,
    ExtensionRefused,
    Finish,
    Keep,
    LookFor,
    RunBegan,
    RunBroken,
    RunRefused,
    SimulatorFound,
    SimulatorId,
    SimulatorMissing,
    SlotLost,
    StartRun,
    StopRun,
    TimePassed,
    TrialReported,
    WakeAt,
)
from .ledger import Entry, Ledger, LedgerState
from .scheduler import CalibrationId, Scheduler

__all__ = [
    "Began",
    "CalibrationId",
    "Effect",
    "Ended",
    "Entry",
    "Event",
    "ExtendRun",
    "ExtensionRefused",
    "Finish",
    "Incumbent",
    "Keep",
    "Ledger",
    "LedgerState",
    "LookFor",
    "RunBegan",
    "RunBroken",
    "RunRefused",
    "Scheduler",
    "SimulatorFound",
    "SimulatorId",
    "SimulatorMissing",
    "SlotLost",
    "StartRun",
    "StopRun",
    "TimePassed",
    "TrialReported",
    "WakeAt",
]
