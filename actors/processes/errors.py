"""What can go wrong with a command before it runs.

PasselError
└── InvalidCommandError  a command line that no program can be run by
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.errors import PasselError

if TYPE_CHECKING:
    from collections.abc import Sequence


class InvalidCommandError(PasselError):
    """Raised when no program can be run by a command line."""

    def __init__(self, words: Sequence[str], *, reason: str) -> None:
        super().__init__(f"the command {list(words)} cannot be run: {reason}")
        self.words = tuple(words)
        self.reason = reason
