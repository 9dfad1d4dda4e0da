"""Idempotency keys across a kill of the whole runtime, and its next start on the same state."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from passel import Actor, ActorRef, Runtime, handler
from passel.runtime.simulation.world import World
from tests.runtime.crew_durable import Ledger

if TYPE_CHECKING:
    from passel.runtime.simulation.host import SimulatedLeaderHost


class Clerk(Actor):
    """Enters amounts under its own key."""

    @handler
    async def enter(self, ledger: ActorRef[Ledger], amount: int) -> int:
        return await ledger.add.options(key="first")(amount)


def totals(name: str) -> list[int]:
    """Return what a clerk is told in each of two starts of a runtime, in which it enters 5."""
    world = World(1)
    told: list[int] = []

    async def start(host: SimulatedLeaderHost) -> None:
        async with Runtime(host=host, resume=bool(told)) as runtime:
            ledger = await runtime.options(name="ledger", durable=True).spawn(Ledger)
            clerk = await runtime.options(name=name).spawn(Clerk)
            told.append(await clerk.enter(ledger, 5))
            host.process.kill()
            await asyncio.sleep(1.0)

    async def conduct() -> None:
        for _ in range(2):
            host = world.new_leader()
            host.process.start(start(host))
            await host.process.wait()

    try:
        world.conduct(conduct())
    finally:
        world.close()
    assert world.watch.violation is None
    return told


def test_an_unnamed_actors_key_is_another_one_after_a_restart() -> None:
    """The actor that has its name now is another one, and asks for something else."""
    assert totals("") == [5, 10]


def test_a_named_actors_key_is_the_same_one_after_a_restart() -> None:
    """Its answer was not known to have arrived when all was killed."""
    assert totals("clerk") == [5, 5]
