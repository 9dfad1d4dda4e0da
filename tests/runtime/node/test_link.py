"""Links over a transport that loses, repeats and reorders: nobody above them notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator  # noqa: TC003  # handler hints are read at run time
from typing import TYPE_CHECKING, cast

import pytest

from passel import Actor, ActorRef, NodeDeadError, handler
from passel.actors.ref import reference_type
from tests.runtime.crew_keys import Register
from tests.runtime.lossy import LossyNetwork, two_nodes
from tests.runtime.virtual_time import virtual_time

if TYPE_CHECKING:
    from passel.runtime.node.node import Node


class Ledger(Actor):
    """Writes down what it is told, and counts up."""

    def __init__(self) -> None:
        self.entries: list[int] = []

    @handler
    async def note(self, entry: int) -> None:
        """Write an entry down."""
        self.entries.append(entry)

    @handler
    async def count(self) -> int:
        """Return how many entries there are."""
        return len(self.entries)

    @handler
    async def all(self) -> list[int]:
        """Return the entries."""
        return self.entries

    @handler
    async def up_to(self, end: int) -> AsyncIterator[int]:
        """Count up."""
        for number in range(end):
            yield number


async def a_ledger(near: Node, far: Node, *, capacity: int = 16) -> ActorRef[Ledger]:
    """Start a ledger on the far node; return a reference for the near one."""
    cell = far.new_cell(Ledger, (), {}, capacity=capacity)
    await far.start_cell(cell)
    return cast("ActorRef[Ledger]", near.reference(reference_type(Ledger), cell.address))


@virtual_time
@pytest.mark.parametrize("seed", range(6))
async def test_tells_asks_and_items_arrive_once_and_in_order(seed: int) -> None:
    network = LossyNetwork(seed, loss=0.2, repeat=0.2, delay=0.1)
    async with two_nodes(network) as (near, far):
        ref = await a_ledger(near, far)
        for entry in range(100):
            await ref.note.options(timeout=None).tell(entry)
            if entry % 10 == 0:
                assert await ref.count.options(timeout=None)() == entry + 1
        assert [n async for n in ref.up_to(50)] == list(range(50))
        assert await ref.all.options(timeout=None)() == list(range(100))
        assert network.lost > 0
        flows = [near.router.links["far"].flow, far.router.links["near"].flow]
        assert sum(flow.resent for flow in flows) > 0
        assert sum(flow.dropped for flow in flows) > 0


@virtual_time
async def test_a_node_whose_introduction_is_lost_introduces_itself_again() -> None:
    network = LossyNetwork(1, loss=1.0, repeat=0.0, delay=0.01)
    async with two_nodes(network) as (near, far):
        ref = await a_ledger(near, far)
        answer = asyncio.create_task(ref.count())
        await asyncio.sleep(2.0)
        assert network.lost > 1
        network.loss = 0.0
        assert await answer == 0


@virtual_time
async def test_a_sound_transport_is_sent_everything_once() -> None:
    network = LossyNetwork(1, loss=0.0, repeat=0.0, delay=0.0)
    async with two_nodes(network) as (near, far):
        ref = await a_ledger(near, far)
        for entry in range(100):
            await ref.note.tell(entry)
        assert await ref.count() == 100
        flows = [near.router.links["far"].flow, far.router.links["near"].flow]
        assert [(flow.resent, flow.dropped) for flow in flows] == [(0, 0), (0, 0)]


@virtual_time
async def test_a_link_on_which_all_is_settled_has_no_timer() -> None:
    network = LossyNetwork(1, loss=0.0, repeat=0.0, delay=0.0)
    async with two_nodes(network) as (near, far):
        ref = await a_ledger(near, far)
        assert await ref.count() == 0
        links = [near.router.links["far"], far.router.links["near"]]
        assert all(link.flow.pause(0.0) is not None for link in links[1:])
        await asyncio.sleep(1.0)
        assert [link.flow.pause(0.0) for link in links] == [None, None]
        assert [link._timer for link in links] == [None, None]


@virtual_time
async def test_tells_that_were_not_handled_when_their_node_died_are_counted() -> None:
    network = LossyNetwork(1, loss=0.0, repeat=0.0, delay=0.0)
    async with two_nodes(network) as (near, far):
        cell = far.new_cell(Register, (), {})
        await far.start_cell(cell)
        ref = cast("ActorRef[Register]", near.reference(reference_type(Register), cell.address))
        for _ in range(20):
            await ref.add.tell(1)
        assert await ref.total() == 20
        await asyncio.sleep(1.0)  # these were handled, and are known to have been
        waiting = asyncio.create_task(ref.add_when_open(1))
        await ref.entered()
        for _ in range(7):
            await ref.add.tell(1)
        await asyncio.sleep(1.0)

        near.router.peer_died(NodeDeadError("far", "far", signal="SIGKILL"), 1)

        with pytest.raises(NodeDeadError, match="7 tells to it may be lost") as caught:
            await waiting
        assert caught.value.possibly_lost == 7
        assert near.counters.possibly_lost == 7


@virtual_time
async def test_what_is_kept_of_a_peer_goes_with_it() -> None:
    network = LossyNetwork(1, loss=0.0, repeat=0.0, delay=0.0)
    async with two_nodes(network) as (near, far):
        ref = await a_ledger(near, far)
        await ref.note.tell(1)
        assert await ref.count() == 1
        cell = far.cells["Ledger#1"]
        assert list(cell.edges or ()) == ["near"]
        for life in range(1, 50):
            far.router.peer_died(NodeDeadError("near", "near"), life)
        assert cell.edges == {}
        assert cell.senders == {}
        assert len(far.router._deaths) == 1
        assert far.receiver._inlets == {}
