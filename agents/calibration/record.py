"""What is known of one trial so far."""

from __future__ import annotations

from typing import Literal

import msgspec

from ...protocols.trial import Outcome, TrialId  # noqa: TC001  # hints are read at run time
from .space import Point  # noqa: TC001  # hints are read at run time

State = Literal["running", "finished", "stopped", "failed"]
"""Under way; or how it ended, as `passel.protocols.trial.Ending` has it."""


class TrialRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A trial and all that it has shown.

    Attributes:
        id: Its name.
        point: Where it runs.
        limit: Iterations that were asked for.
        seed: What its simulator draws from.
        outcomes: What each iteration came to, the first one first.
        samples: How many observations each outcome is a share of; 0 where it is exact.
        state: What became of it.
        confirms: The trial whose point it runs again with another seed, or None.
    """

    id: TrialId
    point: Point
    limit: int
    seed: int = 0
    outcomes: tuple[Outcome, ...] = ()
    samples: tuple[int, ...] = ()
    state: State = "running"
    confirms: TrialId | None = None
