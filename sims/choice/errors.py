"""What can go wrong with a choice model.

PasselError
├── ChoiceTableError      a table that no choice can be made from
└── UnknownConstantError  a name that is no parameter of a choice model
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.errors import PasselError

if TYPE_CHECKING:
    from collections.abc import Sequence


class ChoiceTableError(PasselError):
    """Raised when a choice table cannot be used.

    Attributes:
        reason: What is wrong with it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"no choice can be made from this table: {reason}")
        self.reason = reason


class UnknownConstantError(PasselError):
    """Raised when a constant that is to be held fixed is none of the model's.

    Attributes:
        name: What it was called.
    """

    def __init__(self, name: str, *, known: Sequence[str]) -> None:
        super().__init__(f"there is no constant {name!r} to be fixed; there are {', '.join(known)}")
        self.name = name
