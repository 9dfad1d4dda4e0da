"""What shares would do if travellers differed in what they can choose from and in taste alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ....protocols.trial import Availability
    from ..array import Array

_KINDS: Final = 64
"""Kinds of travellers, with a taste each, that stand for all who have the same alternatives."""

_TASTE: Final = 1.0
"""Standard deviation of a taste for an alternative, in units of utility."""

_ROUNDS: Final = 40
_LONGEST: Final = 3.0
_CLOSE: Final = 1e-9
_SATURATED: Final = 1e-3
"""An alternative that all choose who can is taken to be chosen by this part fewer of them."""

_TINY: Final = 1e-300


class Travellers:
    """A logit model of travellers of whom nothing is known but what they can choose from.

    Were they all alike, log-odds would answer to their own constant with a slope of 1 and to no other
    (K. Train, Discrete Choice Methods with Simulation, section 3.6 has the derivatives). Two things
    change that most: who has no car does not take one at any constant, and who likes an alternative
    anyway does not wait for its constant to rise. So there are kinds of travellers for every set of
    alternatives, with normal tastes (a mixed logit, chapter 6, on a fixed sample).

    Args:
        names: The alternatives.
        availability: Who can choose what; empty where everybody can choose everything.
        taste: Standard deviation of tastes; 0 makes travellers alike.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        availability: Sequence[Availability] = (),
        *,
        taste: float = _TASTE,
    ) -> None:
        parts = [part for part in availability if part.weight > 0]
        sets = [[name in part.alternatives for name in names] for part in parts]
        can = np.array(sets or [[True] * len(names)])  # (sets, alternatives)
        weights = np.array([part.weight for part in parts] or [1.0])
        kinds = _KINDS if taste else 1
        tastes = taste * np.random.default_rng(0).normal(size=(kinds, len(names)))
        every = np.repeat(can, kinds, axis=0)
        self._tastes = np.where(every, np.tile(tastes, (len(can), 1)), -np.inf)
        self._weights = np.repeat(weights / weights.sum(), kinds) / kinds
        self._most = self._weights @ every

    def shares(self, utilities: Array) -> Array:
        """Return the share of each alternative, of 1: (..., alternatives) to the same."""
        return np.asarray((self._weights[:, None] * self._chances(utilities)).sum(axis=-2))

    def slopes(self, utilities: Array) -> Array:
        """Return how logarithms of shares answer to utilities: (shares, utilities)."""
        chances = self._chances(utilities)
        shares = self._weights @ chances
        both = (self._weights[:, None] * chances).T @ chances
        return np.asarray(np.eye(len(shares)) - both / np.maximum(shares, _TINY)[:, None])

    def utilities(self, shares: Array) -> Array:
        """Return utilities that give shares, as nearly as any do: Newton's method, damped."""
        wanted = np.minimum(shares, (1.0 - _SATURATED) * self._most)
        wanted = np.maximum(wanted, _CLOSE) / np.maximum(wanted, _CLOSE).sum()
        found = np.log(wanted)
        for _ in range(_ROUNDS):
            off = np.log(wanted) - np.log(np.maximum(self.shares(found), _TINY))
            if np.abs(off).max() < _CLOSE:
                break
            slopes = self.slopes(found)
            damped = slopes.T @ slopes + _CLOSE * np.eye(len(found))
            found = found + np.clip(np.linalg.solve(damped, slopes.T @ off), -_LONGEST, _LONGEST)
        return np.asarray(found - found.mean())

    def _chances(self, utilities: Array) -> Array:
        """Return how likely each kind chooses what: (..., kinds, alternatives)."""
        kept = utilities[..., None, :] + self._tastes
        weights = np.exp(kept - kept.max(axis=-1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
