from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from passel.protocols.errors import StateExistsError
from passel.runtime.durable.store import Change, Record, RecordId
from passel.runtime.simulation.world import World

if TYPE_CHECKING:
    from passel.runtime.simulation.host import SimulatedLeaderHost

ENTRY = Record(RecordId("state", ""), b"something")


async def hand_in(host: SimulatedLeaderHost) -> asyncio.Future[None]:
    """Hand a change to a journal; return once it is on its way to the disk."""
    journal = await host.open_store("").open("ledger", 1)
    written = journal.commit(Change(put=(ENTRY,)))
    await asyncio.sleep(0)
    return written


def test_a_clock_that_jumps_brings_no_word_of_a_write_before_it_is_done() -> None:
    """Seeds 5022 and 7057 of an earlier day: an inbox record was dropped, and then written."""
    world = World(1)

    async def scenario() -> list[Record]:
        host = world.new_leader()
        found: list[Record] = []

        async def live() -> None:
            written = await hand_in(host)
            host.process.shift_clock(5.0)
            await written
            found.extend(world.disk.take_over("ledger", 1))

        host.process.start(live())
        await host.process.wait()
        return found

    assert world.conduct(scenario()) == [ENTRY]


def test_a_write_that_a_process_dies_over_is_done_or_not_and_nobody_hears_of_it() -> None:
    done = []
    for seed in range(20):
        world = World(seed)

        async def scenario(world: World = world) -> bool:
            host = world.new_leader()
            heard: list[bool] = []

            async def live() -> None:
                written = await hand_in(host)
                host.process.kill()
                await written
                heard.append(True)

            host.process.start(live())
            await host.process.wait()
            await asyncio.sleep(1.0)
            assert not heard
            return world.disk.take_over("ledger", 1) == [ENTRY]

        done.append(world.conduct(scenario()))

    assert set(done) == {True, False}


def test_what_an_earlier_start_left_is_an_error_unless_somebody_says_what_becomes_of_it() -> None:
    world = World(1)

    async def scenario() -> None:
        await hand_in(world.new_leader())
        host = world.new_leader()
        with pytest.raises(StateExistsError):
            host.open_state(None, resume=False, discard=False)
        first = host.open_state(None, resume=True, discard=False).claim()
        assert first.epoch > 1 << 32
        host.open_state(None, resume=False, discard=True)
        assert world.disk.actors == []

    world.conduct(scenario())
