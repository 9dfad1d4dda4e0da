"""Actors that share work and news: members of pools, topics, timers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from passel import Actor, ActorRef, handler
from passel.actors.pool import Pool
from passel.actors.topic import Topic


@dataclass
class Price:
    """Something to publish."""

    name: str
    cents: int


class Prices(Topic[Price]):
    """A topic of prices."""


class Member(Actor):
    """Says its number; may be held up."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.taken = 0
        self._gate = asyncio.Event()

    @handler
    async def who(self) -> int:
        """Return its number."""
        self.taken += 1
        return self.number

    @handler
    async def note(self) -> None:
        """Count a tell."""
        self.taken += 1

    @handler(concurrent=True)
    async def wait(self) -> int:
        """Return its number once it is let go."""
        await self._gate.wait()
        return self.number

    @handler(concurrent=True)
    async def let_go(self) -> None:
        """End every wait."""
        self._gate.set()

    @handler
    async def count(self, n: int) -> AsyncIterator[int]:
        """Yield its number `n` times."""
        for _ in range(n):
            yield self.number

    @handler(concurrent=True)
    async def seen(self) -> int:
        """Return how many calls it took."""
        return self.taken


class Boss(Actor):
    """Is given a pool, in its constructor and in messages."""

    def __init__(self, pool: Pool[Member] | None = None) -> None:
        self.pool = pool

    @handler
    async def ask_all(self, rounds: int) -> list[int]:
        """Return who answered."""
        assert self.pool is not None
        return [await self.pool.any.who() for _ in range(rounds)]

    @handler
    async def use(self, pool: Pool[Member], key: str) -> tuple[int, int]:
        """Return who answers for a key, and how many members there are."""
        return await pool.of(key).who(), len(pool.members)

    @handler
    async def pass_on(self, pool: Pool[Member]) -> Pool[Member]:
        """Return the pool."""
        return pool


class Reader(Actor):
    """Reads a topic and keeps what it got."""

    def __init__(self, topic: ActorRef[Prices]) -> None:
        self.topic = topic
        self.got: list[Price] = []

    async def started(self) -> None:
        self.context.start(self._read())

    async def _read(self) -> None:
        async for price in self.topic.subscribe():
            self.got.append(price)

    @handler(concurrent=True)
    async def read(self) -> list[Price]:
        """Return what it got so far."""
        return self.got
