"""BOHB: HyperBand whose points come from kernel densities of good and bad ones."""

from __future__ import annotations

from itertools import cycle
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from ..proposer import Proposal
from .brackets import Bracket, Losses, ladders
from .density import Density, likely_good
from .informed import InformedProposer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ....protocols.trial import TrialId
    from ..array import Array
    from ..forecast import Forecast
    from ..record import TrialRecord
    from ..space import Point, Space
    from ..target import Target
    from .known import Key


class Bohb(InformedProposer):
    """The optimiser of the paper on BEAM, as published (Falkner, Klein and Hutter, arXiv 1807.01774).

    HyperBand decides how long points run: many a little, the best of them longer, by brackets. New
    points are drawn from a kernel density of the best 15 % and tried where it most exceeds that of the
    others, both of the longest runs of which there are enough; a third of the points are uniform. It
    sees the loss alone.

    A budget is a number of iterations that are really run: a trial that goes on is extended. (In the
    authors' code for BEAM every trial ran in full, whatever its budget.) Workers that have nothing to
    do begin the next bracket. Stoppers disturb the comparison within a rung: pair it with `Never`.

    Args:
        space: Where points lie.
        target: What losses are measured against.
        iterations: Iterations of a full run.
        generator: Where its randomness comes from.
        least: Iterations of the shortest trials.
        eta: Of so many points one goes on, with so many times the iterations.
        best: The part of the points that is called good.
        samples: Draws of the good density, of which the best one is proposed.
        uniform: The part of the points that are drawn anywhere.
        widened: By what the bandwidths of these draws are multiplied.
        narrowest: The least bandwidth, of the bounds' width.
    """

    def __init__(
        self,
        space: Space,
        target: Target,
        *,
        iterations: int,
        generator: np.random.Generator,
        least: int = 2,
        eta: int = 3,
        best: float = 0.15,
        samples: int = 64,
        uniform: float = 1 / 3,
        widened: float = 3.0,
        narrowest: float = 1e-3,
    ) -> None:
        super().__init__(space, target, iterations=iterations, generator=generator)
        self._best = best
        self._samples = samples
        self._uniform = uniform
        self._widened = widened
        self._narrowest = narrowest
        self._low = np.array([parameter.low for parameter in space])
        width = np.array([parameter.high - parameter.low for parameter in space])
        self._width = np.where(width > 0, width, 1.0)
        self._ladders = cycle(ladders(min(least, iterations), iterations, eta))
        self._brackets: list[Bracket] = []
        self._members: dict[Key, Bracket] = {}
        self._losses: dict[Key, Losses] = {}
        self._trials: dict[Key, TrialId] = {}

    def tell(self, record: TrialRecord, forecast: Forecast | None) -> None:
        """Take note of the losses of a trial, and find it a place in a bracket if it has none.

        Raises:
            OutcomeError: The latest outcome has no loss.
        """
        super().tell(record, forecast)
        if record.confirms is not None:
            return
        key = self._known.key(record.point)
        self._trials[key] = record.id
        bracket = self._members.get(key) or self._join(key)
        losses = self._losses.setdefault(key, {})
        for rung in bracket.rungs:
            if rung.iterations <= len(record.outcomes):
                losses[rung.iterations] = self._target.loss(record.outcomes[rung.iterations - 1])
        if len(record.outcomes) >= record.limit:
            return
        if record.state == "stopped" and record.outcomes:
            losses[record.limit] = self._target.loss(record.outcomes[-1])
        elif record.state in {"stopped", "failed"}:
            losses[record.limit] = inf

    def ask(self, running: Sequence[TrialRecord]) -> Proposal | None:
        """Return a point that goes on, or else one that begins."""
        busy = {self._known.key(record.point) for record in running}
        for bracket in self._brackets:
            for key, iterations in bracket.due(self._losses):
                if key not in busy:
                    trial = self._trials[key]
                    seen = self._known.get(trial)
                    assert seen is not None, "its losses were told"
                    return Proposal(point=seen.record.point, iterations=iterations, continues=trial)
        point = self._new(running)
        bracket = self._join(self._known.key(point))
        return Proposal(point=point, iterations=bracket.rungs[0].iterations)

    def _join(self, key: Key) -> Bracket:
        """Give a point a place in the first bracket that has room."""
        bracket = next((b for b in self._brackets if b.has_room), None)
        if bracket is None:
            bracket = Bracket(next(self._ladders))
            self._brackets.append(bracket)
        bracket.members.append(key)
        self._members[key] = bracket
        return bracket

    def _new(self, running: Sequence[TrialRecord]) -> Point:
        """Return a point at which no trial is, by the densities if there are some."""
        densities = self._densities()
        if densities is None or self._generator.random() < self._uniform:
            return self._known.uniform(self._generator, running)
        for _ in range(self._samples):
            place = likely_good(
                *densities, self._generator, samples=self._samples, widened=self._widened
            )
            point = self._known.point(self._low + self._width * place)
            if self._known.is_new(point, running) and self._known.key(point) not in self._members:
                return point
        return self._known.uniform(self._generator, running)

    def _densities(self) -> tuple[Density, Density] | None:
        """Return the densities of good and bad points after most iterations, or None."""
        budgets = {budget for losses in self._losses.values() for budget in losses}
        enough = len(self._low) + 1
        for budget in sorted(budgets, reverse=True):
            there = [(loss[budget], key) for key, loss in self._losses.items() if budget in loss]
            count = max(enough, int(self._best * len(there)))
            if len(there) - count >= enough:
                order = [key for _, key in sorted(there)]
                good, bad = self._places(order[:count]), self._places(order[count:])
                return (
                    Density(good, narrowest=self._narrowest),
                    Density(bad, narrowest=self._narrowest),
                )
        return None

    def _places(self, keys: list[Key]) -> Array:
        """Return points as places in the unit cube: (points, dimensions)."""
        return np.asarray((np.array(keys) - self._low) / self._width)
