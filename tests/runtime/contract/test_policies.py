"""What a request does that finds the mailbox full, and what overtakes a full one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from passel import MailboxFullError, SpawnError
from passel.protocols.errors import DroppedError
from tests.runtime.crew_flow import Gate

if TYPE_CHECKING:
    from tests.runtime.worlds import World


async def test_a_mailbox_that_refuses_makes_nobody_wait(world: World) -> None:
    async with world.open() as home:
        gate = await home.there(capacity=2, mailbox="refuse").spawn(Gate)
        first = asyncio.ensure_future(gate.through(0))
        await gate.until_reached()
        refused = 0
        for n in range(1, 9):  # credit comes back in lots, so at least one is refused
            try:
                await gate.through.tell(n)
            except MailboxFullError:
                refused += 1
        assert refused >= 5
        with pytest.raises(MailboxFullError):
            await gate.through(9)
        await gate.open()
        assert await first == 0
        await home.runtime.stop(gate, drain=True)


async def test_a_mailbox_that_drops_keeps_the_latest(world: World) -> None:
    async with world.open() as home:
        gate = await home.there(capacity=4, mailbox="drop_oldest").spawn(Gate)
        first = asyncio.ensure_future(gate.through(0))
        await gate.until_reached()
        asked = asyncio.ensure_future(gate.through(1))
        await asyncio.sleep(0)
        async with asyncio.timeout(10.0):
            for n in range(2, 200):
                await gate.through.tell(n)
        with pytest.raises(DroppedError, match="keeps the latest 4 messages"):
            await asked
        await gate.open()
        assert await first == 0
        assert await gate.through(200) == 200
        passed = (await gate.log())[0]
        assert passed[0] == 0
        assert passed[1:] == sorted(passed[1:])
        assert passed[-2:] == [199, 200]
        assert len(passed) <= 10
        letters = sum(node.dead_letters for node in await home.runtime.statistics())
        assert letters >= 190


async def test_control_overtakes_a_full_mailbox(world: World) -> None:
    async with world.open() as home:
        gate = await home.there(capacity=4).spawn(Gate)
        running = asyncio.ensure_future(gate.through(0))
        await gate.until_reached()
        queued = asyncio.ensure_future(gate.through(1))
        flood = [asyncio.ensure_future(gate.through.tell(n)) for n in range(2, 300)]
        try:
            async with asyncio.timeout(5.0):
                while not any(actor.mailbox >= 3 for actor in (await home.statistics()).actors):  # noqa: ASYNC110  # there is no event
                    await asyncio.sleep(0)  # statistics are answered all the while
                queued.cancel()
                running.cancel()  # ends the handler, so that the next one begins
                await asyncio.wait([queued, running])
                while (await gate.log_beside())[1] != [0]:  # noqa: ASYNC110  # likewise
                    await asyncio.sleep(0)
                await home.runtime.stop(gate, grace=0.0)
        finally:
            await asyncio.gather(*flood, return_exceptions=True)


async def test_a_policy_that_is_none_is_refused(world: World) -> None:
    async with world.open() as home:
        with pytest.raises(SpawnError, match="choose wait, refuse, drop_oldest"):
            await home.there(mailbox="hope").spawn(Gate)
