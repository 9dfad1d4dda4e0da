"""What all trials say together about the outcomes around one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ..array import Array
from .regression import Lines, fitted, nearest

if TYPE_CHECKING:
    from .odds import Odds
    from .travellers import Travellers

_OWN: Final = 0.3
"""How far the answer of log-odds to their own constant may be off what is expected."""

_CROSS: Final = 0.15
"""How far their answer to other constants may be off."""

_OTHER: Final = 0.5
"""How far the answer to a quarter of the bounds' width of any other parameter may be off nothing."""

_NEAREST: Final = 200
"""Trials that are looked at, those nearest to the centre."""

_RIDGE: Final = 1e-4
_LEAST: Final = 2e-3
"""What an alternative counts at least in a step, as a share."""

_MET: Final = 1.0
"""A step after which the loss is expected to be less meets the target."""

_ROUNDS: Final = 6
_DRAWS: Final = 24


@dataclass(frozen=True, slots=True)
class Observations:
    """What trials are expected to end with.

    Attributes:
        steps: Where they run, from the centre: (trials, parameters).
        odds: Log-odds of their shares: (trials, alternatives).
        variances: Of these.
    """

    steps: Array
    odds: Array
    variances: Array

    def near(self) -> Observations:
        """Return those that are nearest to the centre."""
        order = np.argsort((self.steps**2).sum(axis=1))[:_NEAREST]
        return Observations(self.steps[order], self.odds[order], self.variances[order])


class Surroundings:
    """Log-odds around a centre: a model of travellers, and straight lines for what it misses.

    Args:
        travellers: The model; its constants are set to give the shares of the centre.
        odds: Names and target.
        centre: Log-odds seen at the centre, by which the model is set.
        moves: Which utility each parameter moves: (parameters, alternatives).
        seen: All observations, from which the lines are fitted.
    """

    def __init__(
        self, travellers: Travellers, odds: Odds, centre: Array, moves: Array, seen: Observations
    ) -> None:
        self._travellers = travellers
        self._odds = odds
        self._moves = moves
        self._utilities = travellers.utilities(odds.shares(centre))
        seen = seen.near()
        missed = seen.odds - self._modelled(seen.steps)
        self._lines: Lines = fitted(seen.steps, missed, seen.variances, self._spread())

    @property
    def expected(self) -> Array:
        """The expected lines: values at the centre, then slopes."""
        return self._lines.mean

    def drawn(self, generator: np.random.Generator, *, part: float = 1.0) -> Array:
        """Draw lines that agree with what is known, at a part of the way from `expected` to them."""
        return self._lines.drawn(generator, part)

    def met(self, lines: Array, aim: Array, low: Array, high: Array) -> Array:
        """Return the step within bounds after which the target is met, if these lines are right.

        Newton's method on log-odds, which are nearly linear. Where the target cannot be met, that
        would push constants for ever without any gain; then the step is the one that brings shares
        nearest. What is not wanted, and is chosen less than that allows, is left as it is.
        """
        weights = np.maximum(self._odds.wanted, _LEAST)
        step = np.zeros(len(low))
        for _ in range(_ROUNDS):
            slopes = self._slopes(step) + lines[:, 1:]
            off = self._at(lines, step) - aim
            tangents = np.column_stack([off - slopes @ step, slopes])
            tangents[self._odds.unwanted & (off < 0)] = 0.0
            step = nearest(tangents, weights, low, high, ridge=_RIDGE)
        if self._loss(lines, step) < _MET:
            return step
        return min(
            (self._nearest(lines, part * step, low, high) for part in (0.0, 0.5, 1.0)),
            key=lambda found: self._loss(lines, found),
        )

    def _nearest(self, lines: Array, step: Array, low: Array, high: Array) -> Array:
        """Return a step from which none of a few brings shares nearer to the target: Gauss-Newton."""
        weights = 1.0 / np.maximum(self._odds.wanted, _LEAST)
        cost = self._cost(lines, step, weights)
        for _ in range(_ROUNDS):
            shares = self._odds.shares(self._at(lines, step))
            odds = self._slopes(step) + lines[:, 1:]
            slopes = shares[:, None] * (odds - shares @ odds)
            off = shares - self._odds.wanted
            tangents = np.column_stack([off - slopes @ step, slopes])
            whole = nearest(tangents, weights, low, high, ridge=_RIDGE) - step
            tried = [step + part * whole for part in (1.0, 0.5, 0.2, 0.05)]
            better = next((t for t in tried if self._cost(lines, t, weights) < cost), None)
            if better is None:
                break
            step, cost = better, self._cost(lines, better, weights)
        return step

    def _cost(self, lines: Array, step: Array, weights: Array) -> float:
        """Return chi-square of the shares after a step, of one observation, and its price."""
        off = self._odds.shares(self._at(lines, step)) - self._odds.wanted
        return float(weights @ off**2 + _RIDGE * step @ step)

    def _loss(self, lines: Array, step: Array) -> float:
        """Return the loss after a step, if these lines are right."""
        return float(self._odds.losses(self._at(lines, step)))

    def promise(self, step: Array, generator: np.random.Generator) -> float:
        """Return the loss that is expected after a step, by all that is not known."""
        drawn = [self._at(self.drawn(generator), step) for _ in range(_DRAWS)]
        return float(self._odds.losses(np.array(drawn)).mean())

    def _at(self, lines: Array, step: Array) -> Array:
        """Return log-odds after a step."""
        return np.asarray(self._modelled(step) + lines[:, 0] + lines[:, 1:] @ step)

    def _modelled(self, steps: Array) -> Array:
        """Return the model's log-odds after steps: (..., parameters) to (..., alternatives)."""
        return self._odds.logs(self._travellers.shares(self._utilities + steps @ self._moves))

    def _slopes(self, step: Array) -> Array:
        """Return the model's slopes after a step: (alternatives, parameters)."""
        slopes = self._travellers.slopes(self._utilities + step @ self._moves) @ self._moves.T
        return np.asarray(slopes - slopes[self._odds.reference])

    def _spread(self) -> Array:
        """Return how far the model's slopes may be off: (alternatives, parameters)."""
        constant = self._moves.any(axis=1)
        spread = np.where(constant, _CROSS, _OTHER) * np.ones((self._moves.shape[1], 1))
        spread[self._moves.T > 0] = _OWN
        spread[:, self._moves[:, self._odds.reference] > 0] = _OWN
        spread[self._odds.reference] = 1e-6  # its odds are 0, whatever happens
        return np.asarray(spread)
