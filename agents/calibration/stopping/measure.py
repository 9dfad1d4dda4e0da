"""How outcomes are compared: shares of a whole by the noise of sampling, others by their own scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

if TYPE_CHECKING:
    from ..array import Array

EXACT: Final = 1_000_000
"""Observations that an outcome without sampling error stands for."""


class Measure(Protocol):
    """Turns outcomes into numbers whose noise has variance 1 per degree of freedom."""

    freedom: int
    reach: float

    def cleaned(self, curve: Array) -> Array:
        """Return a curve that the other methods can work with: (iterations, outcomes)."""
        ...

    def carried(self, curve: Array, shift: Array) -> Array:
        """Return a curve moved as another one moved, by what `moved` says of that one."""
        ...

    def moved(self, curve: Array, *, seen: int) -> Array:
        """Return how far a curve was from its last point, at each of its first ones."""
        ...

    def misfit(self, squares: Array, mean: Array) -> Array:
        """Return squares of differences, summed over the outcomes in units of the noise."""
        ...

    def variances(self, mean: Array) -> Array:
        """Return the noise's variance for each outcome."""
        ...

    def scattered(self, mean: Array, normal: Array) -> Array:
        """Return standard normal draws turned into noise about means: (draws, outcomes)."""
        ...


class Shares:
    """Shares of a whole, among `sample` observations: multinomial noise.

    Attributes:
        freedom: Degrees of freedom of one iteration.
        reach: How much further single travellers are apart than samples of them.
    """

    def __init__(self, outcomes: int, sample: int) -> None:
        self._sample = sample or EXACT
        self.freedom = max(outcomes - 1, 1)
        self.reach = float(2.0 ** round(0.5 * np.log2(self._sample)))  # tables are kept for each

    def cleaned(self, curve: Array) -> Array:
        """Return shares that add up to 1, none of them 0: each was seen half a time more."""
        whole = curve / curve.sum(axis=1, keepdims=True)
        return np.asarray((self._sample * whole + 0.5) / (self._sample + 0.5 * curve.shape[1]))

    def carried(self, curve: Array, shift: Array) -> Array:
        """Return a curve whose shares grow by the same factors as another one's did."""
        found = curve * np.exp(shift)
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    def moved(self, curve: Array, *, seen: int) -> Array:
        """Return the logarithms of the factors by which shares were to grow yet."""
        return np.asarray(np.log(curve[-1]) - np.log(curve[:seen]))

    def misfit(self, squares: Array, mean: Array) -> Array:
        """Return chi-square."""
        return np.asarray(self._sample * (squares / mean).sum(axis=-1))

    def variances(self, mean: Array) -> Array:
        """Return the binomial variance of each share."""
        return np.asarray(mean * (1.0 - mean) / self._sample)

    def scattered(self, mean: Array, normal: Array) -> Array:
        """Return noise with the multinomial covariance; it adds up to 0."""
        root = np.sqrt(mean)
        whole = (root * normal).sum(axis=-1, keepdims=True)
        return np.asarray((root * normal - mean * whole) / np.sqrt(self._sample))


class Values:
    """Outcomes that have nothing to do with each other, each with a scale of its own.

    Attributes:
        freedom: Degrees of freedom of one iteration.
        reach: How far values go on their way, over their noise.
    """

    def __init__(self, scale: Array) -> None:
        self._scale = scale
        self.freedom = len(scale)
        self.reach = 100.0

    def cleaned(self, curve: Array) -> Array:
        """Return the values as they are."""
        return curve

    def carried(self, curve: Array, shift: Array) -> Array:
        """Return a curve whose values grow by as much as another one's did."""
        return np.asarray(curve + shift)

    def moved(self, curve: Array, *, seen: int) -> Array:
        """Return by how much values were to grow yet."""
        return np.asarray(curve[-1] - curve[:seen])

    def misfit(self, squares: Array, mean: Array) -> Array:
        """Return squares over the squares of the scales."""
        return np.asarray((squares / self._scale**2).sum(axis=-1))

    def variances(self, mean: Array) -> Array:
        """Return the squares of the scales."""
        return np.asarray(np.broadcast_to(self._scale**2, mean.shape))

    def scattered(self, mean: Array, normal: Array) -> Array:
        """Return independent noise."""
        return np.asarray(self._scale * normal)


def scales(curve: Array) -> Array:
    """Return the noise of values by how they jump from one iteration to the next.

    Args:
        curve: Values: (iterations, outcomes). A single iteration shows no noise: a twentieth of each
            value stands for it.
    """
    size = np.abs(curve).max(axis=0)
    floor = np.maximum(1e-4 * size, 1e-12)
    if len(curve) < 2:
        return np.asarray(np.maximum(0.05 * size, floor))
    jumps = np.diff(curve, axis=0)
    return np.asarray(np.maximum(np.sqrt((jumps**2).mean(axis=0) / 2), floor))
