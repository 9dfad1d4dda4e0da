"""How proposers and stoppers are made by name; loaded by whoever makes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .stopping import PUBLISHED, BeatIncumbent, DecayingThreshold, Extrapolation, Never

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .choosing import Setting
    from .forecast import Stopper


def incumbent(setting: Setting, *, replanning: float = 0.2) -> Stopper:
    """Return a stopper that stops what will not beat the best full run."""
    return BeatIncumbent(_extrapolation(setting, replanning))


def threshold(
    setting: Setting,
    *,
    replanning: float = 0.2,
    steps: Sequence[Sequence[float]] = PUBLISHED,
    first: int = 3,
) -> Stopper:
    """Return a stopper with a threshold that falls with time, as published."""
    falling = tuple((float(begin), float(most)) for begin, most in steps)
    extrapolation = _extrapolation(setting, replanning)
    return DecayingThreshold(extrapolation, steps=falling, first=first)


def never(setting: Setting, *, replanning: float = 0.2) -> Stopper:
    """Return a stopper that forecasts, for the proposer, and stops nothing."""
    return Never(_extrapolation(setting, replanning))


def _extrapolation(setting: Setting, replanning: float) -> Extrapolation:
    return Extrapolation(setting.target, iterations=setting.iterations, replanning=replanning)
