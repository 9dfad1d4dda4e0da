"""The event loop that nodes and commands run on: uvloop when it is installed."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's event loop where it can be imported, asyncio's own elsewhere."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop  # optional

    found: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return found


def run(
    work: Coroutine[Any, Any, T],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = new_event_loop,
) -> T:
    """Run a coroutine to its end on a loop of its own; the one bridge from plain code."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(work)
