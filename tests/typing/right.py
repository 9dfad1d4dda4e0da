"""Programs that are right: what mypy and pyright must infer, without a plugin.

Nothing here runs; the checkers read it (test_checkers.py, and `make check`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine
from typing import Any, assert_type

from passel import Actor, ActorRef, Runtime, handler
from passel.protocols.control import ActorDown


class Counter(Actor):
    """Has a handler of every sort."""

    def __init__(self, *, start: int = 0) -> None:
        self.value = start

    @handler
    async def add(self, n: int) -> int:
        """Take one argument."""
        self.value += n
        return await self.scaled(n, by=2)

    @handler(concurrent=True, raises=(KeyError,))
    async def scaled(self, n: int, *, by: int = 1) -> int:
        """Take a keyword, and declare options."""
        return n * by

    @handler
    async def reset(self) -> None:
        """Return nothing."""

    @handler
    async def ticks(self, n: int) -> AsyncIterator[str]:
        """Stream."""
        for i in range(n):
            yield str(i)


class Pair(Actor):
    """Is given references, and hands them on."""

    def __init__(self, left: ActorRef[Counter], right: ActorRef[Counter]) -> None:
        self.left = left
        self.right = right

    @handler
    async def total(self, n: int) -> int:
        """Ask both."""
        return await self.left.add(n) + await self.right.add(n)

    @handler
    async def swap(self, left: ActorRef[Counter]) -> ActorRef[Counter]:
        """Return a reference."""
        self.left, old = left, self.left
        return old

    async def more(self) -> None:
        """Use the context."""
        assert_type(await self.context.spawn(Counter, start=1), Counter)
        spawner = self.context.options(name="c")
        assert_type(await spawner.spawn(Counter, start=1), Counter)
        assert_type(await self.context.lookup("c", Counter), Counter)
        assert_type(await self.context.run_blocking(len, "four"), int)
        assert_type(self.context.now(), float)


async def use(runtime: Runtime) -> None:
    """Call everything as a program would."""
    counter = await runtime.spawn(Counter, start=3)
    assert_type(counter, Counter)
    held: ActorRef[Counter] = counter

    assert_type(await counter.add(3), int)
    assert_type(await held.add(n=3), int)
    pending: Coroutine[Any, Any, int] = counter.add(3)  # what a TaskGroup takes
    assert_type(await pending, int)
    assert_type(await counter.scaled(3, by=4), int)
    await counter.reset()
    assert_type(await counter.add.options(timeout=2.0)(3), int)
    assert_type(await counter.add.options(timeout=None)(3), int)

    await counter.add.tell(3)
    counter.scaled.tell_nowait(3, by=4)

    async for tick in counter.ticks(3):
        assert_type(tick, str)
    async for tick in counter.ticks.options(prefetch=4)(3):
        assert_type(tick, str)

    pair = await runtime.options(name="pair", node="side", capacity=8).spawn(
        Pair, counter, right=held
    )
    assert_type(pair, Pair)
    assert_type(await pair.total(1), int)
    assert_type(await pair.swap(counter), Counter)
    assert_type(await (await pair.swap(counter)).add(1), int)
    assert_type(await runtime.lookup("pair", Pair), Pair)
    assert_type(runtime.named("pair", Pair), Pair)
    assert_type(await runtime.watch(pair), ActorDown)
    await runtime.stop(pair, drain=True, grace=1.0)
