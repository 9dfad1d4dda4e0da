"""What can go wrong around plans, beside what can around all tool calls.

PasselError
└── CompilerError
    ├── JournalBoundsError   a journal that would keep nothing
    └── PlanFileError        a file is no plan that can be read
"""

from __future__ import annotations

from ...protocols.errors import PasselError


class CompilerError(PasselError):
    """Everything that goes wrong around plans."""


class JournalBoundsError(CompilerError):
    """Raised when the bounds of a run journal let it keep nothing."""

    def __init__(self, runs: int, max_age: float) -> None:
        super().__init__(
            f"a journal of {runs} runs for {max_age:g} seconds keeps nothing; give `runs` of 1 or more "
            "and a `max_age` above 0"
        )
        self.runs = runs
        self.max_age = max_age


class PlanFileError(CompilerError):
    """Raised when a file is no plan that can be read."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
