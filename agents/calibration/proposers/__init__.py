"""What proposes where to look next."""

from __future__ import annotations

from .log_ratio import LogRatio
from .quasi_newton import LogOddsQN
from .random import Random

__all__ = ["LogOddsQN", "LogRatio", "Random"]
