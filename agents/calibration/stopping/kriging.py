"""How the last point of a curve that settles follows from the first ones: weights, and what they miss.

A curve is a level that nobody knows, a way to go that shrinks, and noise that fades as plans do: a
Gaussian process, whose last value is predicted by ordinary kriging (Rasmussen and Williams, Gaussian
Processes for Machine Learning, section 2.7). The weights depend on how many points there are and on
none of their values, so they are computed once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array import Array


@dataclass(frozen=True, slots=True)
class Assumption:
    """What may be so of a curve `y_t = a + c rho^t + e_t`, in units of the noise's deviation.

    Attributes:
        decay: The rate `rho`, of 1: what is left of the way to go after one more point.
        drift: Standard deviation of the whole way `c`.
        restless: How far the pace of each point strays from the exponential, over the first pace.
    """

    decay: float
    drift: float
    restless: float


@dataclass(frozen=True, slots=True)
class Kriging:
    """How to predict under one assumption, for noise of variance 1.

    Attributes:
        weights: What each point seen counts for; they add up to 1. (seen,)
        variance: Variance of the wanted point about its prediction.
        misfit: Quadratic form that is large where points contradict the assumption. (seen, seen)
        penalty: Logarithm of how freely the assumption could have explained other points.
    """

    weights: Array
    variance: float
    misfit: Array
    penalty: float


def kriging(
    assumed: Assumption, *, seen: int, last: int, persistence: float, unsteady: float
) -> Kriging:
    """Return how the point `last` of a curve follows from its first `seen`.

    Args:
        assumed: What is taken to be so.
        seen: How many points there are; at least 1.
        last: The number of the wanted point, counted from 1; at least `seen`.
        persistence: Correlation of the noise of neighbouring points.
        unsteady: Which part of the noise's variance is each point's own.
    """
    both = _covariance(assumed, last, persistence, unsteady)
    known, cross = both[:seen, :seen], both[:seen, last - 1]
    inverse = np.linalg.inv(known)
    ones = inverse.sum(axis=1)  # the inverse times a vector of ones
    total = float(ones.sum())
    pull = inverse @ cross
    rest = 1.0 - float(pull.sum())
    variance = float(both[last - 1, last - 1] - cross @ pull + rest**2 / total)
    return Kriging(
        weights=pull + rest * ones / total,
        variance=max(variance, 0.0) if last > seen else 0.0,
        misfit=inverse - np.outer(ones, ones) / total,
        penalty=float(np.linalg.slogdet(known)[1]) + float(np.log(total)),
    )


def _covariance(assumed: Assumption, points: int, persistence: float, unsteady: float) -> Array:
    """Return the covariance of the points of a curve, less that of its level."""
    pace = assumed.drift * (1.0 - assumed.decay)
    steps = np.zeros((points, points))  # of each point, as a sum of what made the paces
    for t in range(1, points):
        steps[t] = assumed.decay * steps[t - 1]
        steps[t, t if t > 1 else 0] += 1.0
    causes = np.full(points, pace * assumed.restless)
    causes[0] = pace
    ways = np.cumsum(steps, axis=0) * causes
    times = np.arange(points)
    apart = np.abs(times[:, None] - times[None, :])
    noise = (1.0 - unsteady) * persistence**apart + unsteady * (apart == 0)
    return np.asarray(ways @ ways.T + noise)
