"""Threads of a command that runs tools by itself, without a runtime."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class DaemonThreads:
    """Runs each piece of blocking work in a thread of its own, which does not hold the process.

    A tool that has run out of time may block on; a command ends all the same, as nodes do.
    """

    async def run(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, in the context of the caller; it goes on unheard if that leaves."""
        done: Future[T] = Future()
        inside = partial(contextvars.copy_context().run, work)
        threading.Thread(target=_carry_out, args=(inside, done), daemon=True).start()
        return await asyncio.wrap_future(done)


def _carry_out(work: Callable[[], Any], done: Future[Any]) -> None:
    if not done.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001  # whoever awaits it is told
        done.set_exception(error)
    else:
        done.set_result(result)
