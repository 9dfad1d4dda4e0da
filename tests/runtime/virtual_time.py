"""A loop on which waiting takes no time: what has deadlines and pauses is tested at once."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


class JumpingSelector(selectors.DefaultSelector):
    """Waits `grace` real seconds for I/O, then moves virtual time instead of sleeping."""

    def __init__(self, grace: float) -> None:
        super().__init__()
        self.now, self.grace = 0.0, grace

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; if nothing is, let the time that was asked for have passed."""
        if timeout is None:
            return super().select(None)
        ready = super().select(min(timeout, self.grace))
        if not ready and timeout > 0:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is its selector's."""

    def __init__(self, grace: float = 0.0) -> None:
        self._jumping = JumpingSelector(grace)
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return virtual seconds."""
        return self._jumping.now


def virtual_time(test: F) -> F:
    """Run an `async def` test in virtual time."""
    test.loop_factory = VirtualLoop  # type: ignore[attr-defined]  # read by tests/conftest.py
    return test
