"""Actors that the topologies of these tests name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from passel import Actor, ActorRef, handler


class Counter(Actor):
    """Counts, and says so in its node's log."""

    def __init__(self, *, start: int = 0) -> None:
        self.value = _checked(start, 0)

    @handler
    async def add(self, n: int, times: int = 1) -> int:
        """Add `n` a few times."""
        self.value += n * times
        self.context.log.warning("added", n=n)
        return self.value

    @handler
    async def ticks(self, n: int) -> AsyncIterator[dict[str, int]]:
        """Stream."""
        for index in range(n):
            yield {"tick": index}

    @handler
    async def fail(self) -> None:
        """Raise."""
        raise ValueError("broken on purpose")


class Caller(Actor):
    """Calls a counter for a while."""

    def __init__(self, *, counter: ActorRef[Counter], back: ActorRef[Lonely] | None = None) -> None:
        self.counter = counter
        self.back = back

    @handler
    async def go(self, rounds: int) -> int:
        """Return the sum after so many rounds."""
        for _ in range(rounds):
            value = await self.counter.add(1)
        return value

    @handler
    async def talk(self, words: int) -> AsyncIterator[dict[str, object]]:
        """Stream what two language workers would say, and an answer."""
        for index in range(words):
            for worker in ("Alice", "Bob"):
                yield {"worker": worker, "text": f"word{index} "}
        yield {"answer": "42", "known": "42"}

    @handler
    async def fail(self) -> None:
        """Fail far away."""
        await self.counter.fail()

    @handler
    async def tell_off(self) -> int:
        """Let the counter fail where nobody waits for it, and find it well again."""
        await self.counter.fail.tell()
        return await self.counter.add(1)

    @handler(raises=(KeyError,))
    async def miss(self) -> None:
        """Raise an error that reaches the caller as itself."""
        raise KeyError("key")

    @handler
    async def ask_back(self) -> str:
        """Use the lazy reference."""
        assert self.back is not None
        return await self.back.name()


class Lonely(Actor):
    """Refers to a caller that refers back."""

    def __init__(self, *, caller: ActorRef[Caller]) -> None:
        self.caller = caller

    @handler
    async def name(self) -> str:
        """Return a word."""
        return "lonely"


class Stubborn(Actor):
    """Does not want to stop."""

    async def stopping(self) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()

    @handler
    async def wait(self) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()


class Ledger(Actor):
    """Keeps a total from run to run."""

    def __init__(self) -> None:
        self.total = 0

    def snapshot(self) -> int:
        """Return what is kept."""
        return self.total

    def restore(self, state: int) -> None:
        """Go on from what was kept."""
        self.total = state

    @handler
    async def add(self, amount: int) -> int:
        """Return the new total."""
        self.total += amount
        return self.total


def _checked(start: int, depth: int) -> int:
    """Return where to start from, found out some frames below."""
    if depth < 5:
        return _checked(start, depth + 1)
    if start < 0:
        raise ValueError("a count below zero")
    return start
