"""Numbers the lives of nodes: none is given twice under one name."""

from __future__ import annotations

from typing import Final

NAMES_KEPT: Final = 1_000
"""How many names have their own count; the others go on above all that were given."""


class Lives:
    """Gives out lives, in rising order for each name. Pure, and bounded."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}
        self._floor = 0

    def next(self, name: str) -> int:
        """Return the next life of a node."""
        life = self._given.pop(name, self._floor) + 1
        self._given[name] = life
        if len(self._given) > NAMES_KEPT:
            oldest = next(iter(self._given))
            self._floor = max(self._floor, self._given.pop(oldest))
        return life
