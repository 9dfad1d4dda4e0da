"""Timers of actors: a handler that is called again and again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...protocols.errors import ActorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .context import ActorContext


class Timer:
    """Calls a handler of its actor every so many seconds, through the mailbox.

    Ticks keep to the times `seconds` apart from the start, whatever the handler takes; those
    that fall due while a call still waits or runs are skipped, so they never pile up.

    Attributes:
        ticks: Calls made so far.
        skipped: Ticks that fell due during a call.
    """

    def __init__(
        self, context: ActorContext, seconds: float, call: Callable[[], Awaitable[Any]]
    ) -> None:
        self.ticks = 0
        self.skipped = 0
        self._context = context
        self._seconds = seconds
        self._call = call
        self._cancelled = False

    def cancel(self) -> None:
        """Call no more; a call that is under way goes on."""
        self._cancelled = True

    async def run(self, *, at_once: bool) -> None:
        """Tick until cancelled; what a call raises is supervision's, as an error in a tell is."""
        context, seconds = self._context, self._seconds
        start = context.now()
        due = 0 if at_once else 1
        while not self._cancelled:
            await context.sleep(start + due * seconds - context.now())
            if self._cancelled:
                return
            self.ticks += 1
            try:
                await self._call()
            except ActorError as error:
                context.fail(error, "a timer")  # it ticks on if the directive is to resume
            passed = math.floor((context.now() - start) / seconds)
            self.skipped += max(0, passed - due)
            due = max(due, passed) + 1
