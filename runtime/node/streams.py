"""Both ends of a stream. The consumer grants demand; the producer never runs ahead of it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import asyncio

    from ..delivery.wheel import DeadlineWheel
    from .sending import Sending


class Producer:
    """What the actor's side knows of a stream: how many items its consumer can take."""

    __slots__ = ("_loop", "_waiter", "demand")

    def __init__(self, loop: asyncio.AbstractEventLoop, demand: int) -> None:
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None
        self.demand = demand

    def add(self, count: int) -> None:
        """The consumer can take `count` more."""
        self.demand += count
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def take(self) -> None:
        """Wait until the consumer can take one item."""
        while self.demand <= 0:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self.demand -= 1


class StreamIterator:
    """The iterator that a stream call returns; the stream is opened at its first step.

    Leaving early (`aclose`, or dropping the iterator as `break` does) cancels the producer. It
    is not what the request holds on to: nothing but its reader keeps it alive.
    """

    def __init__(self, consumer: Consumer, loop: asyncio.AbstractEventLoop) -> None:
        self._consumer = consumer
        self._loop = loop

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return await self._consumer.next()

    async def aclose(self) -> None:
        """Leave the stream; its producer is cancelled."""
        self._consumer.leave()

    def __del__(self) -> None:
        if self._consumer.is_open and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._consumer.leave)  # dropped in whatever thread


class Consumer:
    """The receiving end of a stream: what its request holds on to."""

    def __init__(
        self,
        sending: Sending,
        *,
        loop: asyncio.AbstractEventLoop,
        wheel: DeadlineWheel,
        prefetch: int,
    ) -> None:
        self._sending = sending
        self._loop = loop
        self._wheel = wheel
        self._items: deque[Any] = deque()
        self._consumed = 0
        self._waiter: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._finished = False
        self._slot: int | None = None
        self._opened = False
        self.prefetch = prefetch
        sending.consumer = self

    @property
    def is_open(self) -> bool:
        """Whether a producer may be at work for it."""
        return self._opened and not self._finished

    async def next(self) -> Any:
        """Return the next item; opens the stream at first.

        Raises:
            StopAsyncIteration: There is none.
        """
        if not self._opened:
            self._open()
        while not self._items:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self._finished:
                raise StopAsyncIteration
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            except BaseException:
                self.leave()
                raise
            finally:
                self._waiter = None
        item = self._items.popleft()
        self._consumed += 1
        if self._consumed * 2 >= self.prefetch and not self._finished:
            self._sending.target.demand(self._sending, self._consumed)
            self._consumed = 0
        return item

    def leave(self) -> None:
        """Leave the stream; its producer is cancelled."""
        if self.is_open:
            self._close()
            self._sending.cancelled = True
            self._sending.target.withdraw(self._sending)

    def push(self, item: Any) -> None:
        """An item has come."""
        self._items.append(item)
        self._wake()

    def finish(self) -> None:
        """The producer is exhausted."""
        self._close()
        self._wake()

    def fail(self, error: BaseException) -> None:
        """The stream ended with an error, raised after the items that came before it."""
        if not self._finished:
            late = self._sending.cancelled or not self._opened
            if isinstance(error, TimeoutError) and not late:
                self._sending.target.withdraw(self._sending)
            self._error = error
            self._close()
            self._wake()

    def _open(self) -> None:
        self._opened = True
        if self._sending.deadline is not None:
            self._slot = self._wheel.add(self._sending.deadline, self._sending)
        try:
            self._sending.target.submit(self._sending)
        except BaseException:
            self._close()
            raise

    def _close(self) -> None:
        self._finished = True
        if self._slot is not None:
            self._wheel.discard(self._slot, self._sending)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
