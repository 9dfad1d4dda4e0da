"""Runs a whole runtime in one process, in virtual time and under seeded faults."""

from .errors import SimulationError, UnsimulatedError
from .faults import KINDS, Fault, draw_faults
from .invariants import Invariants, Outcome
from .run import Experiment, Run, simulate
from .watch import Violation

__all__ = [
    "KINDS",
    "Experiment",
    "Fault",
    "Invariants",
    "Outcome",
    "Run",
    "SimulationError",
    "UnsimulatedError",
    "Violation",
    "draw_faults",
    "simulate",
]
