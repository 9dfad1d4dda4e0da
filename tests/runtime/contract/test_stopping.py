from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING

import pytest

from passel import DeadActorError
from passel.protocols.errors import DeadlineError, NameTakenError, SpawnError
from tests.runtime.crew import Counter, Parent
from tests.runtime.crew_flow import Gate, Witness
from tests.runtime.crew_life import Fragile, Leaver, Unwilling

if TYPE_CHECKING:
    from tests.runtime.worlds import World


async def test_stopping_ends_the_running_handler_and_dead_letters_the_rest(world: World) -> None:
    async with world.open() as home:
        gate = await home.there().spawn(Gate)
        running = asyncio.ensure_future(gate.through(0))
        await gate.until_reached()
        queued = [asyncio.ensure_future(gate.through(n)) for n in range(1, 4)]
        await gate.through.tell(4)
        await home.runtime.stop(gate, grace=0.0)
        for ask in (running, *queued):
            with pytest.raises(DeadActorError, match="stopped"):
                await ask
        assert (await home.statistics()).dead_letters == 4


async def test_a_running_handler_may_end_within_the_grace(world: World) -> None:
    async with world.open() as home:
        gate = await home.there().spawn(Gate)
        witness = await home.runtime.spawn(Witness)
        running = asyncio.ensure_future(gate.through_when(witness, "go"))
        await gate.until_reached()
        stopped = asyncio.ensure_future(home.runtime.stop(gate, grace=30.0))
        await asyncio.sleep(0)
        await witness.hear("go")
        await stopped
        assert await running == 1


async def test_draining_handles_what_waits_first(world: World) -> None:
    async with world.open() as home:
        gate = await home.there().spawn(Gate)
        asks = [asyncio.ensure_future(gate.through(n)) for n in range(5)]
        await gate.until_reached()
        stopped = asyncio.ensure_future(home.runtime.stop(gate, drain=True, grace=30.0))
        await asyncio.sleep(0)
        await gate.open()
        await stopped
        assert await asyncio.gather(*asks) == list(range(5))
        assert (await home.statistics()).dead_letters == 0


async def test_the_grace_is_for_all_handlers_together(world: World) -> None:
    async with world.open() as home:
        gate = await home.there().spawn(Gate)
        asks = [asyncio.ensure_future(gate.beside(n)) for n in range(8)]
        await gate.until_reached()
        async with asyncio.timeout(1.5):
            await home.runtime.stop(gate, grace=0.3)
        for outcome in await asyncio.gather(*asks, return_exceptions=True):
            assert isinstance(outcome, DeadActorError)


async def test_two_that_stop_an_actor_at_once_stop_it_once(world: World) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        ref = await home.there().spawn(Fragile, witness)
        await asyncio.gather(*(home.runtime.stop(ref) for _ in range(3)))
        await home.runtime.stop(ref)
        assert (await witness.until("stopping")).count("stopping") == 1


async def test_an_actor_may_stop_itself_and_still_answer(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Leaver)
        assert await ref.leave("farewell") == "farewell"
        with pytest.raises(DeadActorError):
            await ref.nothing()


async def test_a_watcher_is_told_exactly_once_also_when_it_comes_late(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Counter)
        parent = await home.runtime.spawn(Parent)
        watching = [asyncio.ensure_future(home.runtime.watch(ref)) for _ in range(2)]
        by_actor = asyncio.ensure_future(parent.watch(ref))
        await parent.until_watching()
        assert await ref.add(1) == 1, "what was sent before on this link is there"
        await home.runtime.stop(ref)
        for down in await asyncio.gather(*watching):
            assert down.reason == "it was stopped"
            assert down.address.actor.startswith("Counter#")
        assert await by_actor == "it was stopped"
        late = await home.runtime.watch(ref)
        assert late.address == down.address
        assert late.exit_code is None


async def test_leaving_the_runtime_tells_watchers_and_fails_asks(world: World) -> None:
    async with world.open() as home:
        gate = await home.there().spawn(Gate)
        ask = asyncio.ensure_future(gate.through(1))
        await gate.until_reached()
        watching = asyncio.ensure_future(home.runtime.watch(gate))
        await asyncio.sleep(0)
        if world.has_processes:
            await home.runtime.stop_node("side", grace=0.5)
        else:
            await home.runtime.stop(gate, grace=0.0)
        with pytest.raises(DeadActorError):
            await ask
        assert (await watching).reason


