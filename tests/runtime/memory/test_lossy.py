"""Slots over a transport that loses, repeats and reorders: each is lent once and returned once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from passel.actors.ref import reference_type
from tests.runtime.lossy import LossyNetwork, two_nodes
from tests.runtime.memory.crew import Reader
from tests.runtime.virtual_time import virtual_time

if TYPE_CHECKING:
    from passel import ActorRef
    from passel.runtime.node.node import Node

LARGE = 10_000


async def a_reader(near: Node, far: Node) -> ActorRef[Reader]:
    """Start a reader on `far` and return a reference to it on `near`."""
    cell = far.new_cell(Reader, (), {})
    await far.start_cell(cell)
    return cast("ActorRef[Reader]", near.reference(reference_type(Reader), cell.address))


@virtual_time
@pytest.mark.parametrize("seed", range(4))
async def test_arrays_arrive_whole_and_every_slot_is_free_in_the_end(seed: int) -> None:
    network = LossyNetwork(seed, loss=0.2, repeat=0.2, delay=0.1)
    async with two_nodes(network) as (near, far):
        reader = await a_reader(near, far)
        for number in range(20):
            total = await reader.read.options(timeout=None)(np.full(LARGE, float(number)))
            assert total == LARGE * number
            await reader.keep.options(timeout=None).tell(np.full(LARGE, float(number)))
        sums = await reader.sums.options(timeout=None)()
        assert sums == [float(LARGE * n) for n in range(20)]
        items = [item[0] async for item in reader.stream(10, LARGE)]
        assert items == list(range(10))
        await reader.drop.options(timeout=None)()
        await asyncio.sleep(30.0)
        assert network.lost > 0
        for node in (near, far):
            assert node.memory is not None
            assert node.memory.statistics.slots > 0
            assert node.memory.statistics.slots_used == 0
