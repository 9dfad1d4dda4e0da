"""Actors with values to ask for: numbers, points, arrays, errors, references."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003  # handler hints are read at run time
from typing import Any

import numpy as np

from passel import Actor, ActorRef, handler


@dataclass
class Point:
    """A structured argument."""

    x: int
    y: int = 0


class OddError(ValueError):
    """An error that a handler declares; carries data of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(f"{number} is odd")
        self.number = number


class Counter(Actor):
    """Counts, and fails in many ways."""

    def __init__(self, *, start: int = 0) -> None:
        self.value = start

    @handler
    async def add(self, n: int, *, times: int = 1) -> int:
        """Add `n`, return the sum."""
        self.value += n * times
        return self.value

    @handler
    async def move(self, point: Point, by: list[Point]) -> Point:
        """Return the sum of points."""
        return Point(point.x + sum(p.x for p in by), point.y + sum(p.y for p in by))

    @handler
    async def divide(self, by: int) -> float:
        """Fail for 0, with an error that is not declared."""
        return self.value / by

    @handler(raises=(OddError, KeyError))
    async def halve(self, n: int) -> int:
        """Fail for odd numbers, with an error that is declared."""
        if n < 0:
            raise KeyError("negative")
        if n % 2:
            raise OddError(n)
        return n // 2

    @handler
    async def swallow_tongue(self) -> None:
        """Fail with texts and numbers that no encoding takes."""
        error = ValueError("\udcff in a name")
        error.size = 2**70  # type: ignore[attr-defined]
        raise error

    @handler(raises=(ValueError,))
    async def swallow_tongue_openly(self) -> None:
        """The same, declared."""
        error = ValueError("\udcff in a name", 2**70)
        error.size = 2**70  # type: ignore[attr-defined]
        raise error

    @handler
    async def give(self, kind: str) -> Any:
        """Return a value that cannot travel."""
        if kind == "lock":
            return threading.Lock()
        if kind == "meta":
            import torch

            return torch.empty(3, device="meta")
        return {kind}

    @handler
    async def take_back(self) -> str:
        """Await a task that was cancelled: the error is the handler's own."""
        task = asyncio.ensure_future(asyncio.sleep(60.0))
        await asyncio.sleep(0)
        task.cancel()
        await task
        return "never"

    @handler
    async def pid(self) -> int:
        """Return the process the actor lives in."""
        return os.getpid()

    @handler
    async def edges(self) -> dict[str, tuple[int, int, bool]]:
        """Return by sending node: messages counted, the last one's number, whether its times fit."""
        cell = self.context._cell  # type: ignore[attr-defined]
        now = self.context.now() + 0.05
        return {
            source: (edge.count, edge.sequence, 0.0 < edge.sent < edge.arrived + 0.05 < now + 0.05)
            for source, edge in (cell.edges or {}).items()
        }


@dataclass
class Even:
    """A number that must be even; its check raises what decoders do not expect."""

    number: int

    def __post_init__(self) -> None:
        if self.number % 2:
            raise RuntimeError("odd")


class Picky(Actor):
    """Takes an argument whose own check fails in an unusual way."""

    @handler
    async def take(self, even: Even) -> int:
        """Return the number."""
        return even.number


class Librarian(Actor):
    """Knows where books are."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @handler
    async def places(self, books: list[Path], below: Path | None = None) -> tuple[Path, ...]:
        """Return where the books are."""
        return tuple(self.root / (below or "") / book for book in books)


class Arrays(Actor):
    """Takes and gives arrays, hinted or not."""

    @handler
    async def double(self, values: np.ndarray) -> np.ndarray:
        """Return twice the values."""
        doubled: np.ndarray = values * 2
        return doubled

    @handler
    async def anything(self, value: Any) -> Any:
        """Return the value."""
        return value

    @handler
    async def count(self, values: list[Any]) -> int:
        """Return how many there are."""
        return len(values)


class Parent(Actor):
    """Spawns, watches and asks others."""

    def __init__(self) -> None:
        self.watching = asyncio.Event()

    @handler
    async def ask(self, counter: ActorRef[Counter], n: int) -> int:
        """Ask through a reference that came as an argument."""
        return await counter.add(n)

    @handler
    async def ask_untyped(self, counter: Any, n: int) -> int:
        """Ask through a reference of which the class is not known here."""
        found: int = await counter.add(n)
        return found

    @handler
    async def spawn(self, start: int) -> ActorRef[Counter]:
        """Spawn an actor on this node and hand it out."""
        return await self.context.spawn(Counter, start=start)

    @handler
    async def spawn_named(self, name: str, node: str) -> ActorRef[Counter]:
        """Spawn a named actor on another node."""
        return await self.context.options(name=name, node=node).spawn(Counter)

    @handler
    async def watch(self, ref: ActorRef[Counter]) -> str:
        """Return why it ended."""
        self.watching.set()
        return (await self.context.watch(ref)).reason

    @handler(concurrent=True)
    async def until_watching(self) -> None:
        """Return once `watch` has begun."""
        await self.watching.wait()

    @handler
    async def find(self, name: str) -> ActorRef[Counter]:
        """Look an actor up by name."""
        return await self.context.lookup(name, Counter)


class Dice(Actor):
    """Draws from its own randomness."""

    @handler
    async def roll(self, times: int) -> list[int]:
        """Return some draws."""
        return [self.context.random.randrange(1_000_000) for _ in range(times)]
