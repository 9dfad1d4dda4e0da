"""Trials that were seen to their end: how outcomes move on the way there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from ..array import Array
    from .measure import Measure

_MOST: Final = 24
"""How many curves are remembered, the latest ones."""

_ALIKE: Final = 20.0
"""Curves whose distance, in units of the noise's variance, is less than this are all alike."""


class Curves:
    """Remembers how outcomes moved, and moves others alike.

    Iterations are not the same in all simulators: shares may wait, rise, then fall as travellers
    learn. What trials nearby went through says more than any formula, so a trial is first carried on
    as they went, and only what is left is extrapolated.
    """

    def __init__(self) -> None:
        self._curves: dict[str, Array] = {}

    def __len__(self) -> int:
        return len(self._curves)

    def __contains__(self, name: str) -> bool:
        return name in self._curves

    def add(self, name: str, curve: Array) -> None:
        """Remember a whole curve, clean: (iterations, outcomes)."""
        self._curves[name] = curve
        while len(self._curves) > _MOST:
            del self._curves[next(iter(self._curves))]

    def carry(self, curve: Array, measure: Measure, *, leaving_out: str = "") -> Array:
        """Return a curve as it would be had its outcomes been at their end all the time.

        Every curve counts by how near it was after as many iterations.
        """
        seen = len(curve)
        others = [c for name, c in self._curves.items() if name != leaving_out and len(c) >= seen]
        if not others:
            return curve
        there = np.array([other[seen - 1] for other in others])
        squares = (there - curve[-1]) ** 2
        far = measure.misfit(squares, 0.5 * (there + curve[-1])) / measure.freedom
        weights = 1.0 / (far + _ALIKE)
        shifts = np.array([measure.moved(other, seen=seen) for other in others])
        return measure.carried(curve, np.tensordot(weights / weights.sum(), shifts, 1))
