from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from passel.runtime.simulation.faults import Fault, Injector
from passel.runtime.simulation.world import World

if TYPE_CHECKING:
    from passel.runtime.node.host import LeaderHost


def test_what_is_wrong_already_is_not_done_again_nor_taken_back_too_early() -> None:
    world = World(1)
    faults = [
        Fault(kind=kind, node="side", at=at, seconds=2.0, amount=0.5)
        for kind in ("loss", "full")
        for at in (1.0, 2.0)
    ]
    injector = Injector(world, faults)

    async def scenario(_host: LeaderHost) -> None:
        injector.begin()
        await asyncio.sleep(2.9)
        assert world.network.weather.loss == 0.5
        assert world.disk_is_full
        await asyncio.sleep(0.2)
        assert world.network.weather.loss == 0.0
        assert not world.disk_is_full

    try:
        world.run(scenario)
    finally:
        world.close()

    assert injector.done == {"loss": 1, "full": 1}
