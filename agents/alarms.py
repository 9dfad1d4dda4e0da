"""Moments at which something is to be looked at: what carries out a pure core's `WakeAt`."""

from __future__ import annotations

import asyncio
import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Alarms:
    """Rings at the times that were asked for; one task waits for the earliest of them.

    Args:
        group: Owns that task.
        now: Returns monotonic seconds.
        ring: Is called with the time, once for all moments that have come.
    """

    def __init__(
        self, group: asyncio.TaskGroup, now: Callable[[], float], ring: Callable[[float], None]
    ) -> None:
        self._group = group
        self._now = now
        self._ring = ring
        self._times: list[float] = []
        self._clock: asyncio.Task[None] | None = None

    def set(self, at: float) -> None:
        """Ring at a time; at once if it has passed."""
        earliest = not self._times or at < self._times[0]
        heapq.heappush(self._times, at)
        running = self._clock is not None and not self._clock.done()
        if self._clock is asyncio.current_task() or (running and not earliest):
            return
        if self._clock is not None:
            self._clock.cancel()
        self._clock = self._group.create_task(self._keep_time())

    def cancel(self) -> None:
        """Ring no more."""
        if self._clock is not None:
            self._clock.cancel()

    async def _keep_time(self) -> None:
        while self._times:
            await asyncio.sleep(max(0.0, self._times[0] - self._now()))
            now = self._now()
            due = self._times[0] <= now
            while self._times and self._times[0] <= now:
                heapq.heappop(self._times)
            if due:
                self._ring(now)
