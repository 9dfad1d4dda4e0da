"""What listeners of a session are told: a log that each follows at its own pace."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ...protocols.cache import CacheEvent, Closed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class EventLog:
    """An append-only list of events; nobody's slowness costs another an event, or memory."""

    def __init__(self) -> None:
        self._events: list[CacheEvent] = []
        self._grown = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether the last event was published."""
        return bool(self._events) and isinstance(self._events[-1], Closed)

    def publish(self, event: CacheEvent) -> None:
        """Append an event and wake all followers."""
        self._events.append(event)
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    async def follow(self) -> AsyncIterator[CacheEvent]:
        """Yield every event from the first on, and end behind `Closed`."""
        at = 0
        while True:
            grown = self._grown
            for event in self._events[at:]:
                at += 1
                yield event
                if isinstance(event, Closed):
                    return
            if at == len(self._events):
                await grown.wait()
