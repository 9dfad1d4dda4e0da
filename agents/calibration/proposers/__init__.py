"""What proposes where to look next."""

from __future__ import annotations

from .bohb import Bohb
from .log_ratio import LogRatio
from .quasi_newton import LogOddsQN
from .random import Random
from .samplers import OptunaProposer, OptunaStopper

__all__ = [
    "Bohb",
    "LogOddsQN",
    "LogRatio",
    "OptunaProposer",
    "OptunaStopper",
    "Random",
]
