"""Which event loop a process runs on: asyncio's own, or uvloop where that is installed."""

from __future__ import annotations

import asyncio
import importlib.util
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ...protocols.errors import SpawnError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

LOOPS: Final = ("auto", "asyncio", "uvloop")
"""`auto` takes uvloop where it is installed."""


def check_loop(loop: str) -> None:
    """Make sure that a process could run on this loop.

    Raises:
        SpawnError: There is no such loop, or uvloop is wanted and not installed.
    """
    if loop not in LOOPS:
        raise SpawnError("event loop", f"it is {loop!r}; choose of {', '.join(LOOPS)}")
    if loop == "uvloop" and not _has_uvloop():
        raise SpawnError("event loop uvloop", "it is not installed; pip install 'passel[fast]'")


def run_on(loop: str, main: Coroutine[Any, Any, T]) -> T:
    """Run a program on one of LOOPS and return its result."""
    with asyncio.Runner(loop_factory=_factory_of(loop)) as runner:
        return runner.run(main)


def clock_of(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    """Return a loop's clock in seconds; where that is the machine's, the machine's itself.

    It costs a third of asyncio's, which only calls it, and is finer than uvloop's, which counts
    milliseconds and stands still while a callback runs. A loop in virtual time has its own.
    """
    virtual = isinstance(loop, asyncio.BaseEventLoop) and (
        type(loop).time is not asyncio.BaseEventLoop.time
    )
    return loop.time if virtual else time.monotonic


def kind_of(loop: str) -> str:
    """Return what `auto` comes to here; other choices stay what they are."""
    return loop if loop != "auto" else "uvloop" if _has_uvloop() else "asyncio"


def _factory_of(loop: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if kind_of(loop) == "asyncio":
        return None
    import uvloop  # optional

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _has_uvloop() -> bool:
    return importlib.util.find_spec("uvloop") is not None
