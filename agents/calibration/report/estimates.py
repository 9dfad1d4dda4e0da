"""How sure the found parameters are, by the runs with fresh seeds."""

from __future__ import annotations

from math import log, sqrt
from statistics import stdev
from typing import TYPE_CHECKING, Final

import msgspec

from ..accounts import confirming

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ....protocols.trial import Outcome
    from ..log import Logged
    from ..record import TrialRecord

_LEAST: Final = 1e-4
"""The share that one without any counts as, so that it has log-odds."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter.

    Attributes:
        name: Its name.
        value: What was found.
        error: Its standard error, as far as that follows from runs with fresh seeds; or None.
        low: Its lower bound.
        high: Its upper one.
    """

    name: str
    value: float
    error: float | None
    low: float
    high: float


def estimates_of(logged: Logged) -> list[Estimate]:
    """Return the parameters of the claimed point that were not held.

    The constant of an alternative shifts its log-odds against a reference by about as much as itself
    (Train, Discrete Choice Methods with Simulation, section 2.8); so the standard error of these
    over the confirming runs is taken for its own. Other parameters have none.
    """
    report = logged.report
    if report is None or report.answer is None or report.found is None:
        return []
    runs = confirming(logged.ledger.records, report.found)
    target = logged.head.target
    reference = max(target.values, key=lambda name: target.values[name])
    found = []
    for parameter in logged.head.space:
        if parameter.name in logged.head.held:
            continue
        error = None
        if target.shares and parameter.constant_of and len(runs) > 1:
            error = _error(runs, parameter.constant_of, reference)
        found.append(
            Estimate(
                name=parameter.name,
                value=report.answer[parameter.name],
                error=error,
                low=parameter.low,
                high=parameter.high,
            )
        )
    return found


def _error(runs: Sequence[TrialRecord], alternative: str, reference: str) -> float:
    odds = [_odds(run.outcomes[-1], alternative, reference) for run in runs]
    return stdev(odds) / sqrt(len(odds))


def _odds(outcome: Outcome, alternative: str, reference: str) -> float:
    shares = (max(outcome.get(name, 0.0), _LEAST) for name in (alternative, reference))
    one, other = shares
    return log(one) - log(other)
