"""A quiet runtime of two nodes through a day of virtual time: what grows.

The leader asks every node for a sign of life each second, so a day is 86,400 rounds of the real
code on a simulated host. Python objects and resident memory are read after each hour. Examples:

    python benchmarks/day.py
    python benchmarks/day.py --hours 240 --json
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import time
from typing import TYPE_CHECKING, Any

from measure import machine
from soak import Idle, resident

from passel import Runtime
from passel.runtime.simulation.leaks import leaks
from passel.runtime.simulation.run import collector_paused
from passel.runtime.simulation.world import World

if TYPE_CHECKING:
    from passel.runtime.node.host import LeaderHost


def live(hours: int) -> dict[str, Any]:
    """Let the hours pass; return the figures.

    Raises:
        SystemExit: The simulation found something violated, or something left behind.
    """
    world = World(1)
    objects: list[int] = []
    sizes: list[int] = []
    left: list[str] = []

    async def scenario(host: LeaderHost) -> None:
        async with Runtime(host=host) as runtime:
            await runtime.start_node("side")
            idle = await runtime.options(node="side", name="idle").spawn(Idle)
            for _ in range(hours):
                await asyncio.sleep(3_600.0)
                await idle.wait()
                gc.collect()
                objects.append(len(gc.get_objects()))
                sizes.append(resident(os.getpid()))
            await asyncio.sleep(0.3)
            left.extend(leaks(world))

    world.loop.most_steps = 1_000_000 * hours
    begun = time.perf_counter()
    try:
        with collector_paused():
            world.run(scenario)
    finally:
        world.close()
    if left or world.watch.violation is not None:
        raise SystemExit(f"violated: {world.watch.violation}; left behind: {left}")
    warm = hours // 6
    return {
        "hours": hours,
        "seconds": round(time.perf_counter() - begun, 1),
        "messages": world.watch.messages,
        "objects": objects,
        "resident_bytes": sizes,
        "objects_growth_percent": round(100 * (objects[-1] / objects[warm] - 1), 3),
        "resident_growth_percent": round(100 * (sizes[-1] / sizes[warm] - 1), 3),
    }


def main() -> None:
    """Read the command line, run, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=int, default=24, help="virtual hours, at least 12")
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    words = parser.parse_args()
    if words.hours < 12:
        parser.error(f"--hours {words.hours}: it warms up for a sixth of them; take twelve or more")
    found = {**live(words.hours), **machine()}
    if words.json:
        print(json.dumps(found))
    else:
        for key, value in found.items():
            print(f"{key:24} {value}")


if __name__ == "__main__":
    main()
