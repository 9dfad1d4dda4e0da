"""What may be so of curves that settle, weighed by how well it explains those that were seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from ..array import Array
from .kriging import Assumption, kriging

if TYPE_CHECKING:
    from .measure import Measure

DECAYS: Final = (0.0, 0.3, 0.5, 0.65, 0.75, 0.8, 0.85, 0.9, 0.95)
"""Rates at which the way to go may shrink; within (0, 0.98), but for curves that stand still."""

DRIFTS: Final = (0.003, 0.01, 0.03, 0.1, 0.3)
"""How long the whole way may be: shares, times the root of the sample in noise's deviations."""

RESTLESS: Final = (0.1, 0.5, 1.0)
"""How unlike an exponential it may be: conditions that travellers learn make paces rise at first."""

_SPREAD: Final = 0.15
"""Deviation of what is believed of the rate before any curve is seen."""

_UNSTEADY: Final = 0.05
"""Which part of the noise each iteration draws anew."""

_NOISE: Final = 0.7
"""The noise's variance that is believed in before any curve is seen, of that of sampling."""

_STEADINESS: Final = 8.0
"""How many observations that belief is worth."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """The last point of a curve under every assumption.

    Attributes:
        weights: How much each assumption is worth; they add up to 1. (assumptions,)
        means: The predicted points. (assumptions, outcomes)
        variances: Of the truth about each of them, in units of the noise's. (assumptions,)
        freedom: How many observations the size of the noise is known by.
    """

    weights: Array
    means: Array
    variances: Array
    freedom: float


class Assumptions:
    """Predicts the last point of curves, averaged over all that may be so of them.

    One rate of decay, one length of the way and one size of the noise hold for all outcomes of a
    curve; each assumption about them weighs what it makes of the curve (Bayesian model averaging;
    the noise's size is integrated out in closed form).

    Args:
        last: The number of the wanted point.
        decay: The rate that is believed in before any curve is seen.
    """

    def __init__(self, *, last: int, decay: float) -> None:
        self._last = last
        self._decay = decay
        belief = [np.exp(-0.5 * ((a.decay - decay) / _SPREAD) ** 2) for a in _ALL]
        self._belief = np.array(belief) / np.sum(belief)

    def believed(self, experience: Array | None) -> Array:
        """Return what each assumption is worth after curves that were seen to their end.

        Args:
            experience: The sum of the weights of these, or None. The belief counts as one curve.
        """
        weights = self._belief if experience is None else self._belief + experience
        return np.asarray(weights / weights.sum())

    def predict(self, curve: Array, measure: Measure, belief: Array) -> Predicted:
        """Return where a curve is going: (iterations, outcomes), clean."""
        seen = len(curve)
        weights, variance, misfit, penalty = _table(
            seen=seen,
            last=max(self._last, seen),
            persistence=self._decay,
            reach=measure.reach,
        )
        squares = (misfit @ curve * curve).sum(axis=1)  # (assumptions, outcomes)
        off = measure.misfit(squares, curve.mean(axis=0))
        freedom = _STEADINESS + measure.freedom * (seen - 1)
        noise = _STEADINESS * _NOISE + off
        worth = np.log(np.maximum(belief, 1e-300))
        worth = worth - 0.5 * measure.freedom * penalty - 0.5 * freedom * np.log(noise)
        worth = np.exp(worth - worth.max())
        return Predicted(
            weights=worth / worth.sum(),
            means=weights @ curve,
            variances=variance * noise / freedom,
            freedom=freedom,
        )


_Table = tuple[Array, Array, Array, Array]
"""Weights, variances, misfits and penalties of all assumptions."""

_ALL: Final = tuple(Assumption(d, w, r) for d in DECAYS for w in DRIFTS for r in RESTLESS)


@lru_cache(maxsize=512)  # slow, and the same for all calibrations with as many iterations
def _table(*, seen: int, last: int, persistence: float, reach: float) -> _Table:
    """Return how the last point of a curve follows from its first ones, under all assumptions."""
    each = [
        kriging(
            Assumption(a.decay, a.drift * reach, a.restless),
            seen=seen,
            last=last,
            persistence=persistence,
            unsteady=_UNSTEADY,
        )
        for a in _ALL
    ]
    return (
        np.array([k.weights for k in each]),
        np.array([k.variance for k in each]),
        np.array([k.misfit for k in each]),
        np.array([k.penalty for k in each]),
    )
