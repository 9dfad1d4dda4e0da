from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from passel import DeadlineError, MailboxFullError
from tests.runtime.crew import Arrays, Counter
from tests.runtime.crew_flow import Friend, Gate

if TYPE_CHECKING:
    from tests.runtime.worlds import World


async def test_a_fast_producer_stays_within_the_bound_while_others_are_answered(
    world: World,
) -> None:
    async with world.open() as home:
        gate = await home.there(capacity=16).spawn(Gate)
        other = await home.there().spawn(Counter)
        tells = [asyncio.ensure_future(gate.through.tell(n)) for n in range(500)]
        await gate.until_reached()
        for n in range(1, 20):
            assert await other.add(1) == n
            depth = {a.name: a.mailbox for a in (await home.statistics()).actors}
            assert max(depth.values()) <= 16
        assert sum(tell.done() for tell in tells) <= 16 + 16
        await gate.open()
        await asyncio.gather(*tells)
        assert (await gate.log())[0] == list(range(500))


async def test_a_full_mailbox_refuses_a_tell_that_does_not_wait(world: World) -> None:
    async with world.open() as home:
        gate = await home.there(capacity=4).spawn(Gate)
        for n in range(4):
            gate.through.tell_nowait(n)
        with pytest.raises(MailboxFullError, match="await the tell to wait for a place") as full:
            gate.through.tell_nowait(4)
        assert full.value.capacity == 4
        await home.runtime.stop(gate, grace=0.0)


async def test_a_tell_that_finds_no_place_ends_at_its_deadline(world: World) -> None:
    async with world.open() as home:
        gate = await home.there(capacity=2).spawn(Gate)
        tells = [gate.through.options(timeout=0.2).tell(n) for n in range(10)]
        with pytest.raises(DeadlineError, match="a place in the mailbox"):
            await asyncio.gather(*tells)
        with pytest.raises(DeadlineError, match=r"waited 0\.1 s"):
            await gate.through.options(timeout=0.1)(11)
        await gate.until_reached()
        await home.runtime.stop(gate, grace=0.0)


async def test_a_tell_that_has_a_place_is_handled_however_long_it_waits_there(
    world: World,
) -> None:
    """Its timeout bounds the wait for a place; who tells does not wait for the handling."""
    async with world.open() as home:
        gate = await home.there().spawn(Gate)
        await gate.through.tell(1)
        await gate.until_reached()
        await gate.through.options(timeout=0.05).tell(2)
        with pytest.raises(DeadlineError):
            await gate.log.options(timeout=0.1)()
        await gate.open()
        assert (await gate.log())[0] == [1, 2]


async def test_messages_of_many_actors_wait_for_one_without_delaying_another(
    world: World,
) -> None:
    async with world.open() as home:
        gate = await home.there(capacity=1).spawn(Gate)
        counter = await home.there(capacity=1).spawn(Counter)
        waiting = [asyncio.ensure_future(gate.through(n)) for n in range(10)]
        answers = await asyncio.gather(*(counter.add(1) for _ in range(10)))
        assert answers == list(range(1, 11))
        await gate.open()
        assert await asyncio.gather(*waiting) == list(range(10))


async def test_two_actors_that_tell_each_other_without_end_get_a_typed_error(
    world: World,
) -> None:
    async with world.open() as home:
        one = await home.runtime.options(capacity=4).spawn(Friend)
        two = await home.there(capacity=4).spawn(Friend)
        await one.meet(two)
        await two.meet(one)
        await one.flood.tell(50, 0.3)
        await two.flood.tell(50, 0.3)
        assert (await one.until_failed())[0] == "a place in the mailbox"
        assert (await two.until_failed())[0] == "a place in the mailbox"
        await home.runtime.stop(one, grace=0.0)
        await home.runtime.stop(two, grace=0.0)


async def test_places_come_back_after_every_kind_of_end(world: World) -> None:
    """Answered, refused, cancelled and failed requests: none keeps its place."""
    async with world.open() as home:
        gate = await home.there(capacity=3).spawn(Gate)
        for n in range(4):
            for handler in (gate.beside, gate.through):
                asks = [asyncio.ensure_future(handler(n)) for _ in range(3)]
                await asyncio.sleep(0)
                for ask in asks:
                    ask.cancel()
                await asyncio.gather(*asks, return_exceptions=True)
        await gate.open.options(timeout=5.0)()
        assert await asyncio.gather(*(gate.through(n) for n in range(6))) == list(range(6))


async def test_large_arguments_fill_the_mailbox_and_not_the_memory(world: World) -> None:
    async with world.open() as home:
        ref = await home.there(capacity=2).spawn(Arrays)
        payload = bytes(1 << 20)
        back = await asyncio.gather(*(ref.anything(payload) for _ in range(20)))
    assert [len(entry) for entry in back] == [1 << 20] * 20
