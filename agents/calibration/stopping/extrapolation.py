"""Where the outcome of a running trial is going, with an error bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..forecast import Forecast
from .assumptions import Assumptions, Predicted
from .curves import Curves
from .measure import Shares, Values, scales

if TYPE_CHECKING:
    from ....protocols.trial import Outcome, TrialId
    from ..array import Array
    from ..record import TrialRecord
    from ..target import Target
    from .measure import Measure

_DRAWS: Final = 400
"""Draws of a settled outcome, from which quantiles of its loss are taken."""

_MOST_POINTS: Final = 40
"""Points of a curve that are looked at; the tables of long ones would take too long to make."""

_AIMS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""How far from the target trials may end, in deviations of the noise."""


class Extrapolation:
    """Forecasts the settled outcome of a trial from its first iterations.

    All shares follow `s_t = s + c rho^t` with one rate `rho`, which is expected to be near 1 less the
    part that chooses anew, and noise that is multinomial across modes and fades as plans are
    replaced. Trials that were seen to their end teach it how shares move, how far and how steadily;
    after one or two of them two iterations say about as much as six do before.

    What is not known of rate, way and noise is averaged over, so it is in the error bar. For the loss
    there is one more thing to know: trials are aimed at the target. A forecast that is as near to it
    as its error bar is long may well be a hit, and the interval reaches down accordingly.

    Forecasts depend on the order in which trials ended, and on nothing else: a restart that shows it
    the finished ones again restores it.

    Args:
        target: What losses are measured against.
        iterations: After how many iterations an outcome counts as settled.
        replanning: Which part of the travellers chooses anew in each iteration; 1 where iterations
            have nothing in common.
    """

    def __init__(self, target: Target, *, iterations: int, replanning: float = 0.2) -> None:
        self._target = target
        self._iterations = iterations
        self._stride = -(-iterations // _MOST_POINTS)
        decay = min(max(1.0 - replanning, 0.0), 0.98) ** self._stride
        self._assumptions = Assumptions(last=iterations // self._stride, decay=decay)
        self._names: tuple[str, ...] = tuple(sorted(target.values))
        self._ended: dict[TrialId, TrialRecord] = {}
        self._curves = Curves()
        self._experience: Array | None = None
        self._draws = _Draws()

    def forecast(self, record: TrialRecord) -> Forecast | None:
        """Return where a trial is going; None before its first iteration.

        A trial with all its iterations is remembered.

        Raises:
            OutcomeError: The latest outcome has no loss.
        """
        if not record.outcomes:
            return None
        self._target.check(record.outcomes[-1])
        if self._target.shares:
            self._widen(record.outcomes[-1])
        measure, curve = self._read(record)
        if len(record.outcomes) >= self._iterations:
            self._remember(record, curve, measure)
            return _certain(record.outcomes[-1], self._target)
        carried = self._curves.carry(curve, measure, leaving_out=record.id)
        belief = self._assumptions.believed(self._experience)
        return self._forecast(self._assumptions.predict(carried, measure, belief), measure)

    def _widen(self, outcome: Outcome) -> None:
        """Take in names that are new, and read what was seen before with them."""
        if outcome.keys() <= set(self._names):
            return
        self._names = tuple(sorted({*self._names, *outcome}))
        ended, self._ended, self._experience = self._ended, {}, None
        self._curves = Curves()
        for record in ended.values():
            measure, curve = self._read(record)
            self._remember(record, curve, measure)

    def _read(self, record: TrialRecord) -> tuple[Measure, Array]:
        """Return a trial's outcomes as numbers, and how these are compared.

        Of long trials it is every so-manieth outcome.
        """
        outcomes = record.outcomes[self._stride - 1 :: self._stride] or record.outcomes[-1:]
        rows = [[outcome.get(name, 0.0) for name in self._names] for outcome in outcomes]
        curve = np.array(rows)
        if not self._target.shares:
            return Values(scales(curve)), curve
        measure = Shares(len(self._names), record.samples[-1] if record.samples else 0)
        return measure, measure.cleaned(curve)

    def _remember(self, record: TrialRecord, curve: Array, measure: Measure) -> None:
        """Learn from a trial that has come to its end: how it moved, and what explains that."""
        if record.id in self._ended:
            return
        self._ended[record.id] = record
        whole = curve[: self._iterations // self._stride]
        carried = self._curves.carry(whole, measure)
        belief = self._assumptions.believed(None)
        explained = self._assumptions.predict(carried, measure, belief).weights
        self._experience = explained if self._experience is None else self._experience + explained
        self._curves.add(record.id, whole)

    def _forecast(self, found: Predicted, measure: Measure) -> Forecast:
        wanted = np.array([self._target.values.get(name, 0.0) for name in self._names])
        means = self._proper(found.means)
        mean = found.weights @ means
        spread = (means - mean) ** 2 + found.variances[:, None] * measure.variances(mean)
        deviations = np.sqrt(found.weights @ spread)
        ends = self._draws.of(aimed(found, means, wanted, measure), measure)
        losses = self._losses(self._proper(ends), wanted)
        outcome = dict(zip(self._names, mean.tolist(), strict=True))
        low, high = np.quantile(losses, [0.05, 0.95])
        return Forecast(
            outcome=outcome,
            deviations=dict(zip(self._names, deviations.tolist(), strict=True)),
            loss=float(np.median(losses)),
            low=float(low),
            high=float(high),
        )

    def _proper(self, outcomes: Array) -> Array:
        """Return shares that are not negative and add up to 1; other values as they are."""
        if not self._target.shares:
            return outcomes
        positive = np.maximum(outcomes, 1e-9)
        return np.asarray(positive / positive.sum(axis=-1, keepdims=True))

    def _losses(self, outcomes: Array, wanted: Array) -> Array:
        """Return `Target.loss` of many outcomes at once."""
        apart = np.abs(outcomes - wanted).sum(axis=-1)
        return np.asarray(100.0 * apart if self._target.shares else apart)


def _certain(outcome: Outcome, target: Target) -> Forecast:
    """Return the forecast of what is there."""
    loss = target.loss(outcome)
    nothing = dict.fromkeys(outcome, 0.0)
    return Forecast(outcome=outcome, deviations=nothing, loss=loss, low=loss, high=loss)


def aimed(found: Predicted, means: Array, wanted: Array, measure: Measure) -> Predicted:
    """Return predictions that know that trials are aimed: they may end as near as one of `_AIMS`.

    For every assumption and every aim the normal law about the prediction is multiplied with the one
    about the target, and weighs how well both agree.
    """
    aims = np.array(_AIMS)[None, :] ** 2  # (1, aims)
    variances = found.variances[:, None]  # (assumptions, 1)
    both = aims + variances
    off = measure.misfit((means - wanted) ** 2, means)[:, None]
    worth = -0.5 * measure.freedom * np.log(both) - 0.5 * off / both
    worth = np.exp(worth - worth.max(axis=1, keepdims=True))
    worth = found.weights[:, None] * worth / worth.sum(axis=1, keepdims=True)
    kept = (aims / both)[..., None]
    nearer = wanted + kept * (means - wanted)[:, None, :]
    return Predicted(
        weights=worth.ravel(),
        means=nearer.reshape(-1, means.shape[1]),
        variances=(kept[..., 0] * variances).ravel(),
        freedom=found.freedom,
    )


class _Draws:
    """Draws from mixtures of Student's laws: the same randomness each time, so the same result."""

    def __init__(self) -> None:
        self._generator = np.random.default_rng(0)
        self._places = self._generator.permutation((np.arange(_DRAWS) + 0.5) / _DRAWS)
        self._chi = self._generator.normal(size=(_DRAWS, 1))
        self._normal = self._generator.normal(size=(_DRAWS, 1))

    def of(self, found: Predicted, measure: Measure) -> Array:
        """Return draws: (draws, outcomes)."""
        outcomes = found.means.shape[1]
        while self._normal.shape[1] < outcomes:
            more = self._generator.normal(size=(_DRAWS, 1))
            self._normal = np.concatenate([self._normal, more], axis=1)
        steps = np.cumsum(found.weights)
        chosen = np.searchsorted(steps, self._places * steps[-1])
        mean = found.means[chosen]
        noise = measure.scattered(np.maximum(mean, 0.0), self._normal[:, :outcomes])
        part = 2.0 / (9.0 * found.freedom)  # Wilson and Hilferty: chi-square over its mean
        chi = (1.0 - part + np.sqrt(part) * self._chi) ** 3
        size = np.sqrt(found.variances[chosen][:, None] / np.maximum(chi, 1e-3))
        return np.asarray(mean + size * noise)
