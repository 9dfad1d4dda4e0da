"""Late, repeated and cancelled calls of workers: what an adversary, or a bad network, would send."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from passel.actors.cache.errors import InvalidAnswerError
from passel.agents.hogwild import RULE
from passel.protocols.cache import Epoch, Joined, Next, SessionId, Tick, WorkerId
from tests.actors.cache.stage import SETTINGS, fenced, spec_of, staged

if TYPE_CHECKING:
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
