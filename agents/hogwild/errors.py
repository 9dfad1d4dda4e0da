"""What can go wrong in a team.

PasselError
└── SolveError
    ├── TeamLostError     every worker is gone and none came back
    ├── CacheLostError    the cache's actor or process is gone
    ├── ModelFailedError  the model failed in a tick
    └── TeamSizeError     a session was made without workers, or with too many
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.errors import PasselError

if TYPE_CHECKING:
    from collections.abc import Mapping


class SolveError(PasselError):
    """Everything that ends a session without an answer."""


class TeamLostError(SolveError):
    """Raised when every worker is gone: names exit codes and the last lines they wrote.

    Attributes:
        causes: What ended each worker, by name.
    """

    def __init__(self, causes: Mapping[str, str], *, reason: str = "") -> None:
        told = "".join(f"\n  {name}: {cause}" for name, cause in causes.items())
        why = f" ({reason})" if reason else ""
        super().__init__(f"no worker is left to solve this{why}:{told or ' none ever came'}")
        self.causes = dict(causes)


class CacheLostError(SolveError):
    """Raised when the cache's actor or process is gone, and the team's memory with it."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"the team's cache is lost: {cause}")
        self.cause = cause


class ModelFailedError(SolveError):
    """Raised when the model failed in a tick."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the team's model failed: {reason}")
        self.reason = reason


class TeamSizeError(SolveError):
    """Raised when a session has no workers, or more than there are names."""

    def __init__(self, count: int, *, most: int) -> None:
        super().__init__(f"a session has 1 to {most} workers, not {count}")
        self.count = count
