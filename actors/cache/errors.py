"""What can go wrong around a shared cache.

PasselError
└── CacheError
    ├── EmptyCompletionError  there is no text to continue
    ├── InvalidAnswerError    a worker's answer makes no sense; the tick is not touched
    ├── InvalidRuleError      a path among the cache's `rules` names no step rule
    ├── InvalidSessionError   a session's description makes no sense
    ├── UnknownSessionError   no such session: it was never opened, or was dropped
    └── UnknownRuleError      the cache was not built to run this step rule
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.errors import PasselError

if TYPE_CHECKING:
    from collections.abc import Iterable


class CacheError(PasselError):
    """Everything that goes wrong around a shared cache."""


class EmptyCompletionError(CacheError):
    """Raised when a completion is asked for without a text that it continues."""

    def __init__(self, session: str) -> None:
        super().__init__(f"there is no text to continue in session {session!r}; give some")
        self.session = session


class InvalidAnswerError(CacheError):
    """Raised when a worker's answer makes no sense; the tick is not touched."""

    def __init__(self, worker: str, *, reason: str) -> None:
        super().__init__(f"the answer of worker {worker!r} is not valid: {reason}")
        self.worker = worker
        self.reason = reason


class InvalidRuleError(CacheError):
    """Raised when a path among the `rules` of a cache names no step rule."""

    def __init__(self, path: str, *, reason: str) -> None:
        super().__init__(
            f"{path} is no step rule: {reason}; name a class with a `load` as `module:Class`"
        )
        self.path = path
        self.reason = reason


class InvalidSessionError(CacheError):
    """Raised when the description of a session makes no sense."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"this session cannot be opened: {reason}")
        self.reason = reason


class UnknownSessionError(CacheError):
    """Raised when a session was never opened here, or has been dropped."""

    def __init__(self, session: str) -> None:
        super().__init__(f"the cache has no session {session!r}; open one first")
        self.session = session


class UnknownRuleError(CacheError):
    """Raised when a worker delegates to a rule that the cache was not built to run."""

    def __init__(self, rule: str, *, known: Iterable[str]) -> None:
        names = ", ".join(sorted(known)) or "none"
        super().__init__(
            f"the cache may not run rule {rule!r} (it may run: {names}); "
            "name it in the `rules` argument of the cache"
        )
        self.rule = rule
