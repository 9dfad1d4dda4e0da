"""How near a target can be reached at all, by who can choose what."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

from ...protocols.trial import Outcome  # noqa: TC001  # hints are read at run time
from .errors import AvailabilityError, MissingPackageError, SharesWantedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...protocols.trial import Availability
    from .target import Target

_TINY: Final = 1e-7
"""Shares that differ by less are the same, for a solver that computes in floating point."""

_ROUNDING: Final = 5e-4
"""An alternative that falls short by less does so because the target's shares are rounded."""


class Bottleneck(msgspec.Struct, frozen=True, kw_only=True):
    """Alternatives of which more is wanted than there are travellers to choose them.

    Attributes:
        alternatives: Their names, sorted.
        wanted: What the target wants of all of them together, of 1.
        available: The share of the travellers who can choose any of them.
    """

    alternatives: tuple[str, ...]
    wanted: float
    available: float

    @property
    def sentence(self) -> str:
        """What is the matter, for people."""
        *front, last = self.alternatives
        names = f"{', '.join(front)} and {last} together" if front else last
        whom = "any of them" if front else "it"
        return (
            f"{names}: {100 * self.wanted:.1f} % wanted, but only {100 * self.available:.1f} % of "
            f"the travellers can choose {whom}"
        )


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """The nearest to a target that any choice of the travellers comes.

    Attributes:
        loss: The least L1 distance, in percentage points; choice models come as near as one likes,
            and do not get there where somebody has to choose something with certainty.
        outcome: Shares at that distance; there may be others.
        bottlenecks: Why it is not 0; no two of them share travellers or alternatives.
    """

    loss: float
    outcome: Outcome
    bottlenecks: tuple[Bottleneck, ...]


def floor_of(target: Target, availability: Sequence[Availability]) -> Floor:
    """Return how near to a target of shares travellers can come who choose as they can.

    A linear programme over the parts of the travellers: how many of each part choose each
    alternative, so that the sum of absolute differences from the target is least.

    Raises:
        SharesWantedError: The target is none of shares.
        AvailabilityError: Nobody is there, or somebody has nothing to choose from.
        MissingPackageError: scipy is not installed.
    """
    if not target.shares:
        raise SharesWantedError("the reachable floor")
    parts = _patterns(availability)
    names = sorted({*target.values, *(name for part in parts for name in part)})
    flows = _solved(target, parts, names)
    outcome = dict.fromkeys(names, 0.0)
    for (_, name), flow in flows.items():
        outcome[name] += flow
    bottlenecks = tuple(
        Bottleneck(
            alternatives=tuple(sorted(group)),
            wanted=sum(target.values.get(name, 0.0) for name in group),
            available=sum(weight for part, weight in parts.items() if part & group),
        )
        for group in _scarce(target, parts, flows, outcome)
    )
    return Floor(loss=target.loss(outcome), outcome=outcome, bottlenecks=bottlenecks)


_Pattern = frozenset[str]
_Flows = dict[tuple[_Pattern, str], float]


def _patterns(availability: Sequence[Availability]) -> dict[_Pattern, float]:
    """Return the share of the travellers that has each set of alternatives."""
    found: dict[_Pattern, float] = {}
    for part in availability:
        if not (math.isfinite(part.weight) and part.weight >= 0):
            raise AvailabilityError(f"a part of the travellers weighs {part.weight}")
        if part.weight and not part.alternatives:
            raise AvailabilityError("a part of the travellers has nothing to choose from")
        if part.weight:
            pattern = frozenset(part.alternatives)
            found[pattern] = found.get(pattern, 0.0) + part.weight
    total = sum(found.values())
    if not total:
        raise AvailabilityError("there are no travellers")
    return {pattern: weight / total for pattern, weight in found.items()}


def _solved(target: Target, parts: dict[_Pattern, float], names: list[str]) -> _Flows:
    """Return which share of all travellers chooses what, in which part, at the least distance."""
    import numpy as np  # loaded by whoever computes a floor

    try:
        from scipy.optimize import linprog  # optional, and slow to start
    except ModuleNotFoundError as error:
        raise MissingPackageError("the reachable floor", "scipy") from error

    columns = [(pattern, name) for pattern in parts for name in sorted(pattern)]
    row, part_row = {name: i for i, name in enumerate(names)}, {p: i for i, p in enumerate(parts)}
    reached = np.zeros((len(names), len(columns)))
    everybody = np.zeros((len(parts), len(columns) + len(names)))
    for i, (pattern, name) in enumerate(columns):
        reached[row[name], i] = 1.0
        everybody[part_row[pattern], i] = 1.0
    wanted = np.array([target.values.get(name, 0.0) for name in names])
    apart = -np.eye(len(names))
    solution = linprog(
        np.concatenate([np.zeros(len(columns)), np.ones(len(names))]),
        A_ub=np.block([[reached, apart], [-reached, apart]]),
        b_ub=np.concatenate([wanted, -wanted]),
        A_eq=everybody,
        b_eq=np.array(list(parts.values())),
        method="highs",
    )
    assert solution.x is not None, "everybody can choose something, and distances are bounded"
    return {column: float(flow) for column, flow in zip(columns, solution.x, strict=False)}


def _scarce(
    target: Target, parts: dict[_Pattern, float], flows: _Flows, outcome: Outcome
) -> list[set[str]]:
    """Return the sets of alternatives that bind, each as small as it can be.

    Who could choose an alternative that falls short, and chooses another one, cannot be spared
    there either: that one belongs to the set, and so on until nobody leads further.
    """
    short = {n for n, share in outcome.items() if share < target.values.get(n, 0.0) - _ROUNDING}
    found: list[set[str]] = []
    for first in sorted(short):
        if any(first in group for group in found):
            continue
        group, grown = set[str](), {first}
        while grown != group:
            group = set(grown)
            grown |= {name for (p, name), flow in flows.items() if p & group and flow > _TINY}
        touching = [other for other in found if other & group]
        found = [other for other in found if not other & group]
        found.append(group.union(*touching))
    return found
