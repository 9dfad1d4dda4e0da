"""Eclipse SUMO as a simulator: our people choose modes, SUMO says how long their trips take."""

from __future__ import annotations

from .errors import SumoError, SumoMissingError, SumoRunError, SumoTownError, SumoTripError
from .settings import SumoSettings
from .simulator import SumoSimulator

__all__ = [
    "SumoError",
    "SumoMissingError",
    "SumoRunError",
    "SumoSettings",
    "SumoSimulator",
    "SumoTownError",
    "SumoTripError",
]
