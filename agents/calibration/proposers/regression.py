"""How outcomes answer to parameters near a point: a straight line for each, and what is not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..array import Array

_FREE: Final = 1e4
"""Variance of a value at the centre of which nothing is known."""

CURVATURE: Final = 0.12
"""By how much a straight line misses at a distance of 1; it grows with the square of the distance."""


@dataclass(frozen=True, slots=True)
class Lines:
    """A normal law of values at the centre and slopes, one line for each outcome.

    Attributes:
        mean: Expected value at the centre, then slopes: (outcomes, 1 + parameters).
        root: A square root of the covariance of each line: (outcomes, 1 + p, 1 + p).
    """

    mean: Array
    root: Array

    def drawn(self, generator: np.random.Generator, part: float = 1.0) -> Array:
        """Draw lines that agree with what is known: as `mean`, and deviations times a part."""
        normal = part * generator.normal(size=self.mean.shape)
        return np.asarray(self.mean + np.einsum("oij,oj->oi", self.root, normal))


def fitted(steps: Array, values: Array, variances: Array, spread: Array) -> Lines:
    """Fit a line to each outcome: weighted ridge regression, with slopes that may well be 0.

    Args:
        steps: Where was looked, from the centre: (observations, parameters).
        values: What was seen: (observations, outcomes).
        variances: Of what was seen: (observations, outcomes).
        spread: Standard deviations of slopes before anything was seen: (outcomes, parameters).
    """
    far = (steps**2).sum(axis=1)
    weights = 1.0 / (variances + (CURVATURE * far[:, None]) ** 2)  # (observations, outcomes)
    design = np.column_stack([np.ones(len(steps)), steps])
    precision = np.column_stack([np.full(len(spread), 1.0 / _FREE), 1.0 / spread**2])
    weighted = (weights.T[:, :, None] * design).transpose(
        0, 2, 1
    )  # (outcomes, 1 + p, observations)
    normal = weighted @ design + precision[:, :, None] * np.eye(design.shape[1])
    mean = np.linalg.solve(normal, weighted @ values.T[:, :, None])[:, :, 0]
    root = np.linalg.inv(np.linalg.cholesky(normal)).transpose(0, 2, 1)
    return Lines(mean=np.asarray(mean), root=np.asarray(root))


def nearest(lines: Array, weights: Array, low: Array, high: Array, *, ridge: float) -> Array:
    """Return the step within bounds at which lines come as near to 0 as they can.

    The least weighted sum of squares, with a small price for the step itself, so that directions in
    which nothing answers are left alone. Parameters that a bound stops are fixed there, and the others
    make up for it.

    Args:
        lines: Values at the centre, then slopes: (outcomes, 1 + parameters).
        weights: What the square of each outcome counts: (outcomes,).
        low: The least step in each parameter.
        high: The greatest.
        ridge: What the square of a step of 1 costs.
    """
    values, slopes = lines[:, 0], lines[:, 1:]
    step = np.zeros(slopes.shape[1])
    free = np.ones(len(step), dtype=bool)
    for _ in range(len(step)):
        here = values + slopes[:, ~free] @ step[~free]
        some = slopes[:, free]
        normal = some.T @ (weights[:, None] * some) + ridge * np.eye(int(free.sum()))
        step[free] = np.linalg.solve(normal, -some.T @ (weights * here))
        outside = (step < low) | (step > high)
        step = np.clip(step, low, high)
        if not outside.any() or not (free & ~outside).any():
            break
        free &= ~outside
    return step
