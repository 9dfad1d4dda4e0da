"""Shares as log-odds: what constants of a choice model shift one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..errors import NoConstantError, SharesWantedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ....protocols.trial import Outcome
    from ..array import Array
    from ..space import Space
    from ..target import Target
    from .known import KnownTrial


NOTHING: Final = 2e-4
"""A share below which an alternative that is not wanted counts as not chosen."""

EXACT: Final = 1_000_000
"""Observations that an outcome without sampling error stands for."""

_TINY: Final = 1e-12

_UNSETTLED: Final = 0.05
"""Deviation of a share of a half that its first iteration leaves open, where nobody forecasts."""


def require_constants(who: str, space: Space, target: Target) -> None:
    """Raise unless a proposer has shares to aim at, and constants to do so with.

    Raises:
        SharesWantedError: The target is none of shares.
        NoConstantError: No parameter is a constant of an outcome.
    """
    if not target.shares:
        raise SharesWantedError(who)
    if not any(parameter.constant_of for parameter in space):
        raise NoConstantError(who)


class Odds:
    """Turns outcomes into logarithms of shares over the share of the reference.

    A share `s` of `n` observations counts as `(n s + 1/2) / (n + modes / 2)`, so that shares of 0 have
    odds, too; half an observation each is the Jeffreys prior of a multinomial.

    Args:
        names: The alternatives.
        target: What is wanted of them; the reference is the one of which most is wanted.

    Attributes:
        names: The alternatives, in the order that vectors have.
        wanted: The wanted share of each.
        reference: The column of the reference.
    """

    def __init__(self, names: tuple[str, ...], target: Target) -> None:
        self.names = names
        self.wanted = np.array([target.values.get(name, 0.0) for name in names])
        self.reference = int(np.argmax(self.wanted))
        self.unwanted = self.wanted < NOTHING

    def seen(self, seen: KnownTrial, settled: int) -> tuple[Array, Array] | None:
        """Return the log-odds that a trial is expected to end with and their variances.

        Those of sampling in the last iteration are among them. None before the first iteration.
        """
        record, forecast = seen.record, seen.forecast
        if not record.outcomes:
            return None
        sample = record.samples[-1] if record.samples else 0
        if forecast is not None:
            return self.of(forecast.outcome, sample, forecast.deviations)
        left = 1.0 - min(len(record.outcomes), settled) / settled
        outcome = record.outcomes[-1]
        open_ = {name: 2 * left * _UNSETTLED * share**0.5 for name, share in outcome.items()}
        return self.of(outcome, sample, open_)

    def of(
        self, outcome: Outcome, sample: int, deviations: Mapping[str, float]
    ) -> tuple[Array, Array]:
        """Return the log-odds of an outcome and their variances: (alternatives,) each."""
        size = float(sample or EXACT)
        shares = self.smoothed(self.vector(outcome), size)
        known = np.array([deviations.get(name, 0.0) for name in self.names]) / shares
        variances = np.log1p(known**2) + (1.0 - shares) / (size * shares)
        return self.logs(shares), variances + variances[self.reference]

    def aim(self, sample: float) -> Array:
        """Return the log-odds of the target, as a sample that hits it would show them."""
        wanted = np.where(self.unwanted, NOTHING / 2, self.wanted)
        return self.logs(self.smoothed(wanted, sample))

    def vector(self, outcome: Outcome) -> Array:
        """Return shares that add up to 1, in order; those that are missing are 0."""
        shares = np.array([outcome.get(name, 0.0) for name in self.names])
        return np.asarray(shares / shares.sum())

    def smoothed(self, shares: Array, sample: float) -> Array:
        """Return shares as half an observation more of each makes them."""
        return np.asarray((sample * shares + 0.5) / (sample + 0.5 * len(self.names)))

    def logs(self, shares: Array) -> Array:
        """Return the log-odds of positive shares: (..., alternatives) to the same."""
        logs = np.log(np.maximum(shares, _TINY))
        return np.asarray(logs - logs[..., self.reference, None])

    def shares(self, odds: Array) -> Array:
        """Return the shares that have some log-odds: (..., alternatives) to the same."""
        weights = np.exp(odds - odds.max(axis=-1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True))

    def losses(self, odds: Array) -> Array:
        """Return the loss, in percentage points, of log-odds: (..., alternatives) to (...)."""
        return np.asarray(100.0 * np.abs(self.shares(odds) - self.wanted).sum(axis=-1))
