"""BEAM, the agent-based transport simulation, as a simulator: it runs as a program of its user's."""

from __future__ import annotations

from .alternatives import read_alternatives
from .beam import Beam
from .benchmark import read_benchmark
from .errors import BeamError, BeamParameterError, BeamRunError, BeamSetupError, BeamTableError
from .setup import Keep
from .tables import Source

__all__ = [
    "Beam",
    "BeamError",
    "BeamParameterError",
    "BeamRunError",
    "BeamSetupError",
    "BeamTableError",
    "Keep",
    "Source",
    "read_alternatives",
    "read_benchmark",
]
