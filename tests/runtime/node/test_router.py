from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from passel import Actor, handler
from passel.protocols.address import LIFE_SHIFT
from tests.runtime.lossy import LossyNetwork, two_nodes
from tests.runtime.virtual_time import virtual_time

if TYPE_CHECKING:
    from passel.protocols.address import Address


class Book(Actor):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.noted: list[int] = []

    @handler
    async def note(self, number: int) -> None:
        """Note a number."""
        self.noted.append(number)

    @handler
    async def read(self) -> list[int]:
        """Return all numbers."""
        return self.noted


class SlowDirectory:
    """Knows one actor; says where it is once `gate` is open."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.gate = asyncio.Event()

    async def lookup(self, _name: str) -> Address:
        """Return where the actor is."""
        await self.gate.wait()
        return self.address


@virtual_time
async def test_nothing_overtakes_what_waits_for_a_place_to_be_looked_up() -> None:
    """The actor's node introduces itself meanwhile, so a new reference could lead there directly."""
    async with two_nodes(LossyNetwork(1, loss=0.0, repeat=0.0, delay=0.01)) as (near, far):
        cell = far.new_cell(Book, (), {}, name="book")
        await far.start_cell(cell)
        directory: Any = SlowDirectory(cell.address)
        near.router.locator = directory
        peer = near.router.peers.pop("far")

        async with asyncio.TaskGroup() as tasks:
            first: Any = near.reference(type(near.named("book", Book)), cell.address)
            tasks.create_task(first.note.tell(1))
            await asyncio.sleep(0.1)
            near.router.peers["far"] = peer
            second: Any = near.reference(type(first), cell.address)
            tasks.create_task(second.note.tell(2))
            await asyncio.sleep(0.1)
            directory.gate.set()

        assert await second.read() == [1, 2]


@virtual_time
async def test_a_named_actor_of_an_earlier_life_of_this_very_node_is_looked_up() -> None:
    """Actors that live again on a node hold references from the life before."""
    async with two_nodes(LossyNetwork(1, loss=0.0, repeat=0.0, delay=0.01)) as (near, _far):
        near.life = 2
        cell = near.new_cell(Book, (), {}, name="book")
        await near.start_cell(cell)
        directory: Any = SlowDirectory(cell.address)
        directory.gate.set()
        near.router.locator = directory
        before = msgspec.structs.replace(cell.address, incarnation=(1 << LIFE_SHIFT) + 1)

        ref: Any = near.reference(type(near.named("book", Book)), before)

        await ref.note(1)
        assert await ref.read() == [1]
