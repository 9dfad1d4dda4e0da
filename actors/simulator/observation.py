"""What a simulator saw at the end of one iteration."""

from __future__ import annotations

from dataclasses import dataclass

from ...protocols.trial import Outcome  # noqa: TC001  # hints are read at run time


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One iteration, as the simulator's own code sees it.

    Attributes:
        outcome: What it came to, by name.
        sample: How many observations the outcome is a share of; 0 where it has no sampling error.
        seconds: How long it took, where the simulator knows better than a clock around it.
    """

    outcome: Outcome
    sample: int = 0
    seconds: float | None = None
