"""Whether simulators call their outcomes what the target calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .events import Misnamed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..target import Target

LEAST_SHARE: Final = 0.05
"""Smallest share of a target that is missed when a whole trial does not show it."""


class Names:
    """Looks for outcomes that are wanted and never shown, while others are that nobody wants.

    A share that is missing may be one that nobody has chosen. So it takes both to be sure, and what was
    shown once is no misspelling. After a trial that ended well nobody is accused any more: shares that
    come and go later are rare.

    Args:
        target: What outcomes should be.

    Attributes:
        misnamed: What is called differently, once that is sure; or None.
    """

    def __init__(self, target: Target) -> None:
        self._shares = target.shares
        self._known = target.values.keys()
        least = LEAST_SHARE * sum(target.values.values())
        self._missing = {
            n for n, value in target.values.items() if value >= least or not target.shares
        }
        self._shown: dict[str, None] = {}
        self.misnamed: Misnamed | None = None
        self._cleared = False

    def see(self, names: Iterable[str]) -> None:
        """Take note of what an iteration shows."""
        self._shown.update(dict.fromkeys(names))
        self._missing -= self._shown.keys()

    def clear(self) -> None:
        """Accuse nobody from now on."""
        self._cleared = True

    def judge(self, *, ended_well: bool) -> None:
        """Say, at the end of a trial, whether names are missing that are wanted, and others are there."""
        if self._cleared:
            return
        self._cleared = ended_well
        if self._missing and self._shown.keys() - self._known:
            missing = tuple(name for name in self._known if name in self._missing)
            self.misnamed = Misnamed(missing, tuple(self._shown), shares=self._shares)
