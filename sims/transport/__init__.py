"""A city whose people choose among BEAM's eight modes: the embedded simulator."""

from __future__ import annotations

from .city import SAN_FRANCISCO, City
from .costs import Costs, costs_of
from .errors import InjectedCrashError
from .mode_choice import ModeChoice
from .modes import INTERCEPTS, MODES
from .pace import Pace
from .settings import TransportSettings
from .simulator import TransportSimulator

__all__ = [
    "INTERCEPTS",
    "MODES",
    "SAN_FRANCISCO",
    "City",
    "Costs",
    "InjectedCrashError",
    "ModeChoice",
    "Pace",
    "TransportSettings",
    "TransportSimulator",
    "costs_of",
]
