"""Simulators: actors that run trials, iteration by iteration."""

from __future__ import annotations

from .errors import SimulatorError, TrialRefusedError
from .observation import Observation
from .simulator import Simulator

__all__ = ["Observation", "Simulator", "SimulatorError", "TrialRefusedError"]
