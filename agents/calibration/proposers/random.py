"""Points anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..proposer import Proposal
from .known import Known

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from ..forecast import Forecast
    from ..record import TrialRecord
    from ..space import Space
    from ..target import Target


class Random:
    """Proposes points that are uniform within the bounds, each to be run in full.

    What everything else has to be better than.

    Args:
        space: Where points lie.
        target: What is aimed at; only to refuse outcomes that have no loss.
        iterations: Iterations of a full run.
        generator: Where its randomness comes from.
    """

    def __init__(
        self, space: Space, target: Target, *, iterations: int, generator: np.random.Generator
    ) -> None:
        self._known = Known(space, target)
        self._iterations = iterations
        self._generator = generator

    def ask(self, running: Sequence[TrialRecord]) -> Proposal | None:
        """Return a point at which no trial is yet."""
        point = self._known.uniform(self._generator, running)
        return Proposal(point=point, iterations=self._iterations)

    def tell(self, record: TrialRecord, forecast: Forecast | None) -> None:
        """Take note of a trial, so that its point is not proposed again."""
        self._known.tell(record, forecast)
