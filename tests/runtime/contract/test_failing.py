"""Failures outside any ask, and what supervision makes of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from passel import DeadActorError, SpawnError
from passel.protocols.errors import CodecError
from tests.runtime.crew import Counter
from tests.runtime.crew_flow import Witness
from tests.runtime.crew_life import Breaking, Fragile

if TYPE_CHECKING:
    from tests.runtime.worlds import World


async def test_a_tell_that_fails_restarts_the_actor_and_keeps_address_and_mailbox(
    world: World,
) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        ref = await home.there(backoff=0.01).spawn(Fragile, witness)
        for number in (1, -1, 2, 3):
            await ref.tell_me.tell(number)
        assert await ref.count() == 2, "a new object has handled what waited, but not the failure"
        assert await witness.until("told 3") == ["started", "told 1", "started", "told 2", "told 3"]
        statistics = await home.statistics()
        assert statistics.failed_tells == 1
        assert statistics.dead_letters == 0


async def test_an_actor_that_fails_too_often_is_given_up(world: World) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        ref = await home.there(max_restarts=2, within=60.0, backoff=0.0).spawn(Fragile, witness)
        watching = asyncio.ensure_future(home.runtime.watch(ref))
        for _ in range(3):
            await ref.tell_me.tell(-1)
        down = await watching
        assert "it failed 3 times within 60 s" in down.reason
        assert "cannot take -1" in down.reason
        with pytest.raises(DeadActorError):
            await ref.count()
        assert (await witness.until("started")).count("started") == 3


async def test_an_actor_without_restarts_is_given_up_at_its_first_failure(world: World) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        ref = await home.there(max_restarts=0, name="once").spawn(Fragile, witness)
        ask = asyncio.ensure_future(home.runtime.watch(ref))
        await ref.tell_me.tell(-1)
        assert "1 times" in (await ask).reason
        again = await home.there(max_restarts=0, name="once").spawn(Fragile, witness)
        assert await again.count() == 0


async def test_an_actor_that_cannot_start_again_is_tried_again_and_then_given_up(
    world: World,
) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        ref = await home.there(max_restarts=3, backoff=0.0).spawn(Breaking, witness)
        watching = asyncio.ensure_future(home.runtime.watch(ref))
        await ref.fall.tell()
        assert "it failed 4 times" in (await watching).reason
        assert (await witness.until("made")).count("made") == 4


async def test_stopping_an_actor_that_waits_to_be_restarted_takes_no_time(world: World) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        ref = await home.there(backoff=30.0, max_backoff=30.0).spawn(Fragile, witness)
        await ref.tell_me.tell(-1)
        waiting = asyncio.ensure_future(ref.count())
        await asyncio.sleep(0)
        async with asyncio.timeout(5.0):
            await home.runtime.stop(ref, grace=30.0)
        with pytest.raises(DeadActorError):
            await waiting


async def test_background_work_that_fails_before_the_actor_is_ready_restarts_it(
    world: World,
) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        ref = await home.there(max_restarts=1, backoff=0.0).spawn(Breaking, witness, early=True)
        assert "it failed 2 times" in (await home.runtime.watch(ref)).reason


async def test_what_does_not_fit_is_said_with_its_handler_and_parameter(world: World) -> None:
    async with world.open() as home:
        if not world.encodes:
            pytest.skip("in one process arguments go by reference, unchecked")
        counter: Any = await home.there().spawn(Counter)
        with pytest.raises(CodecError, match=r"Counter#\d+\.add: Expected `int`, got `str` .*`n`"):
            await counter.add("three")
        with pytest.raises(CodecError, match=r"arguments of .*Counter#\d+\.add: .* cannot travel"):
            await counter.add(object())
        assert await counter.add(1) == 1


async def test_a_failure_far_away_is_told_and_its_cause_is_kept(world: World) -> None:
    """Who asks an actor that was given up hears why, each time."""
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        ref = await home.there(name="fragile", max_restarts=0).spawn(Fragile, witness)
        assert await ref.count() == 0
        await ref.tell_me.tell(-1)
        assert "it failed 1 times" in (await home.runtime.watch(ref)).reason
        for _ in range(3):
            with pytest.raises(DeadActorError, match="it failed 1 times"):
                await ref.count()


async def test_an_actor_needs_a_class_of_actors_and_a_node_that_is_there(world: World) -> None:
    async with world.open() as home:
        spawn: Any = home.runtime.spawn
        with pytest.raises(SpawnError, match="it is no actor class; subclass"):
            await spawn(int)
        with pytest.raises(SpawnError, match=r"on node nosuch .*start the node first"):
            await home.runtime.options(node="nosuch").spawn(Counter)
