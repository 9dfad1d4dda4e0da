"""HyperBand's brackets: how many points begin with how many iterations, and how many go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import floor, inf, log
from typing import TYPE_CHECKING

from .known import Key  # noqa: TC001  # hints are read at run time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Losses = dict[int, float]
"""The loss of a point by the iterations after which it was seen; infinite where it failed."""


@dataclass(frozen=True, slots=True)
class Rung:
    """So many points run so many iterations."""

    points: int
    iterations: int


def ladders(least: int, most: int, eta: int) -> list[tuple[Rung, ...]]:
    """Return the brackets of one round of HyperBand, the one that begins with most points first.

    Li et al., Hyperband (arXiv 1603.06560, algorithm 1), with BOHB's numbers of points.

    Args:
        least: Iterations that points begin with, at least.
        most: Iterations of a full run.
        eta: Of so many points one goes on, with so many times the iterations.
    """
    count = floor(log(most / least) / log(eta) + 1e-9) + 1
    budgets = [max(1, round(most * eta ** float(-i))) for i in reversed(range(count))]
    found = []
    for s in reversed(range(count)):
        first = floor(count / (s + 1) * eta**s)
        points = [max(int(first * float(eta) ** -i), 1) for i in range(s + 1)]
        rungs = zip(points, budgets[count - 1 - s :], strict=True)
        found.append(tuple(Rung(n, iterations) for n, iterations in rungs))
    return found


@dataclass
class Bracket:
    """One run of successive halving.

    Attributes:
        rungs: How many points run how long.
        members: The points that began in it.
    """

    rungs: tuple[Rung, ...]
    members: list[Key] = field(default_factory=list)

    @property
    def has_room(self) -> bool:
        """Whether another point may begin in it."""
        return len(self.members) < self.rungs[0].points

    def due(self, losses: Mapping[Key, Losses]) -> Iterator[tuple[Key, int]]:
        """Yield the points that go on, and to how many iterations, but for those that are there.

        The best of a rung go on once all of it have a loss; those that failed never do.
        """
        keys = list(self.members)
        if self.has_room:
            return
        for rung, following in zip(self.rungs, self.rungs[1:], strict=False):
            here = {key: losses.get(key, {}).get(rung.iterations) for key in keys}
            known = [(loss, key) for key, loss in here.items() if loss is not None]
            if len(known) < len(keys):
                return
            finite = sorted(pair for pair in known if pair[0] < inf)
            keys = [key for _, key in finite[: following.points]]
            for key in keys:
                if following.iterations not in losses.get(key, {}):
                    yield key, following.iterations
