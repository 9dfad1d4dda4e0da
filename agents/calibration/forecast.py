"""Where a running trial is going: the outcome of its last iteration, before it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from ...protocols.trial import Outcome  # noqa: TC001  # hints are read at run time

if TYPE_CHECKING:
    from .record import TrialRecord


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What the settled outcome of a trial is expected to be.

    Attributes:
        outcome: The expected outcome.
        deviations: Its standard deviations, by name.
        loss: The expected loss.
        low: The loss lies above this with 95 %.
        high: The loss lies below this with 95 %.
    """

    outcome: Outcome
    deviations: dict[str, float]
    loss: float
    low: float
    high: float


Verdict = Literal["go on", "stop"]
"""What is to become of a running trial."""


class Stopper(Protocol):
    """Decides which trials are not worth finishing. Knows nothing of time, processes or messages.

    It is shown every trial after each iteration and at its end, and after a restart all that were
    kept, in the order of their beginnings; it may learn from those that were seen to their end.
    """

    def forecast(self, record: TrialRecord) -> Forecast | None:
        """Return where a trial is going; None before its first iteration."""
        ...

    def judge(
        self, record: TrialRecord, forecast: Forecast, best: float | None, elapsed: float
    ) -> Verdict:
        """Say whether a trial should go on.

        Args:
            record: The trial, after an iteration.
            forecast: Where it is going.
            best: The least loss of a full run so far; None before there is one.
            elapsed: Seconds since the calibration began.
        """
        ...
