"""One trial that is under way: how far it may go, and whether it was told to stop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class TrialRun:
    """What `extend` and `stop` change while a trial runs.

    Args:
        limit: Iterations that it may run.
        waits: Whether it waits at its limit.

    Attributes:
        output: Where the files lie that it has written, if it has.
        stopped: Whether it was told to stop.
    """

    def __init__(self, limit: int, *, waits: bool) -> None:
        self.limit = limit
        self.waits = waits
        self.output = ""
        self.stopped = False
        self._waiting: asyncio.Task[Any] | None = None
        self._changed = asyncio.Event()

    def extend(self, limit: int) -> None:
        """Let it run up to `limit` iterations; never fewer than before."""
        self.limit = max(self.limit, limit)
        self._changed.set()

    def stop(self) -> None:
        """Have it end at the next chance: what `unless_stopped` waits for is cancelled."""
        if not self.stopped:
            self.stopped = True
            self._changed.set()
            if self._waiting is not None:
                self._waiting.cancel()

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return what `work` returns; cancel it and return None if the trial is stopped meanwhile.

        The work is done by the task that asks for it. So whoever cancels that task, once or again
        because it takes too long, cancels the work and its cleaning up.
        """
        if self.stopped:
            work.close()
            return None
        task = asyncio.current_task()
        assert task is not None, "it is awaited"
        before = task.cancelling()
        self._waiting = task
        try:
            return await work
        except asyncio.CancelledError:
            if self.stopped and task.cancelling() == before + 1:  # by `stop`, and by nobody else
                return None
            raise
        finally:
            self._waiting = None
            if self.stopped:
                task.uncancel()

    async def may_go_on(self, done: int) -> bool:
        """Return whether an iteration after the first `done` is wanted; wait for that, if it waits."""
        while self.waits and not self.stopped and done >= self.limit:
            self._changed.clear()
            await self._changed.wait()
        return not self.stopped and done < self.limit
