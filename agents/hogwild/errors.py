"""What can go wrong in a team.

PasselError
└── SolveError
    ├── TeamLostError     every worker is gone and none came back
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
