"""Calls with idempotency keys: in effect once, in every world."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from passel import DeadlineError, RemoteError
from tests.runtime.crew_keys import Register, Relay

if TYPE_CHECKING:
    from tests.runtime.worlds import World


async def test_a_call_with_a_key_is_answered_like_any_other(world: World) -> None:
    async with world.open() as habitat:
        ref = await habitat.there().spawn(Register)
        assert await ref.add.options(key="one")(3) == 3
        assert await ref.add.options(key=True)(4) == 7
        await ref.add.options(key=True).tell(1)
        assert await ref.total() == 8


async def test_a_call_that_is_taken_up_again_gets_the_answer_of_the_first(world: World) -> None:
    async with world.open() as habitat:
        ref = await habitat.there().spawn(Register)
        with pytest.raises(DeadlineError):
            await ref.add_when_open.options(timeout=0.1, key="order-17")(5)
        await ref.open()
        assert await ref.add_when_open.options(key="order-17")(5) == 5
        assert await ref.total() == 5
        assert await ref.calls() == 1


async def test_two_calls_at_once_under_one_key_share_one_answer(world: World) -> None:
    async with world.open() as habitat:
        ref = await habitat.there().spawn(Register)
        call = ref.add_when_open.options(key="order-17")
        async with asyncio.TaskGroup() as group:
            both = [group.create_task(call(5)) for _ in range(2)]
            await ref.entered()
            await ref.open()
        assert [task.result() for task in both] == [5, 5]
        assert await ref.calls() == 1


async def test_a_key_is_free_again_once_its_call_has_returned(world: World) -> None:
    async with world.open() as habitat:
        ref = await habitat.there().spawn(Register)
        assert await ref.add.options(key="one")(3) == 3
        assert await ref.add.options(key="one")(3) == 6


async def test_an_error_is_an_answer_and_is_not_retried(world: World) -> None:
    async with world.open() as habitat:
        ref = await habitat.there().spawn(Register)
        with pytest.raises(ZeroDivisionError):
            await ref.divide.options(key="d")(1, 0)
        with pytest.raises(RemoteError, match="not today"):
            await ref.refuse.options(key="r")()
        assert await ref.calls() == 2


async def test_callers_do_not_share_keys(world: World) -> None:
    async with world.open() as habitat:
        ref = await habitat.there().spawn(Register)
        relays = [await habitat.runtime.spawn(Relay, ref) for _ in range(2)]
        assert await ref.add.options(key="k")(1) == 1
        for relay in relays:
            await relay.add("k", 1)
        assert await ref.total() == 3


async def test_a_tell_with_a_key_takes_effect_once(world: World) -> None:
    async with world.open() as habitat:
        ref = await habitat.there(capacity=1).spawn(Register)
        blocked = asyncio.create_task(ref.add_when_open(1))
        await ref.entered()
        told = [
            asyncio.create_task(ref.add.options(key="t", timeout=None).tell(10)) for _ in range(3)
        ]
        await ref.open()
        await asyncio.gather(blocked, *told)
        assert await ref.total() in {
            11,
            21,
            31,
        }  # those that began after one had returned count anew
        await ref.add.options(key="u").tell(100)
        assert await ref.total() > 100


@pytest.mark.parametrize("key", ["", "x" * 257])
async def test_keys_that_are_none_are_refused(world: World, key: str) -> None:
    async with world.open() as habitat:
        ref = await habitat.there().spawn(Register)
        with pytest.raises(ValueError, match="1 to 256 characters"):
            ref.add.options(key=key)


async def test_a_stream_takes_no_key_and_neither_does_tell_nowait(world: World) -> None:
    async with world.open() as habitat:
        ref: Any = await habitat.there().spawn(Register)
        with pytest.raises(ValueError, match="a stream, which takes no key"):
            ref.numbers.options(key="k")
        with pytest.raises(ValueError, match="await tell"):
            ref.add.options(key="k").tell_nowait(1)
