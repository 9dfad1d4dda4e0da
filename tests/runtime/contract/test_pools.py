from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from passel import DeadActorError
from passel.actors.pool import Pool
from passel.actors.rotation import Route, place_of
from passel.protocols.errors import CodecError
from tests.runtime.crew_shared import Boss, Member

if TYPE_CHECKING:
    from tests.runtime.worlds import Habitat, World


async def members(home: Habitat, count: int, *, route: Route = "least_loaded") -> Pool[Member]:
    return Pool([await home.there().spawn(Member, n) for n in range(count)], route=route)


async def test_calls_go_round(world: World) -> None:
    async with world.open() as home:
        pool = await members(home, 3, route="round_robin")
        assert [await pool.any.who() for _ in range(6)] == [0, 1, 2, 0, 1, 2]
        for _ in range(6):
            await pool.any.note.tell()
        pool.any.note.tell_nowait()
        assert sum([await member.seen() for member in pool.members]) == 13
        assert pool.loads == [0, 0, 0]


async def test_the_member_with_the_fewest_calls_under_way_is_next(world: World) -> None:
    async with world.open() as home:
        pool = await members(home, 3)
        async with asyncio.TaskGroup() as group:
            held = [group.create_task(pool.any.wait()) for _ in range(2)]
            await asyncio.sleep(0)  # the two calls are sent in their tasks' first step
            assert sum(pool.loads) == 2
            assert {await pool.any.who() for _ in range(5)} == {2}
            for member in pool.members:
                await member.let_go()
        assert sorted(task.result() for task in held) == [0, 1]


async def test_a_stream_counts_until_it_is_left(world: World) -> None:
    async with world.open() as home:
        pool = await members(home, 2)
        stream = pool.any.count(100)
        first = await anext(stream)
        assert pool.loads[first] == 1
        assert {await pool.any.who() for _ in range(3)} == {1 - first}
        await stream.aclose()  # type: ignore[attr-defined]  # what a stream call returns has it
        assert pool.loads == [0, 0]


async def test_a_key_always_belongs_to_the_same_member(world: World) -> None:
    async with world.open() as home:
        names = ["red", "green", "blue"]
        refs = [await home.there(name=name).spawn(Member, n) for n, name in enumerate(names)]
        pool = Pool(refs)
        answers = {key: await pool.of(key).who() for key in ("ann", "bob", "cem", "dag")}
        assert answers == {key: place_of(key, names) for key in answers}


async def test_a_dead_member_fails_one_call_and_is_left_out(world: World) -> None:
    async with world.open() as home:
        pool = await members(home, 2)
        await home.runtime.stop(pool.members[0])
        seen: Counter[str] = Counter()
        for _ in range(10):
            try:
                seen[str(await pool.any.who())] += 1
            except DeadActorError:
                seen["dead"] += 1
        assert seen == {"1": 9, "dead": 1}


async def test_a_pool_travels(world: World) -> None:
    async with world.open() as home:
        pool = await members(home, 3, route="round_robin")
        boss = await home.there().spawn(Boss, pool)
        assert await boss.ask_all(4) == [0, 1, 2, 0]
        who, count = await boss.use(pool, "ann")
        assert (who, count) == (await pool.of("ann").who(), 3)
        back = await boss.pass_on(pool)
        assert await back.any.who() in range(3)
        assert back.members == pool.members


def test_a_pool_is_of_somebody() -> None:
    with pytest.raises(ValueError, match="one member"):
        Pool([])


@pytest.mark.parametrize(
    "value", [None, [], ["least_loaded", []], ["odd", [1]], ["round_robin", [1]]]
)
def test_what_is_no_pool_is_refused(value: object) -> None:
    with pytest.raises(CodecError):
        Pool.from_wire(value, ())
