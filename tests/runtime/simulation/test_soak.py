"""A quiet runtime through a day of its time: nothing grows."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

from passel import Runtime
from passel.runtime.simulation.leaks import leaks
from passel.runtime.simulation.run import collector_paused
from passel.runtime.simulation.world import World
from tests.runtime import crew

if TYPE_CHECKING:
    from passel.runtime.node.host import LeaderHost

HOURS = 24


def test_a_day_of_idling_leaves_nothing_behind() -> None:
    """The leader asks every node for a sign of life each second: that alone is 86,400 rounds."""
    world = World(1)

    async def scenario(host: LeaderHost) -> list[int]:
        grown = []
        async with Runtime(host=host) as runtime:
            await runtime.start_node("side")
            counter = await runtime.options(node="side", name="counter").spawn(crew.Counter)
            for hour in range(HOURS):
                await asyncio.sleep(3_600.0)
                assert await counter.add(1) == hour + 1
                gc.collect()
                grown.append(len(gc.get_objects()))
            await asyncio.sleep(0.3)
            assert leaks(world) == []
        return grown

    world.loop.most_steps = 20_000_000
    try:
        with collector_paused():
            grown = world.run(scenario)
    finally:
        world.close()

    assert world.watch.violation is None
    assert world.watch.messages > HOURS * 3_000, "the leader has stopped asking"
    assert world.loop.time() > HOURS * 3_600.0
    assert grown[-1] - grown[HOURS // 2] < 200, f"objects at the end of each hour: {grown}"
