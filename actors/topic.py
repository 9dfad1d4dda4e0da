"""A topic: what is published to it reaches every subscriber, each at its own pace.

A subscriber is whoever reads the stream `subscribe`, so it has credit of its own, leaves by
leaving the loop, and is forgotten when its process dies. What a slow one does to the others is
said when it subscribes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator  # noqa: TC003  # handler hints are read at run time
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

import msgspec

from ..protocols.errors import SlowSubscriberError
from .actor import Actor
from .handler import handler

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

SlowPolicy = Literal["wait", "drop_oldest", "disconnect"]
"""What happens when a subscriber's queue is full: publishing waits for it, it loses its oldest
item, or its stream ends with `SlowSubscriberError`."""


class TopicStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What a topic counts.

    Attributes:
        subscribers: How many there are now.
        published: Items published so far.
        dropped: Items that slow subscribers lost.
        disconnected: Subscribers that were too slow.
        waiting: Items in the queue of the slowest subscriber.
    """

    subscribers: int
    published: int
    dropped: int
    disconnected: int
    waiting: int


class Subscription(Generic[T]):
    """One subscriber's queue, of `capacity` items at most. Knows no socket and no topic.

    Attributes:
        dropped: Items it lost because it was slow.
        closed: Whether it was too slow under `disconnect`.
    """

    def __init__(self, capacity: int, slow: SlowPolicy) -> None:
        self.dropped = 0
        self.closed = False
        self._capacity = capacity
        self._slow = slow
        self._items: deque[T] = deque()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def must_wait(self) -> bool:
        """Whether publishing has to wait for this subscriber."""
        return self._slow == "wait" and len(self._items) >= self._capacity

    def put(self, item: T) -> None:
        """Queue an item, as the policy says when there is no room."""
        if len(self._items) >= self._capacity:
            if self._slow == "disconnect":
                self.closed = True
                self._changed.set()
                return
            self._items.popleft()
            self.dropped += 1
        self._items.append(item)
        self._changed.set()

    async def take(self) -> T:
        """Return the next item, waiting for one; what is queued comes before the end.

        Raises:
            SlowSubscriberError: It was too slow under `disconnect`.
        """
        while not self._items:
            if self.closed:
                raise SlowSubscriberError(self._capacity)
            self._changed.clear()
            await self._changed.wait()
        return self._items.popleft()


class Topic(Actor, Generic[T]):
    """Gives everything that is published to every subscriber, in the order of publishing.

    `class Prices(Topic[Price])` says what travels; a bare `Topic` carries plain data. A
    subscriber gets what is published from the moment its stream is open.

    Args:
        capacity: Items that a subscriber may be behind, beyond its stream's prefetch.
        slow: What happens to one that is further behind; subscribers may choose for themselves.

    Raises:
        ValueError: The capacity is not positive.
    """

    def __init__(self, capacity: int = 64, slow: SlowPolicy = "wait") -> None:
        _check(capacity)
        self._capacity = capacity
        self._slow = slow
        self._subscriptions: dict[Subscription[T], None] = {}
        self._published = self._dropped = self._disconnected = 0
        self._moved = asyncio.Event()

    @handler
    async def publish(self, item: T) -> int:
        """Give an item to every subscriber; return how many there were.

        Waits for those that asked for it (`wait`) while their queue is full, and so does
        whatever is published after it.
        """
        await self._until(lambda: not any(s.must_wait for s in self._subscriptions))
        self._published += 1
        for subscription in list(self._subscriptions):
            subscription.put(item)
            if subscription.closed:
                self._disconnected += 1
                self._forget(subscription)
        return len(self._subscriptions)

    @handler(raises=(SlowSubscriberError, ValueError))
    async def subscribe(
        self, capacity: int | None = None, slow: SlowPolicy | None = None
    ) -> AsyncIterator[T]:
        """Yield what is published from now on.

        Args:
            capacity: Items that this subscriber may be behind; None takes the topic's.
            slow: What happens when it is further behind; None takes the topic's.

        Raises:
            SlowSubscriberError: It was too slow, under `disconnect`.
            ValueError: The capacity is not positive.
        """
        size = self._capacity if capacity is None else capacity
        _check(size)
        subscription: Subscription[T] = Subscription(size, slow or self._slow)
        self._subscriptions[subscription] = None
        self._move()
        try:
            while True:
                item = await subscription.take()
                self._move()
                yield item
        finally:
            self._forget(subscription)

    @handler(concurrent=True)
    async def until_subscribed(self, count: int = 1) -> None:
        """Return once there are at least `count` subscribers."""
        await self._until(lambda: len(self._subscriptions) >= count)

    @handler(concurrent=True)
    async def statistics(self) -> TopicStatistics:
        """Return what was published and lost, and how far behind the slowest subscriber is."""
        return TopicStatistics(
            subscribers=len(self._subscriptions),
            published=self._published,
            dropped=self._dropped + sum(s.dropped for s in self._subscriptions),
            disconnected=self._disconnected,
            waiting=max(map(len, self._subscriptions), default=0),
        )

    def _forget(self, subscription: Subscription[T]) -> None:
        if subscription in self._subscriptions:
            del self._subscriptions[subscription]
            self._dropped += subscription.dropped
            self._move()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await self._moved.wait()

    def _move(self) -> None:
        """Let whoever waits for a change of the subscriptions look again."""
        self._moved.set()
        self._moved = asyncio.Event()


def _check(capacity: int) -> None:
    if capacity < 1:
        raise ValueError(f"capacity is {capacity}; a subscriber needs room for 1 item at least")
