"""One trial that is under way: how far it may go, and whether it was told to stop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class Running:
    """What `extend` and `stop` change while a trial runs.

    Args:
        limit: Iterations that it may run.
        waits: Whether it waits at its limit.

    Attributes:
        output: Where the files lie that it has written, if it has.
    """

    def __init__(self, limit: int, *, waits: bool) -> None:
        self.limit = limit
        self.waits = waits
        self.output = ""
        self._stopped = asyncio.Event()
        self._changed = asyncio.Event()

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopped.is_set()

    def extend(self, limit: int) -> None:
        """Let it run up to `limit` iterations; never fewer than before."""
        self.limit = max(self.limit, limit)
        self._changed.set()

    def stop(self) -> None:
        """Have it end at the next chance."""
        self._stopped.set()
        self._changed.set()

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return what `work` returns; cancel it and return None if the trial is stopped meanwhile."""
        async with asyncio.TaskGroup() as tasks:
            turn = tasks.create_task(work)
            stop = tasks.create_task(self._stopped.wait())
            await asyncio.wait({turn, stop}, return_when=asyncio.FIRST_COMPLETED)
            turn.cancel()
            stop.cancel()
        return None if turn.cancelled() else turn.result()

    async def may_go_on(self, done: int) -> bool:
        """Return whether an iteration after the first `done` is wanted; wait for that, if it waits."""
        while self.waits and not self.stopped and done >= self.limit:
            self._changed.clear()
            await self._changed.wait()
        return not self.stopped and done < self.limit
