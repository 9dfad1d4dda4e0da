from __future__ import annotations

import asyncio

import pytest

from passel.runtime.simulation.world import World

Facts = dict[str, float]


def times_of(rate: float) -> Facts:
    """Return what the world's clock and a process's show when that runs at a rate for a while."""
    world = World(1)
    facts: Facts = {}

    async def conduct() -> None:
        host = world.new_leader()
        process = host.process

        async def live() -> None:
            loop = asyncio.get_running_loop()
            loop.call_later(4.0, lambda: facts.update(before=loop.time()))
            process.set_rate(rate)
            await asyncio.sleep(10.0)
            facts.update(world=loop.time(), own=process.now())
            process.set_rate(1.0)
            facts.update(after=process.now())
            await asyncio.sleep(10.0)
            facts.update(end=loop.time(), own_end=process.now())

        process.start(live())
        await process.wait()

    world.conduct(conduct())
    return facts


@pytest.mark.parametrize("rate", [0.9, 1.0, 1.25])
def test_a_clock_that_drifts_takes_the_timers_of_its_process_along(rate: float) -> None:
    facts = times_of(rate)

    def about(seconds: float) -> object:
        return pytest.approx(seconds, abs=1e-4)

    assert facts["before"] == about(4.0 / rate), "set before the clock drifted"
    assert facts["world"] == about(10.0 / rate)
    assert facts["own"] == about(10.0)
    assert facts["after"] == about(facts["own"]), "it does not jump"
    assert facts["end"] - facts["world"] == about(10.0)
    assert facts["own_end"] == about(20.0)
