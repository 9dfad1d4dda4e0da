"""Decides which member of a pool is next. Pure: knows no actor, no task and no time."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

Route = Literal["least_loaded", "round_robin"]
"""How a pool chooses a member when any will do."""

ROUTES: Final[tuple[Route, ...]] = get_args(Route)
"""The routes there are; the first is the usual one."""

REST: Final = 16
"""Rounds through the pool that a member sits out after a call found it dead."""


class Rotation:
    """The members of a pool by index: how much each has to do, and which sit out.

    A dead member answers at once, so it always looks idle; without a rest it would swallow most
    calls. It is tried again after a while, because a named one comes back.

    Args:
        count: How many members there are.
        route: How the next one is chosen; ties go to the one that waited longest.
    """

    def __init__(self, count: int, route: Route) -> None:
        self.loads = [0] * count
        self._route = route
        self._rests = [0] * count
        self._turns = 0
        self._last = count - 1

    def pick(self) -> int:
        """Return the index of the member that is next."""
        count = len(self.loads)
        self._turns += 1
        order = [(self._last + step) % count for step in range(1, count + 1)]
        fit = [index for index in order if self._rests[index] <= self._turns] or order
        if self._route == "least_loaded":
            self._last = min(fit, key=self.loads.__getitem__)
        else:
            self._last = fit[0]
        return self._last

    def begin(self, index: int) -> None:
        """A call to a member is under way."""
        self.loads[index] += 1

    def end(self, index: int, *, dead: bool) -> None:
        """A call to a member has ended; `dead` if the member was found to be gone."""
        self.loads[index] -= 1
        if dead:
            self._rests[index] = self._turns + REST * len(self.loads)


def place_of(key: str, names: Sequence[str]) -> int:
    """Return which of `names` a key belongs to.

    Rendezvous hashing (Thaler and Ravishankar 1998): when a name goes, only its own keys move.
    The answer depends on nothing but the arguments, in every process.
    """
    return max(range(len(names)), key=lambda index: _weight(key, names[index]))


def _weight(key: str, name: str) -> bytes:
    return blake2b(f"{len(key)} {key}{name}".encode(), digest_size=8).digest()
