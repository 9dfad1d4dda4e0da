"""Parents and children: who ends with whom, and in which order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from passel import DeadActorError, PasselError
from passel.protocols.errors import RestartedError
from tests.runtime.crew import Counter
from tests.runtime.crew_family import Elder, Stubborn, Waiting
from tests.runtime.crew_flow import Witness
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from tests.runtime.worlds import World

BIRTHS = ["elder started", "first started", "second started"]
DEATHS = ["second stopping", "first stopping"]


@pytest.mark.parametrize("node", ["there", "leader"])
async def test_children_end_with_their_parent_the_latest_first(world: World, node: str) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        elder = await home.there().spawn(Elder, witness, node="" if node == "there" else node)
        children = await elder.brood()
        await home.runtime.stop(elder)
        assert await witness.until("elder stopping") == [*BIRTHS, *DEATHS, "elder stopping"]
        for child in children:
            with pytest.raises(DeadActorError):
                await child.fail()


async def test_a_restart_ends_the_children_first_and_they_are_spawned_anew(world: World) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        elder = await home.there(backoff=0.0).spawn(Elder, witness)
        before = await elder.brood()
        await elder.fail.tell()
        after = await elder.brood()
        assert await witness.until("second started", times=2) == [*BIRTHS, *DEATHS, *BIRTHS]
        assert before != after
        assert await elder.known() == 2


@pytest.mark.parametrize("node", ["there", "leader"])
async def test_a_child_that_ends_is_forgotten_and_one_that_escalates_fails_its_parent(
    world: World, node: str
) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        elder = await home.there(backoff=0.0).spawn(
            Elder, witness, node="" if node == "there" else node
        )
        first, second = await elder.brood()
        await home.runtime.stop(first)
        assert await elder.known() == 1
        again = asyncio.ensure_future(home.runtime.watch(second))
        await second.fail.tell()
        assert "it escalated: ValueError('second is ill')" in (await again).reason
        heard = await witness.until("elder started", times=2)
        assert heard[3:6] == ["first stopping", "second stopping", "elder started"]


async def test_resume_keeps_the_object_and_stop_ends_the_actor(world: World) -> None:
    async with world.open() as home:
        kept = await home.there(on_failure="resume").spawn(Counter, start=5)
        await kept.add(1)
        await kept.divide.tell(0)
        assert await kept.add(1) == 7
        gone = await home.there(on_failure={ZeroDivisionError: "stop"}).spawn(Counter)
        watching = asyncio.ensure_future(home.runtime.watch(gone))
        await gone.divide.tell(0)
        assert "ZeroDivisionError" in (await watching).reason
        late = await home.runtime.watch(gone)
        assert "ZeroDivisionError" in late.reason, "the cause is told also to those who come late"


async def test_an_ask_beside_is_told_that_the_actor_was_restarted(world: World) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        ref = await home.there(backoff=0.0).spawn(Waiting, witness)
        asked = asyncio.ensure_future(ref.wait())
        await witness.until("waiting")
        await ref.fail.tell()
        with pytest.raises(RestartedError, match="was restarted while it handled this"):
            await asked
        assert await ref.nothing() == 1, "the actor itself lives"


async def test_a_restart_answers_those_beside_whose_handlers_have_not_begun() -> None:
    """They are delivered in the very turn of the loop in which the failure is handled."""
    async with open_runtime() as runtime:
        witness = await runtime.spawn(Witness)
        ref = await runtime.options(backoff=0.0).spawn(Waiting, witness)
        await ref.fail.tell()
        ref.wait.tell_nowait()
        with pytest.raises(RestartedError):
            await ref.wait.options(timeout=2.0)()
        (letters,) = [n.dead_letters for n in await runtime.statistics()]
        assert letters == 2
        assert await ref.nothing() == 1


async def test_leaving_is_bounded_although_a_handler_swallows_every_cancellation() -> None:
    async with open_runtime(grace=0.0) as runtime:
        witness = await runtime.spawn(Witness)
        stubborn = await runtime.spawn(Stubborn)
        asked = asyncio.ensure_future(stubborn.hang(witness))
        await witness.until("hanging")
    with pytest.raises(PasselError):
        await asked
