"""Simulators: actors that run trials, iteration by iteration."""

from __future__ import annotations

from .command_simulator import CommandSimulator
from .errors import InvalidSimulatorError, NoIterationError, SimulatorError, TrialRefusedError
from .function_simulator import FunctionSimulator
from .observation import Observation
from .simulator import Simulator

__all__ = [
    "CommandSimulator",
    "FunctionSimulator",
    "InvalidSimulatorError",
    "NoIterationError",
    "Observation",
    "Simulator",
    "SimulatorError",
    "TrialRefusedError",
]
