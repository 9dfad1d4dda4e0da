"""Durable actors for the tests; a module of their own, so that other processes can import them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from passel import Actor, ActorRef, handler


class RefusedError(Exception):
    """A ledger does not want this."""


@dataclass(frozen=True, slots=True)
class Entered:
    """An amount was entered in the journal."""

    amount: int


class Ledger(Actor):
    """Keeps a total and what it consists of."""

    def __init__(self) -> None:
        self.total = 0
        self.amounts: list[int] = []
        self.changed = asyncio.Event()

    def snapshot(self) -> list[int]:
        return self.amounts

    def restore(self, state: list[int]) -> None:
        self.amounts = list(state)
        self.total = sum(state)
        self.changed.set()

    @handler(raises=(RefusedError,))
    async def add(self, amount: int) -> int:
        self.amounts.append(amount)
        self.total += amount
        self.changed.set()
        if amount < 0:
            raise RefusedError(f"{amount} is negative")
        return self.total

    @handler
    async def entries(self) -> list[int]:
        return list(self.amounts)

    @handler
    async def fill(self, count: int) -> None:
        self.amounts = list(range(1_000_000, 1_000_000 + count))

    @handler(concurrent=True)
    async def when(self, count: int) -> list[int]:
        """Return what was entered once there are so many of them."""
        while len(self.amounts) < count:
            await self.changed.wait()
            self.changed.clear()
        return list(self.amounts)

    @handler
    async def pass_on(self, amount: int, to: ActorRef[Ledger]) -> None:
        self.amounts.append(-amount)
        await to.add.tell(amount)
        if amount > 100:
            raise RefusedError("too much")


class Relay(Actor):
    """Asks another actor, and keeps nothing."""

    def snapshot(self) -> None:
        return None

    def restore(self, state: None) -> None:
        del state

    @handler
    async def ask_and_fail(self, amount: int, to: ActorRef[Ledger]) -> None:
        await to.add(amount)
        raise RuntimeError("after the ask")


class EventLedger(Actor):
    """Keeps a total by events."""

    def __init__(self) -> None:
        self.total = 0
        self.snapshots = 0

    def snapshot(self) -> int:
        self.snapshots += 1
        return self.total

    def restore(self, state: int) -> None:
        self.total = state

    def apply(self, event: Entered) -> None:
        self.total += event.amount

    @handler(raises=(RefusedError,))
    async def add(self, amount: int) -> int:
        self.context.journal(Entered(amount))
        if amount < 0:
            raise RefusedError("negative")
        return self.total

    @handler
    async def taken(self) -> int:
        return self.snapshots


class Forgetful(Actor):
    """Cannot be durable: it lacks `snapshot`."""
