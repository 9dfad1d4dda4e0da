"""How far outcomes of one and the same point are apart."""

from __future__ import annotations

from itertools import combinations
from math import pi, sqrt
from typing import TYPE_CHECKING

from ..target import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ....protocols.trial import Outcome


def sampling_loss(outcome: Outcome, sample: int) -> float:
    """Return the loss that shares have on average by being counted in a sample, in percentage points.

    It is the sum of the mean absolute deviations of normal variables with the variances of a
    multinomial sample; 0 where there is no sample.
    """
    if not sample:
        return 0.0
    deviations = (sqrt(max(0.0, p * (1.0 - p)) / sample) for p in outcome.values())
    return 100.0 * sqrt(2.0 / pi) * sum(deviations)


def distance_between(outcomes: Sequence[Outcome], target: Target) -> float:
    """Return the mean loss of one outcome against another one, over all pairs; 0 for a single one."""
    pairs = list(combinations(outcomes, 2))
    if not pairs:
        return 0.0
    return sum(_apart(one, other, target) for one, other in pairs) / len(pairs)


def _apart(one: Outcome, other: Outcome, target: Target) -> float:
    if target.shares:
        return Target(values=one).loss(other)
    wanted = {name: one[name] for name in target.values}
    return Target(values=wanted, shares=False).loss(other)