async def test_a_name_is_taken_once_and_free_again_after_a_stop(world: World) -> None:
    async with world.open() as home:
        ref = await home.there(name="c").spawn(Counter, start=1)
        with pytest.raises(NameTakenError, match="the name is taken by"):
            await home.there(name="c").spawn(Counter)
        with pytest.raises(NameTakenError):
            await home.runtime.options(name="c").spawn(Counter)
        found = await home.runtime.lookup("c", Counter)
        assert await found.add(1) == 2
        assert found == ref
        await home.runtime.stop(ref)
        with pytest.raises(DeadActorError, match="no living actor has this name"):
            await home.runtime.lookup("c", Counter)
        again = await home.there(name="c").spawn(Counter, start=10)
        assert await again.add(1) == 11
        assert await found.add(1) == 12, "a reference to a named actor finds the new one"
        assert await ref.add(1) == 13


async def test_two_that_want_one_name_at_once_get_one_actor(world: World) -> None:
    async with world.open() as home:
        spawns = (home.there(name="only").spawn(Counter) for _ in range(5))
        outcomes = await asyncio.gather(*spawns, return_exceptions=True)
        assert sum(isinstance(o, NameTakenError) for o in outcomes) == 4
        assert await (await home.runtime.lookup("only", Counter)).add(1) == 1


@pytest.mark.parametrize("where", ["constructor", "started"])
async def test_an_actor_that_cannot_start_says_why_and_leaves_nothing(
    world: World, where: str
) -> None:
    async with world.open() as home:
        word = {"constructor": "no constructor today", "started": "no start today"}[where]
        place = r"crew_life\.py:\d+, in " + {"constructor": "__init__", "started": "started"}[where]
        says = (
            rf"u \(tests\.runtime\.crew_life:Unwilling\) could .*RuntimeError: {word} \(.*{place}"
        )
        with pytest.raises(SpawnError, match=says) as caught:
            await home.there(name="u").spawn(Unwilling, where=where)
        shown = "".join(traceback.format_exception(caught.value))
        assert shown.count(f'raise RuntimeError("{word}")') == 1, "the author's code is shown once"
        with pytest.raises(SpawnError):
            await home.there(name="u").spawn(Unwilling, where=where)
        assert not (await home.statistics()).actors
        ref = await home.there(name="u").spawn(Counter)
        assert await ref.add(1) == 1


async def test_arguments_that_do_not_fit_the_constructor_are_refused(world: World) -> None:
    async with world.open() as home:
        with pytest.raises(SpawnError, match="unexpected keyword argument 'begin'"):
            await home.there().spawn(Counter, begin=3)  # type: ignore[call-arg]
        with pytest.raises(SpawnError, match="capacity"):
            await home.there(capacity=0).spawn(Counter)
        with pytest.raises(SpawnError, match="no '#'"):
            await home.there(name="a b").spawn(Counter)


async def test_an_actor_that_takes_too_long_to_start_is_given_up(world: World) -> None:
    async with world.open() as home:
        with pytest.raises(DeadlineError, match="it to start"):
            await home.there(name="s", timeout=0.2).spawn(Unwilling, where="never ready")
        ref = await home.there(name="s").spawn(Counter)
        assert await ref.add(1) == 1


async def test_statistics_count_what_happened(world: World) -> None:
    async with world.open() as home:
        ref = await home.there(name="counted", max_restarts=5, backoff=0.0).spawn(Counter)
        await ref.add(1)
        with pytest.raises(Exception, match="division by zero"):
            await ref.divide(0)
        await ref.divide.tell(0)
        await ref.add(1)
        numbers = await home.statistics()
        (actor,) = numbers.actors
        assert (actor.name, actor.class_name) == ("counted", "Counter")
        assert (actor.handled, actor.failed, actor.restarts) == (2, 2, 1)
        assert (actor.state, actor.mailbox) == ("idle", 0)
        assert numbers.failed_tells == 1
        assert numbers.dead_letters == numbers.refused == numbers.late_replies == 0
        if world.encodes:
            assert numbers.sent > 0
            assert numbers.received > 0
