"""How a calibration works, and when it ends."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0)]
Duration = Annotated[float, Meta(gt=0)]
"""Seconds that cannot be none."""


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a calibration may spend; None is no limit.

    What the confirmation of its best trial will take is kept back, up to half of it.

    Attributes:
        iterations: Iterations of simulators, wherever they run and whatever becomes of them.
        trials: Trials, those that confirm others included.
        seconds: Seconds, those of earlier lives included.
    """

    iterations: Count | None = None
    trials: Count | None = None
    seconds: Duration | None = None


class CalibrationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a calibration works.

    Attributes:
        budget: What it may spend.
        goal: The loss at which it ends, once that is confirmed; None spends the budget.
        noise: Whether it also ends where the best point is as near to the target, or to the reachable
            floor, as two runs of it with different seeds are to each other.
        confirmations: Trials with fresh seeds that the best trial's point is run in before it is
            claimed; with 0 the loss that chose it is claimed, which is too good on average.
        retries: How often a trial that failed is started again, in all lives together.
        deaths: How often a trial is started again whose simulator died, or went out of reach.
        straggler: A trial whose next iteration takes so many times longer than its simulator's do is
            moved to another one, once; one that cannot be moved, or was, fails at four times that, and
            after a minute at the earliest. None lets it be.
        silence: Seconds after which an iteration that has not come fails its trial; None waits.
        linger: Seconds for which a trial that has shown all its iterations keeps its slot, so that
            it may be extended, while nothing else is wanted of that.
        patience: Seconds for which all simulators may be away before it ends.
        failures: It ends when so many trials in a row have failed.
    """

    budget: Budget = Budget(trials=200)
    goal: Annotated[float, Meta(ge=0)] | None = None
    noise: bool = True
    confirmations: Annotated[int, Meta(ge=0)] = 3
    retries: Annotated[int, Meta(ge=0)] = 1
    deaths: Annotated[int, Meta(ge=0)] = 5
    straggler: Annotated[float, Meta(gt=1)] | None = 5.0
    silence: Duration | None = None
    linger: Seconds = 5.0
    patience: Seconds = 120.0
    failures: Count = 10
