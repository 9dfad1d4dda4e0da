"""Points anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..proposer import Proposal
from .informed import InformedProposer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..record import TrialRecord


class Random(InformedProposer):
    """Proposes points that are uniform within the bounds, each to be run in full.

    What everything else has to be better than.

    Args:
        space: Where points lie.
        target: What is aimed at; only to refuse outcomes that have no loss.
        iterations: Iterations of a full run.
        generator: Where its randomness comes from.
    """

    def ask(self, running: Sequence[TrialRecord]) -> Proposal | None:
        """Return a point at which no trial is yet."""
        point = self._known.uniform(self._generator, running)
        return Proposal(point=point, iterations=self._iterations)
