"""Actors that show whether a request took effect once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator  # noqa: TC003  # handler hints are read at run time

from passel import Actor, ActorRef, handler


class Register(Actor):
    """Adds up, counts calls, and holds some back until it is opened."""

    def __init__(self) -> None:
        self.sum = 0
        self.count = 0
        self.gate = asyncio.Event()
        self.inside = asyncio.Event()

    @handler
    async def add(self, amount: int) -> int:
        """Add and return the sum."""
        self.sum += amount
        return self.sum

    @handler
    async def add_when_open(self, amount: int) -> int:
        """Add once the gate is open."""
        self.count += 1
        self.inside.set()
        await self.gate.wait()
        return await self.add(amount)

    @handler(concurrent=True)
    async def entered(self) -> None:
        """Return once a call waits at the gate."""
        await self.inside.wait()

    @handler(concurrent=True)
    async def open(self) -> None:
        """Open the gate."""
        self.gate.set()

    @handler(raises=(ZeroDivisionError,))
    async def divide(self, a: int, b: int) -> float:
        """Divide."""
        self.count += 1
        return a / b

    @handler
    async def refuse(self) -> None:
        """Raise."""
        self.count += 1
        raise RuntimeError("not today")

    @handler
    async def total(self) -> int:
        """Return the sum."""
        return self.sum

    @handler
    async def calls(self) -> int:
        """Return how many calls were counted."""
        return self.count

    @handler
    async def numbers(self) -> AsyncIterator[int]:
        """Yield a number."""
        yield 1


class Relay(Actor):
    """Calls on behalf of others."""

    def __init__(self, register: ActorRef[Register]) -> None:
        self.register = register

    @handler
    async def add(self, key: str, amount: int) -> int:
        """Add under a key."""
        return await self.register.add.options(key=key)(amount)
