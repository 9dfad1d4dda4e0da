from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.runtime.crew import Counter
from tests.runtime.crew_flow import Shooter, Tally

if TYPE_CHECKING:
    from tests.runtime.worlds import World

MESSAGES = {"ipc": 1_000_000}
"""How many are sent in a world; a tenth of that in all others, among which as many are large."""

LARGE = 1_000
SENDERS = 8


@pytest.mark.timeout(150)
async def test_messages_of_each_sender_arrive_in_order_whatever_their_sizes(world: World) -> None:
    """Messages of no byte to 16 KiB arrays in frames of their own: a million over ipc."""
    messages = MESSAGES.get(world.name, 100_000)
    count = messages // SENDERS
    async with world.open() as home:
        tally = await home.there().spawn(Tally)
        shooters = [await home.runtime.spawn(Shooter, me, tally) for me in range(SENDERS)]
        fire = [
            shooter.fire.options(timeout=140.0)(count, messages // LARGE) for shooter in shooters
        ]
        sent = sum(await asyncio.gather(*fire))
        seen, wrong, received = await tally.result()
    assert seen == dict.fromkeys(range(SENDERS), count)
    assert wrong == 0
    assert received == sent


async def test_numbers_and_times_of_each_edge_have_no_gaps(world: World) -> None:
    async with world.open() as home:
        ref = await home.there(capacity=8).spawn(Counter)
        await asyncio.gather(*(ref.add(1) for _ in range(50)))
        for _ in range(20):
            await ref.add.tell(1)
        await ref.add(1)  # once that is answered, most of the window is free again
        ref.add.tell_nowait(1)
        edges = await ref.edges()
    assert edges == {"leader": (73, 73, True)}
