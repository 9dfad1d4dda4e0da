"""Actors that spawn others, and actors that will not end."""

from __future__ import annotations

import asyncio

from passel import Actor, ActorRef, handler
from tests.runtime.crew_flow import Witness  # noqa: TC001  # hints are read at run time


class Child(Actor):
    """Says when it begins and ends."""

    def __init__(self, witness: ActorRef[Witness], name: str) -> None:
        self.witness = witness
        self.name = name

    async def started(self) -> None:
        await self.witness.hear(f"{self.name} started")

    async def stopping(self) -> None:
        self.witness.hear.tell_nowait(f"{self.name} stopping")

    @handler
    async def fail(self) -> None:
        """Fail."""
        raise ValueError(f"{self.name} is ill")


class Elder(Child):
    """Has two children, the second on a node that it is given; and more on demand."""

    def __init__(self, witness: ActorRef[Witness], *, node: str = "") -> None:
        super().__init__(witness, "elder")
        self.node = node
        self.children: list[ActorRef[Child]] = []

    async def started(self) -> None:
        await super().started()
        self.children = [
            await self.context.spawn(Child, self.witness, "first"),
            await self.context.options(node=self.node, on_failure="escalate").spawn(
                Child, self.witness, "second"
            ),
        ]

    @handler
    async def brood(self) -> list[ActorRef[Child]]:
        """Return the children."""
        return self.children

    @handler
    async def known(self) -> int:
        """Return how many children the runtime knows of."""
        return len(self.context._cell.children or {})  # type: ignore[attr-defined]

    @handler
    async def name_one(self, name: str, node: str) -> ActorRef[Child]:
        """Spawn a named child."""
        return await self.context.options(name=name, node=node).spawn(Child, self.witness, name)


class Stubborn(Actor):
    """Swallows every cancellation."""

    @handler
    async def hang(self, witness: ActorRef[Witness]) -> None:
        """Never end."""
        while True:
            try:
                await witness.hear("hanging")
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue


class Waiting(Actor):
    """Waits beside its mailbox."""

    def __init__(self, witness: ActorRef[Witness]) -> None:
        self.witness = witness

    @handler(concurrent=True)
    async def wait(self) -> None:
        """Wait for ever."""
        await self.witness.hear("waiting")
        await asyncio.Event().wait()

    @handler
    async def fail(self) -> None:
        """Fail."""
        raise ValueError("not today")

    @handler
    async def nothing(self) -> int:
        """Return a number."""
        return 1
