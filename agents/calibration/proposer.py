"""The seam to whatever proposes where to look next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from ...protocols.trial import TrialId  # noqa: TC001  # hints are read at run time
from .space import Point  # noqa: TC001  # hints are read at run time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .forecast import Forecast
    from .record import TrialRecord


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A trial that a proposer wants.

    Attributes:
        point: Where to run.
        iterations: How many iterations, at most.
        continues: A trial of the same point that waits at its limit, to be extended instead of
            started anew where that is possible; or None.
    """

    point: Point
    iterations: int
    continues: TrialId | None = None


class Proposer(Protocol):
    """Chooses points. Knows nothing of time, processes or messages.

    Its randomness is a generator that it was given. After a restart it is told every record that
    was kept, in the order of their beginnings, and goes on from there.
    """

    def ask(self, running: Sequence[TrialRecord]) -> Proposal | None:
        """Return what to run next beside the trials that run; None to wait for one of these."""
        ...

    def tell(self, record: TrialRecord, forecast: Forecast | None) -> None:
        """Take note of a trial: after each iteration and when it has ended.

        Args:
            record: All that the trial has shown.
            forecast: Where its outcome is going; None before its first iteration.
        """
        ...
