"""Where running trials are going, and which of them are not worth finishing."""

from __future__ import annotations

from .extrapolation import Extrapolation
from .incumbent import BeatIncumbent
from .never import Never
from .threshold import PUBLISHED, DecayingThreshold, Steps

__all__ = [
    "PUBLISHED",
    "BeatIncumbent",
    "DecayingThreshold",
    "Extrapolation",
    "Never",
    "Steps",
]
