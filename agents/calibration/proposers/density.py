"""Kernel densities of good and bad points, and points that are likelier good than bad.

The model of BOHB (Falkner, Klein and Hutter, arXiv 1807.01774, section 4): one multivariate kernel
density with a product kernel for the good points, one for the others (section 4.1), bandwidths by the
normal reference rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from ..array import Array

_LEAST: Final = 1e-32


class Density:
    """A kernel density in the unit cube: a product of normal kernels about each point.

    Args:
        points: Where they are: (points, dimensions), at least one.
        narrowest: The least bandwidth.
    """

    def __init__(self, points: Array, *, narrowest: float) -> None:
        count, dimensions = points.shape
        rule = 1.06 * points.std(axis=0) * count ** (-1.0 / (4 + dimensions))
        self.points = points
        self.bandwidths = np.maximum(rule, narrowest)

    def at(self, places: Array) -> Array:
        """Return the density at places: (places, dimensions) to (places,)."""
        apart = (places[:, None, :] - self.points[None, :, :]) / self.bandwidths
        kernels = np.exp(-0.5 * (apart**2).sum(axis=2))
        norm = np.prod(np.sqrt(2 * np.pi) * self.bandwidths)
        return np.asarray(kernels.mean(axis=1) / norm)

    def drawn(self, generator: np.random.Generator, count: int, *, widened: float) -> Array:
        """Draw places near points, with bandwidths times a factor, cut off at the cube's faces."""
        centres = self.points[generator.integers(len(self.points), size=count)]
        found = np.full(centres.shape, -1.0)
        while (outside := (found < 0.0) | (found > 1.0)).any():
            again = generator.normal(centres, widened * self.bandwidths)
            found = np.where(outside, again, found)
        return found


def likely_good(
    good: Density, bad: Density, generator: np.random.Generator, *, samples: int, widened: float
) -> Array:
    """Return the one of some draws of the good density at which it most exceeds the bad one."""
    places = good.drawn(generator, samples, widened=widened)
    ratio = np.maximum(bad.at(places), _LEAST) / np.maximum(good.at(places), _LEAST)
    return np.asarray(places[int(np.argmin(ratio))])
