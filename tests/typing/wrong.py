"""Programs that are wrong: every marked line is an error for mypy and for pyright, no other one is.

A marker that is not needed is an error itself, so both checkers vouch for each of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from passel import Actor, ActorRef, Runtime, handler


class Counter(Actor):
    """Counts."""

    def __init__(self, *, start: int = 0) -> None:
        self.value = start

    @handler
    async def add(self, n: int) -> int:
        """Take one argument."""
        return n

    @handler
    async def ticks(self, n: int) -> AsyncIterator[str]:
        """Stream."""
        yield str(n)

    def plain(self) -> int:
        """Be no handler."""
        return 1


class Other(Actor):
    """Is no counter."""


async def calls(runtime: Runtime, counter: ActorRef[Counter]) -> None:
    """Call wrongly."""
    await counter.add("3")  # type: ignore[arg-type]
    await counter.add()  # type: ignore[call-arg]
    await counter.add(3, 4)  # type: ignore[call-arg]
    await counter.add(m=3)  # type: ignore[call-arg]
    await counter.ad(3)  # type: ignore[attr-defined]
    await counter.add.tell("3")  # type: ignore[arg-type]
    counter.add.tell_nowait()  # type: ignore[call-arg]
    await counter.add.options(timeout="soon")(3)  # type: ignore[arg-type]
    await counter.add.options(retries=3)(3)  # type: ignore[call-arg]
    _text: str = await counter.add(3)  # type: ignore[assignment]
    await counter.ticks(3)  # type: ignore[misc]
    async for tick in counter.ticks("3"):  # type: ignore[arg-type]
        _number: int = tick  # type: ignore[assignment]
    await counter.ticks.tell(3)  # type: ignore[attr-defined]
    _other: ActorRef[Other] = counter  # type: ignore[assignment]


async def spawns(runtime: Runtime) -> None:
    """Spawn wrongly."""
    await runtime.spawn(Counter, 3)  # type: ignore[call-arg]
    await runtime.spawn(Counter, start="3")  # type: ignore[arg-type]
    await runtime.spawn(Counter, begin=3)  # type: ignore[call-arg]
    await runtime.options(nodes="side").spawn(Counter)  # type: ignore[call-arg]
    await runtime.options(name="c").spawn(Counter, start="3")  # type: ignore[arg-type]
    await runtime.spawn(int, 3)  # type: ignore[type-var]
    await runtime.lookup("c", "Counter")  # type: ignore[arg-type]
    _wrong: ActorRef[Other] = await runtime.spawn(Counter)  # type: ignore[arg-type]


class Mistaken(Actor):
    """Declares wrongly."""

    @handler  # type: ignore[arg-type]
    def add(self, n: int) -> int:
        """Is not async."""
        return n

    @handler(concurrently=True)  # type: ignore[call-overload, untyped-decorator]
    async def other(self) -> None:
        """Has an option that is none."""
