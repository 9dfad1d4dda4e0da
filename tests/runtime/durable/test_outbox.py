"""Tells of durable actors on their way to an actor that cannot take them for a while."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from passel import Runtime
from passel.protocols.errors import JournalError, StateError
from passel.runtime.simulation.world import World
from tests.runtime.crew_durable import Ledger

if TYPE_CHECKING:
    from passel.runtime.node.host import LeaderHost

HOURS = 3.0 * 3600.0


def test_a_tell_waits_for_as_long_as_its_receiver_cannot_write() -> None:
    """`passel simulate` found it lost: seed 29 of mixed.yaml with `--faults full,disk`."""
    world = World(1)
    full: set[str] = set()

    def fault(actor: str) -> StateError | None:
        return JournalError(actor, "no space left", "make some") if actor in full else None

    noted: list[str] = []
    note = world.trace.note

    def keep(kind: str, what: str) -> None:
        if "tell waits" in what:
            noted.append(what)
        note(kind, what)

    world.trace.note = keep  # type: ignore[method-assign]  # besides, what was logged is kept
    world.disk_fault = fault  # type: ignore[method-assign]  # the receiver's disk alone

    async def scenario(host: LeaderHost) -> list[int]:
        async with Runtime(host=host) as runtime:
            durable = runtime.options(name="receiver", durable=True)
            receiver = await durable.spawn(Ledger)
            sender = await runtime.options(name="sender", durable=True).spawn(Ledger)
            full.add("receiver")
            await sender.pass_on(5, receiver)
            await asyncio.sleep(HOURS)
            full.clear()
            await asyncio.sleep(10.0)
            assert await runtime.dead_letters() == []
            return await receiver.entries()

    try:
        assert world.run(scenario) == [5]
    finally:
        world.close()
    assert world.watch.violation is None
    assert len(noted) == 1, "that it waits is said once, not every two seconds"
