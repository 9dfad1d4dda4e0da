"""Ending tasks that run code of others: politely, then by force, and never without a bound."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Final

from ...protocols.log import log

if TYPE_CHECKING:
    from collections.abc import Sequence

CANCELS: Final = 3
"""How often a task is cancelled before it is ended by force."""

_CANCEL_SECONDS = 1.0

_OWN_MODULES = frozenset({f"{__package__}.cell", f"{__package__}.handling"})


async def end_tasks(tasks: Sequence[asyncio.Task[None]], grace: float, actor: str) -> None:
    """Give tasks of an actor `grace` seconds to end, then cancel them until they have.

    Code that swallows one cancellation is cancelled again; code that swallows all of them is
    ended by force: its coroutine is closed where it waits, which is logged.
    """
    if tasks and grace > 0.0:
        await asyncio.wait(tasks, timeout=grace)
    for _ in range(CANCELS):
        left = [task for task in tasks if not task.done()]
        if not left:
            return
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=_CANCEL_SECONDS)
    left = [task for task in tasks if not task.done()]
    for task in left:
        log.error("code that swallows cancellations is ended by force", actor=actor)
        _close_foreign(task.get_coro())
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=_CANCEL_SECONDS)


def _close_foreign(coroutine: Any) -> None:
    """Close the outermost coroutine that is not the runtime's own; its caller sees it raise."""
    while inspect.iscoroutine(coroutine) and _is_own(coroutine):
        coroutine = coroutine.cr_await
    if inspect.iscoroutine(coroutine):
        try:
            coroutine.close()
        except (RuntimeError, ValueError) as error:  # it swallows even that
            log.error("code could not be ended", error=repr(error))


def _is_own(coroutine: Any) -> bool:
    frame = coroutine.cr_frame
    return frame is not None and frame.f_globals.get("__name__") in _OWN_MODULES
