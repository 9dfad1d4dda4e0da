"""Constants of a choice model by the log-odds of shares: an asynchronous quasi-Newton method."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final

import numpy as np

from ..array import Array
from ..proposer import Proposal
from .informed import InformedProposer
from .known import KnownTrial
from .odds import EXACT, Odds, require_constants
from .surroundings import Observations, Surroundings
from .travellers import Travellers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ....protocols.trial import Availability
    from ..record import TrialRecord
    from ..space import Point, Space
    from ..target import Target

_LONGEST: Final = 3.0
"""The longest step of a constant, in units of utility."""

_FULL: Final = 0.9
"""A step that promises more than this of the best loss is near its end: the trial is a full one."""

_MOST_SHORT: Final = 6
"""After so many short trials in a row a full one is due, whatever another step promises."""

_NOISE: Final = 0.2
"""Deviation of exploration, in units of utility, where the promised loss is 100 points."""

_ALONE: Final = 0.1
"""The part of it for a worker beside which none runs."""

_SPREAD: Final = 0.3
"""How far concurrent trials are spread, over what is not known of where the target is met."""

_APART: Final = 0.5
"""Deviation of first points beside the start."""


@dataclass(frozen=True, slots=True)
class _View:
    """The best trial, its point in scaled units, and what is around it."""

    best: KnownTrial
    centre: Array
    around: Surroundings
    aim: Array


class LogOddsQN(InformedProposer):
    """Finds constants that give wanted shares, by what every trial says of every share.

    Optimisers that see the loss alone throw away all but one number of a run. Here the log-odds of all
    shares of all trials, those that run, were stopped or are short included, are looked at around
    the best of them: what a model of travellers makes of the constants (`Travellers`), and what it
    misses, by a weighted ridge regression on the parameters. Weights are the inverse variances of
    sampling, of forecasts and of a straight line's error. The next point is where both together meet
    the target. Where travellers are alike the model's slopes are the identity, and its first step is
    the one of the log-ratio rule (K. Train, Discrete Choice Methods with Simulation, section 2.8).

    That is a quasi-Newton method whose evaluations need no order: every worker starts from all that
    is known. Beside other trials it takes lines drawn from what is known instead of their mean, and
    some noise that shrinks with the loss, so that concurrent points differ by what is not known.

    Parameters that are constants of no outcome take part, with slopes that may well be 0. A share that
    is not wanted is met below 0.02 %.

    Trials are short as long as more than a little is to be gained by another step: they are for
    learning. One that a further step would not beat is extended to a full one.

    Args:
        space: Where points lie; at least one parameter says whose constant it is.
        target: The wanted shares.
        iterations: Iterations of a full run.
        generator: Where its randomness comes from.
        availability: Who can choose what; empty where that is not known.
        probe: Iterations of a short trial.

    Raises:
        SharesWantedError: The target is none of shares.
        NoConstantError: No parameter is a constant of an outcome.
    """

    def __init__(
        self,
        space: Space,
        target: Target,
        *,
        iterations: int,
        generator: np.random.Generator,
        availability: Sequence[Availability] = (),
        probe: int = 3,
    ) -> None:
        require_constants("LogOddsQN", space, target)
        super().__init__(space, target, iterations=iterations, generator=generator)
        self._availability = availability
        self._probe = min(probe, iterations)
        units = [1.0 if p.constant_of else (p.high - p.low) / 4 or 1.0 for p in space]
        self._units = np.array(units)

    def ask(self, running: Sequence[TrialRecord]) -> Proposal | None:
        """Return where the target is expected to be met; never a point at which a trial is."""
        view = self._view()
        if view is None:
            return self._beginning(running)
        alone = all(record.confirms is not None for record in running)
        around, bounds = view.around, self._bounds(view.centre)
        step = around.met(around.expected, view.aim, *bounds)
        promised = around.promise(step, self._generator)
        short = self._promising(inf if self._is_due(running) else promised, running)
        if short is not None:
            return Proposal(point=short.point, iterations=self._iterations, continues=short.id)
        if not alone:
            lines = around.drawn(self._generator, part=_SPREAD)
            step = around.met(lines, view.aim, *bounds)
        full = promised > _FULL * self._loss(view.best) or self._is_due(running)
        noise = (_ALONE if alone else 1.0) * _NOISE * promised / 100.0
        return Proposal(
            point=self._near(view.centre + step, noise, running),
            iterations=self._iterations if full else self._probe,
        )

    # --- What is known ---------------------------------------------------------------------------

    def _view(self) -> _View | None:
        """Return what all trials say about the surroundings of the best; None before the first."""
        odds = self._odds()
        rows = [(s, o) for s in self._known if (o := odds.seen(s, self._iterations)) is not None]
        if not rows:
            return None
        best, (there, _) = min(rows, key=lambda row: self._surely(row[0]))
        centre = self._scaled(best)
        observed = Observations(
            steps=np.array([self._scaled(seen) for seen, _ in rows]) - centre,
            odds=np.array([o for _, (o, _) in rows]),
            variances=np.array([v for _, (_, v) in rows]),
        )
        travellers = Travellers(odds.names, self._availability)
        around = Surroundings(travellers, odds, there, self._moves(odds), observed)
        samples = best.record.samples
        return _View(best, centre, around, odds.aim((samples[-1] if samples else 0) or EXACT))

    def _odds(self) -> Odds:
        names = set(self._target.values)
        for seen in self._known:
            if seen.record.outcomes:
                names |= seen.record.outcomes[-1].keys()
        return Odds(tuple(sorted(names)), self._target)

    def _moves(self, odds: Odds) -> Array:
        """Return which utility each parameter moves: (parameters, alternatives)."""
        moves = np.zeros((len(self._space), len(odds.names)))
        for row, parameter in enumerate(self._space):
            if parameter.constant_of in odds.names:
                moves[row, odds.names.index(parameter.constant_of)] = 1.0
        return moves

    def _scaled(self, seen: KnownTrial) -> Array:
        return np.asarray(self._known.vector(seen.record.point) / self._units)

    def _loss(self, seen: KnownTrial) -> float:
        if seen.forecast is not None:
            return seen.forecast.loss
        return self._target.loss(seen.record.outcomes[-1])

    def _surely(self, seen: KnownTrial) -> float:
        """Return below which loss a trial is almost sure to end."""
        return self._loss(seen) if seen.forecast is None else seen.forecast.high

    # --- Where to go -----------------------------------------------------------------------------

    def _bounds(self, centre: Array) -> tuple[Array, Array]:
        """Return the least and the greatest step, in scaled units."""
        low = np.array([parameter.low for parameter in self._space]) / self._units - centre
        high = np.array([parameter.high for parameter in self._space]) / self._units - centre
        return np.maximum(low, -_LONGEST), np.minimum(high, _LONGEST)

    def _promising(self, promised: float, running: Sequence[TrialRecord]) -> TrialRecord | None:
        """Return a short trial that may be the best yet, and that a new one will hardly beat."""
        ended = [s for s in self._known if s.record.state == "finished" and s.record.outcomes]
        full = [s for s in ended if len(s.record.outcomes) >= self._iterations]
        done = {self._known.key(record.point) for record in running}
        done |= {self._known.key(seen.record.point) for seen in full}
        least = min([promised, *(self._loss(seen) for seen in full)])
        short = [
            seen
            for seen in ended
            if self._loss(seen) < least and self._known.key(seen.record.point) not in done
        ]
        return min(short, key=self._loss).record if short else None

    def _is_due(self, running: Sequence[TrialRecord]) -> bool:
        """Whether promises have led to short trials only, for longer than any should."""
        trials = [seen.record for seen in self._known if seen.record.confirms is None]
        since = 0
        for record in reversed(trials):
            if record.limit >= self._iterations:
                break
            since += 1
        return since >= max(_MOST_SHORT, 2 * len(running) + 2)

    def _near(self, vector: Array, noise: float, running: Sequence[TrialRecord]) -> Point:
        """Return a point near a vector at which no trial is."""
        while True:
            step = self._generator.normal(0.0, noise, len(vector))
            point = self._known.point((vector + step) * self._units)
            if self._known.is_new(point, running):
                return point
            noise = 1.5 * noise + 1e-6

    def _beginning(self, running: Sequence[TrialRecord]) -> Proposal:
        """Return the start; beside others, something around it."""
        start = np.array([parameter.beginning for parameter in self._space])
        point = self._known.point(start)
        if not self._known.is_new(point, running):
            point = self._near(start / self._units, _APART, running)
        return Proposal(point=point, iterations=self._probe)
