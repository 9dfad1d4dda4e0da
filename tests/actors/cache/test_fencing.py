"""Late, repeated and cancelled calls of workers: what an adversary, or a bad network, would send."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from passel.actors.cache.errors import InvalidAnswerError
from passel.agents.hogwild import RULE
from passel.protocols.cache import (
    Answer,
    Closed,
    Epoch,
    Joined,
    Next,
    Park,
    RuleName,
    SessionId,
    Setting,
    Tick,
    WorkerId,
)
from tests.actors.cache.stage import SETTINGS, fenced, spec_of, staged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from passel.actors.shared_cache import SharedCache

ALICE, BOB = WorkerId("Alice"), WorkerId("Bob")
FIRST = Next(begin="I")


async def admitted(cache: SharedCache, session: SessionId, worker: WorkerId) -> Epoch:
    joined = await cache.join(session, worker)
    assert isinstance(joined, Joined)
    return joined.epoch


def test_a_fenced_life_that_delegates_late_does_not_take_its_successor_s_place(
    tiny_folder: Path,
) -> None:
    async def run() -> None:
        async with staged(tiny_folder) as cache:
            session = (await cache.open(spec_of(1))).session
            old = await admitted(cache, session, ALICE)
            new = await admitted(cache, session, ALICE)
            late = await cache.delegate(session, ALICE, old, RULE, SETTINGS.plain())
            assert fenced(late).epoch == new
            assert isinstance(await cache.step(session, ALICE, new, FIRST), Tick)

    asyncio.run(run())


def test_a_stranger_that_delegates_is_refused_by_name(tiny_folder: Path) -> None:
    async def run() -> None:
        async with staged(tiny_folder) as cache:
            session = (await cache.open(spec_of(1))).session
            with pytest.raises(InvalidAnswerError, match="the session has Alice"):
                await cache.delegate(session, BOB, Epoch(1), RULE, SETTINGS.plain())

    asyncio.run(run())


@pytest.mark.parametrize("turns", range(1, 5))
def test_an_ask_cancelled_at_any_turn_of_a_tick_is_not_waited_for(
    tiny_folder: Path, turns: int
) -> None:
    """Also when its tick was just delivered: the answer to it will never come."""

    async def run() -> None:
        async with staged(tiny_folder) as cache:
            session = (await cache.open(spec_of(2))).session
            alice = await admitted(cache, session, ALICE)
            bob = await admitted(cache, session, BOB)
            asked = [
                asyncio.ensure_future(cache.step(session, BOB, bob, FIRST)),
                asyncio.ensure_future(cache.step(session, ALICE, alice, FIRST)),
            ]
            for _ in range(turns):
                await asyncio.sleep(0)
            asked[0].cancel()
            told = (await asyncio.gather(*asked, return_exceptions=True))[1]
            assert isinstance(told, Tick)
            if asked[0].cancelled():
                drawn = told.sampled[0].token
                go_on = await cache.step(session, ALICE, alice, Next(tokens=(drawn,)))
                assert isinstance(go_on, Tick)

    asyncio.run(run())


@pytest.mark.parametrize("turns", range(1, 6))
def test_a_rejoin_cancelled_at_any_turn_of_a_tick_is_not_waited_for(
    tiny_folder: Path, turns: int
) -> None:
    """Without a deadline the team would wait for ever for a worker that knows of no epoch."""

    async def run() -> None:
        async with staged(tiny_folder) as cache:
            session = (await cache.open(spec_of(2))).session
            alice = await admitted(cache, session, ALICE)
            bob = await admitted(cache, session, BOB)
            async with asyncio.TaskGroup() as group:
                first = group.create_task(cache.step(session, ALICE, alice, FIRST))
                group.create_task(cache.step(session, BOB, bob, FIRST))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                rejoin = asyncio.ensure_future(cache.join(session, BOB))
                for _ in range(turns):
                    await asyncio.sleep(0)
                rejoin.cancel()
                await asyncio.gather(rejoin, return_exceptions=True)
            tick = first.result()
            assert isinstance(tick, Tick)
            mine = next(drawn.token for drawn in tick.sampled if drawn.worker == ALICE)
            if rejoin.cancelled():
                go_on = await cache.step(session, ALICE, alice, Next(tokens=(mine,)))
                assert isinstance(go_on, Tick)

    asyncio.run(run())


def test_a_worker_fenced_while_it_waits_to_be_admitted_is_told(tiny_folder: Path) -> None:
    async def run() -> None:
        async with staged(tiny_folder) as cache:
            session = (await cache.open(spec_of(1))).session
            alice = await admitted(cache, session, ALICE)
            async with asyncio.TaskGroup() as group:
                group.create_task(cache.step(session, ALICE, alice, FIRST))
                await asyncio.sleep(0)
                rejoin = group.create_task(cache.join(session, ALICE))
                await asyncio.sleep(0)
                await cache.fence(session, ALICE, "killed")
            assert fenced(rejoin.result()).reason == "killed"

    asyncio.run(run())


class IdleRule:
    """Never writes."""

    @classmethod
    def load(cls, worker: WorkerId, settings: Mapping[str, Setting]) -> IdleRule:
        """Return one."""
        return cls()

    def handle(self, event: Joined | Tick) -> Answer:
        """Sit out."""
        return Park()


def test_a_team_of_rules_that_only_park_does_not_block_the_cache(tiny_folder: Path) -> None:
    idle = RuleName(f"{__name__}:IdleRule")

    async def run() -> None:
        async with staged(tiny_folder, rules=(idle,)) as cache:
            session = (await cache.open(spec_of(1))).session
            alice = await admitted(cache, session, ALICE)
            async with asyncio.TaskGroup() as group:
                idling = group.create_task(cache.delegate(session, ALICE, alice, idle, {}))
                await asyncio.sleep(0)
                await cache.finish(session, "enough")
            assert idling.result() == Closed(reason="enough")

    asyncio.run(run())


def test_a_worker_that_parks_before_the_first_tick_is_told_that_there_is_none(
    tiny_folder: Path,
) -> None:
    async def run() -> None:
        async with staged(tiny_folder) as cache:
            session = (await cache.open(spec_of(1))).session
            alice = await admitted(cache, session, ALICE)
            none_yet = await cache.step(session, ALICE, alice, Park())
            assert isinstance(none_yet, Tick)
            assert (none_yet.number, none_yet.sampled) == (0, ())
            first = await cache.step(session, ALICE, alice, FIRST)
            assert isinstance(first, Tick)
            assert first.number == 1

    asyncio.run(run())
