"""A quiet runtime through hours of its time: nothing grows. `benchmarks/day.py` has a whole day."""

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

HOURS = 5
QUARTERS = 4 * HOURS


def test_hours_of_idling_leave_nothing_behind() -> None:
    """The leader asks every node for a sign of life each second: that alone is 18,000 rounds."""
    world = World(1)

    async def scenario(host: LeaderHost) -> list[int]:
        grown = []
        async with Runtime(host=host) as runtime:
            await runtime.start_node("side")
            counter = await runtime.options(node="side", name="counter").spawn(crew.Counter)
            for quarter in range(QUARTERS):
                await asyncio.sleep(900.0)
                assert await counter.add(1) == quarter + 1
                gc.collect()
                grown.append(len(gc.get_objects()))
            await asyncio.sleep(0.3)
            assert leaks(world) == []
        return grown

    world.loop.most_steps = 5_000_000
    try:
        with collector_paused():
            grown = world.run(scenario)
    finally:
        world.close()

    assert world.watch.violation is None
    assert world.watch.messages > HOURS * 3_000, "the leader has stopped asking"
    assert world.loop.time() > HOURS * 3_600.0
    settled = grown[-4]  # the simulation's own records are bounded, and full after three hours
    assert grown[-1] - settled < 100, f"objects after each quarter: {grown}"
