"""One timer for all deadlines of a node."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

RESOLUTION: Final = 0.005
"""Seconds per bucket: a deadline fires at most this much late."""

_ROUNDING: Final = 1e-6
"""Seconds by which a timer may seem early: products and sums of floats do not divide evenly."""


class Expiring(Protocol):
    """Something with a deadline."""

    def expire(self) -> None:
        """The deadline has passed."""
        ...


class DeadlineWheel:
    """Keeps deadlines in buckets, so that adding and removing one costs a dict operation.

    Almost every deadline is removed before it fires. Of an empty bucket only its place stays
    (its table may be large), until the timer meets it; the timer then skips to the next bucket in
    use, so an idle node sleeps.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, now: Callable[[], float]) -> None:
        self._loop = loop
        self._now = now
        self._buckets: dict[int, dict[Expiring, None] | None] = {}
        self._order: list[int] = []
        self._armed = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, when: float, entry: Expiring) -> int:
        """Have `entry.expire()` called at loop time `when`; return the slot to discard it by."""
        slot = int(when / RESOLUTION) + 1
        bucket = self._buckets.get(slot)
        if bucket is None:
            if slot not in self._buckets:
                heapq.heappush(self._order, slot)
                if self._timer is None or slot < self._armed:
                    self._arm(slot)
            bucket = self._buckets[slot] = {}
        bucket[entry] = None
        return slot

    def discard(self, slot: int, entry: Expiring) -> None:
        """Forget an entry; it is no error when it has fired already."""
        bucket = self._buckets.get(slot)
        if bucket is not None:
            bucket.pop(entry, None)
            if not bucket:
                self._buckets[slot] = None

    def entries(self) -> Iterator[Expiring]:
        """Yield what still waits for its deadline."""
        for bucket in self._buckets.values():
            yield from bucket or ()

    def close(self) -> None:
        """Stop the timer and forget everything."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._buckets.clear()
        self._order.clear()

    def _arm(self, slot: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = slot
        self._timer = self._loop.call_later(slot * RESOLUTION - self._now(), self._turn)

    def _turn(self) -> None:
        self._timer = None
        now = int((self._now() + _ROUNDING) / RESOLUTION)
        due: list[Expiring] = []
        while self._order:
            slot = self._order[0]
            bucket = self._buckets[slot]
            if slot > now and bucket:
                break
            heapq.heappop(self._order)
            del self._buckets[slot]
            if bucket:
                due.extend(bucket)
        if self._order:
            self._arm(self._order[0])
        for entry in due:
            entry.expire()
