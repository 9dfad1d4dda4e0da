"""The expert's rule: constants follow the logarithm of wanted over simulated shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..proposer import Proposal
from .informed import InformedProposer
from .odds import EXACT, Odds, require_constants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..record import TrialRecord
    from ..space import Point, Space
    from ..target import Target
    from .known import KnownTrial

_ENOUGH: Final = 0.5
"""A short run whose loss is more than this part of the one before it is run in full."""

_NUDGE: Final = 0.1
"""By how much, in units of utility, the start is moved when its trial has failed."""


class LogRatio(InformedProposer):
    """Adds to each constant the logarithm of the wanted over the simulated share, less the reference's.

    K. Train, Discrete Choice Methods with Simulation (2009), section 2.8; what transport modellers do
    by hand, run by run. It is sequential: beside a running trial it proposes nothing. Where it gets to
    a point that was run already it has nothing more to propose.

    Args:
        space: Where points lie; parameters that are no constants stay where they begin.
        target: The wanted shares.
        iterations: Iterations of a full run.
        generator: Where its randomness comes from; only a start that fails needs any.
        damping: Which part of the way it goes at a time.
        probe: Iterations after which it goes by the forecast of the end instead of waiting for that;
            once forecasts get less than twice as good from one run to the next, the last one is
            extended to the end. None to run all trials in full.

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
        damping: float = 1.0,
        probe: int | None = None,
    ) -> None:
        require_constants("the log-ratio rule", space, target)
        super().__init__(space, target, iterations=iterations, generator=generator)
        self._damping = damping
        self._probe = iterations if probe is None else min(probe, iterations)

    def ask(self, running: Sequence[TrialRecord]) -> Proposal | None:
        """Return the next step from the latest trial; None while that runs."""
        if any(record.confirms is None for record in running):
            return None
        trials = [seen for seen in self._known if seen.record.confirms is None]
        if not trials:
            start = self._known.point(parameter.beginning for parameter in self._space)
            return Proposal(point=start, iterations=self._probe)
        *earlier, last = trials
        if not last.record.outcomes:
            return Proposal(point=self._back(earlier, last), iterations=self._probe)
        if self._is_due(earlier, last):
            record = last.record
            return Proposal(point=record.point, iterations=self._iterations, continues=record.id)
        point = self._next(last)
        if not self._known.is_new(point, running):
            return None
        return Proposal(point=point, iterations=self._probe)

    def _next(self, last: KnownTrial) -> Point:
        """Return the point that the rule makes of a trial."""
        names = self._target.values.keys() | last.record.outcomes[-1].keys()
        odds = Odds(tuple(sorted(names)), self._target)
        sample = last.record.samples[-1] if last.record.samples else 0
        there, _ = odds.of(self._outcome(last), sample, {})
        missing = dict(zip(odds.names, odds.aim(sample or EXACT) - there, strict=True))
        steps = [self._damping * missing.get(p.constant_of, 0.0) for p in self._space]
        return self._known.point(self._known.vector(last.record.point) + np.array(steps))

    def _outcome(self, seen: KnownTrial) -> dict[str, float]:
        return seen.record.outcomes[-1] if seen.forecast is None else seen.forecast.outcome

    def _is_due(self, earlier: list[KnownTrial], last: KnownTrial) -> bool:
        """Whether a short run is to be extended: its like gain little, and it may be the best."""
        record = last.record
        if record.state != "finished" or len(record.outcomes) >= self._iterations:
            return False
        loss = self._target.loss(self._outcome(last))
        before = [self._target.loss(self._outcome(s)) for s in earlier if s.record.outcomes]
        return bool(before) and loss > _ENOUGH * before[-1] and loss <= min(before)

    def _back(self, earlier: list[KnownTrial], failed: KnownTrial) -> Point:
        """Return a point halfway from one whose trial failed to the last one that did not."""
        there = self._known.vector(failed.record.point)
        good = [seen for seen in earlier if seen.record.outcomes]
        if good:
            return self._known.point((there + self._known.vector(good[-1].record.point)) / 2)
        return self._known.point(there + self._generator.normal(0.0, _NUDGE, len(there)))
