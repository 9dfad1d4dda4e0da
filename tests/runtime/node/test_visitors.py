"""Guests that come and go without a word, in virtual time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from passel.actors.ref import reference_type
from passel.runtime.node.visitors import LOOK_SECONDS, QUESTIONS
from tests.runtime.crew import Counter
from tests.runtime.lossy import LossyNetwork, two_nodes
from tests.runtime.virtual_time import virtual_time

if TYPE_CHECKING:
    from passel.runtime.node.node import Node

NAMES = ("near", "@guest-7-c0ffee")
LONG = LOOK_SECONDS * (QUESTIONS + 3)


def network() -> LossyNetwork:
    return LossyNetwork(1, loss=0.0, repeat=0.0, delay=0.001)


async def visited(near: Node, guest: Node) -> Any:
    """Let the guest ask an actor; return its reference to it."""
    cell = near.new_cell(Counter, (), {})
    await near.start_cell(cell)
    counter: Any = guest.reference(reference_type(Counter), cell.address)
    assert await counter.add(1) == 1
    return counter


@virtual_time
async def test_a_guest_that_was_killed_is_forgotten_after_a_while_and_asked_no_more() -> None:
    line = network()
    async with two_nodes(line, NAMES) as (near, guest):
        await visited(near, guest)
        (link,) = near.router.links.values()
        line.loss = 1.0
        await asyncio.sleep(LONG)
        assert link.dead is not None
        assert not near.router.links
        assert guest.name not in near.router.peers
        assert not near.receiver._inlets
        lost = line.lost
        guest.router.links["near"].fail(link.dead)  # it is gone: it asks nothing either
        await asyncio.sleep(LONG)
        assert line.lost == lost, "nothing is sent to it any more"


@virtual_time
async def test_a_guest_that_only_looks_on_stays_for_as_long_as_it_likes() -> None:
    line = network()
    async with two_nodes(line, NAMES) as (near, guest):
        counter = await visited(near, guest)
        for _ in range(5):
            await asyncio.sleep(LONG)
            assert list(near.router.links) == [guest.name]
        assert await counter.add(1) == 2


@virtual_time
async def test_a_line_to_a_guest_may_be_cut_for_a_moment() -> None:
    line = network()
    async with two_nodes(line, NAMES) as (near, guest):
        counter = await visited(near, guest)
        for _ in range(5):
            line.loss = 1.0
            await asyncio.sleep(LOOK_SECONDS * (QUESTIONS - 1))
            line.loss = 0.0
            assert await counter.add(1)
        assert list(near.router.links) == [guest.name]
