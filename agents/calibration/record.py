"""What is known of one trial so far."""

from __future__ import annotations

from typing import Literal

import msgspec

from ...protocols.trial import Outcome, TrialId  # noqa: TC001  # hints are read at run time
from .space import Point  # noqa: TC001  # hints are read at run time

State = Literal["running", "finished", "stopped", "failed"]
"""Wanted; or how it ended, as `passel.protocols.trial.Ending` has it."""


class FailedAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """A start of a trial that came to nothing.

    Attributes:
        attempt: Which one.
        simulator: Where.
        detail: Why.
        broken: Whether its simulator died, or went out of reach, and did not say that it failed.
    """

    attempt: int
    simulator: str
    detail: str
    broken: bool = False


class TrialRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A trial and all that it has shown.

    A trial that has shown all the iterations that were asked for is finished, also while its simulator
    still keeps it for more of them.

    Attributes:
        id: Its name.
        point: Where it runs.
        limit: Iterations that were asked for.
        seed: What its simulator draws from.
        outcomes: What each iteration came to, the first one first.
        samples: How many observations each outcome is a share of; 0 where it is exact.
        state: What became of it.
        confirms: The trial whose point it runs again with another seed, or None.
        attempt: How often it was started; a start after the first begins at the first iteration.
        simulator: Which one runs it, or ran it last; empty before its first start.
        began: When it was last started; seconds since the calibration began, as all times here.
        times: When each iteration came.
        ended: When it ended, or None.
        detail: Why it failed or was stopped, or empty.
        output: Where its simulator has left files of it, or empty.
        failures: The attempts that have failed, the first one first.
    """

    id: TrialId
    point: Point
    limit: int
    seed: int = 0
    outcomes: tuple[Outcome, ...] = ()
    samples: tuple[int, ...] = ()
    state: State = "running"
    confirms: TrialId | None = None
    attempt: int = 0
    simulator: str = ""
    began: float = 0.0
    times: tuple[float, ...] = ()
    ended: float | None = None
    detail: str = ""
    output: str = ""
    failures: tuple[FailedAttempt, ...] = ()
