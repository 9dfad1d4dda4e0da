"""Blocking iterators, advanced in threads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..context import Threads

END: Final = object()
"""What a step gives when there is nothing more."""


class Steps:
    """A blocking iterator. A step cannot be interrupted: one that is left runs out unheard.

    Args:
        begin: Returns the iterator; called in the thread of the first step.
    """

    def __init__(self, begin: Callable[[], Iterator[Any]]) -> None:
        self._begin = begin
        self._iterator: Iterator[Any] | None = None
        self._lock = threading.Lock()
        self._left = False
        self._busy = False

    @property
    def busy(self) -> bool:
        """Whether a step is under way."""
        with self._lock:
            return self._busy

    def step(self) -> tuple[Any, BaseException | None]:
        """Return what comes next, or the error, some of which must not leave a thread."""
        with self._lock:
            if self._left:
                return END, None
            self._busy = True
        try:
            if self._iterator is None:
                self._iterator = self._begin()
            return next(self._iterator, END), None
        except BaseException as error:  # noqa: BLE001  # a user's function may raise anything
            return None, error
        finally:
            with self._lock:
                left = self._left
            if left:
                self.close()
            with self._lock:
                self._busy = False

    def leave(self) -> bool:
        """Take no further step; return whether none is under way, so that `close` may be called."""
        with self._lock:
            self._left = True
            return not self._busy

    def close(self) -> None:
        """Let the iterator clean up, in a thread."""
        close = getattr(self._iterator, "close", None)
        if close is not None:
            close()


class Lane:
    """One thread, and what runs in it.

    Attributes:
        threads: The thread.
        steps: What it was last given.
        taken: Whether a trial has it.
    """

    def __init__(self, threads: Threads) -> None:
        self.threads = threads
        self.steps: Steps | None = None
        self.taken = False

    @property
    def free(self) -> bool:
        """Whether it can be given something: no trial has it, and no step runs out in it."""
        return not self.taken and (self.steps is None or not self.steps.busy)
