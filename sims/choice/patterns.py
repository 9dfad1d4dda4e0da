"""Who can choose what, in as few words as possible."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ...protocols.trial import Availability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .logit import Booleans, Floats


def patterns(
    alternatives: Sequence[str], available: Booleans, weights: Floats | None = None
) -> tuple[Availability, ...]:
    """Return one entry for each set of alternatives that somebody has.

    Args:
        alternatives: Their names.
        available: Whether each can choose it: (people, alternatives).
        weights: How many people each row stands for: (people,); one each if None.
    """
    each = [1.0] * len(available) if weights is None else weights.tolist()
    counted: Counter[tuple[bool, ...]] = Counter()
    for row, weight in zip(available.tolist(), each, strict=True):
        counted[tuple(row)] += weight
    return tuple(
        Availability(
            alternatives=tuple(name for name, has in zip(alternatives, row, strict=True) if has),
            weight=float(weight),
        )
        for row, weight in sorted(counted.items())
    )
