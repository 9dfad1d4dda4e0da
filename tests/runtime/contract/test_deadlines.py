from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from passel import CallCycleError, DeadlineError, RemoteError
from passel.actors.call import CURRENT_CALL
from tests.runtime.crew import Counter
from tests.runtime.crew_flow import Friend, Gate, Hop, Quiet, Witness
from tests.runtime.crew_life import Blocking

if TYPE_CHECKING:
    from tests.runtime.worlds import Habitat, World


async def three_hops(home: Habitat) -> tuple[Hop, Witness]:
    """Return the first of three actors that ask on, here and there by turns, and a witness."""
    witness = await home.runtime.spawn(Witness)
    last = await home.there().spawn(Hop, None, witness)
    middle = await home.runtime.spawn(Hop, last, witness)
    return await home.there().spawn(Hop, middle, witness), witness


async def test_a_deadline_reaches_a_handler_three_hops_away(world: World) -> None:
    async with world.open() as home:
        first, _ = await three_hops(home)
        left = await first.time_left.options(timeout=30.0)()
        assert 20.0 < left <= 30.0
        assert await first.time_left.options(timeout=None)() <= 60.0


async def test_a_deadline_that_passes_cancels_every_handler_of_the_chain(world: World) -> None:
    async with world.open() as home:
        first, witness = await three_hops(home)
        with pytest.raises(
            (DeadlineError, RemoteError), match=r"waited 0\.[23]\d* s for an answer"
        ):
            await first.go.options(timeout=0.3)("a")
        heard = await witness.until("a'' cancelled")
        assert "a'' waits" in heard
        await witness.until("a cancelled")
        await witness.until("a' cancelled")


async def test_cancelling_an_ask_cancels_every_handler_of_its_chain(world: World) -> None:
    async with world.open() as home:
        first, witness = await three_hops(home)
        ask = asyncio.ensure_future(first.go("b"))
        await witness.until("b'' waits")
        ask.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ask
        for who in ("b", "b'", "b''"):
            await witness.until(f"{who} cancelled")
        assert await first.time_left() > 0.0


async def test_spawning_and_stopping_within_a_handler_keeps_its_deadline(world: World) -> None:
    async with world.open() as home:
        first, _ = await three_hops(home)
        assert await first.spawn_then_time_left.options(timeout=30.0)() <= 30.0


async def test_a_program_is_itself_again_after_it_spawned_and_stopped(world: World) -> None:
    async with world.open() as home:
        quiet = await home.runtime.spawn(Quiet)
        await home.runtime.stop(quiet)
        await home.there().spawn(Counter)
        assert CURRENT_CALL.get() is None


async def test_cancelling_a_queued_ask_removes_it(world: World) -> None:
    async with world.open() as home:
        gate = await home.there().spawn(Gate)
        first = asyncio.ensure_future(gate.through(1))
        await gate.until_reached()
        queued = asyncio.ensure_future(gate.through(2))
        last = asyncio.ensure_future(gate.through(3))
        await asyncio.sleep(0)
        queued.cancel()
        with pytest.raises(asyncio.CancelledError):
            await queued
        await gate.open()
        assert await first == 1
        assert await last == 3
        assert await gate.log() == ([1, 3], [])


async def test_an_ask_whose_deadline_passes_in_the_mailbox_does_not_run(world: World) -> None:
    async with world.open() as home:
        gate = await home.there().spawn(Gate)
        first = asyncio.ensure_future(gate.through(1))
        await gate.until_reached()
        with pytest.raises(DeadlineError):
            await gate.through.options(timeout=0.05)(2)
        await gate.open()
        assert await first == 1
        assert await gate.through(3) == 3
        assert (await gate.log())[0] == [1, 3]


async def test_cancelling_an_ask_ends_its_handler_and_the_next_one_runs(world: World) -> None:
    async with world.open() as home:
        gate = await home.there().spawn(Gate)
        running = asyncio.ensure_future(gate.through(1))
        await gate.until_reached()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await gate.log() == ([], [1])


async def test_cancelling_a_concurrent_ask_ends_its_handler(world: World) -> None:
    async with world.open() as home:
        gate = await home.there().spawn(Gate)
        running = asyncio.ensure_future(gate.beside(1))
        await gate.until_reached()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await gate.log() == ([], [1])


async def test_a_handler_that_will_not_end_does_not_hurt_the_messages_after_it(
    world: World,
) -> None:
    async with world.open() as home:
        gate = await home.there().spawn(Gate)
        running = asyncio.ensure_future(gate.stubborn(1))
        await gate.until_reached()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await gate.log() == ([], [1])
        await gate.open()
        assert await gate.stubborn(2) == 2


@pytest.mark.process
async def test_a_reply_that_comes_too_late_is_counted(world: World) -> None:
    if not world.has_processes:
        pytest.skip("in one process, what blocks the actor blocks its caller")
    async with world.open() as home:
        ref = await home.there().spawn(Blocking)
        with pytest.raises(DeadlineError):
            await ref.hold.options(timeout=0.1)(0.4)
        assert await ref.hold(0.0) == "held"
        own = next(n for n in await home.runtime.statistics() if n.node == "leader")
        assert own.late_replies == 1


async def test_two_actors_that_ask_each_other_get_a_cycle_error(world: World) -> None:
    async with world.open() as home:
        one = await home.runtime.spawn(Friend)
        two = await home.there().spawn(Friend)
        await one.meet(two)
        await two.meet(one)
        assert await one.ask_back() == "cycle of 2"
        with pytest.raises(RemoteError) as caught:
            await one.ask_unguarded()
        assert "CallCycleError" in caught.value.remote_traceback
        assert one.__class__ is two.__class__


async def test_an_actor_that_asks_itself_gets_a_cycle_error(world: World) -> None:
    async with world.open() as home:
        one = await home.there().spawn(Friend)
        await one.meet(one)
        assert await one.ask_back() == "cycle of 1"


async def test_chains_that_cross_end_by_their_deadlines(world: World) -> None:
    async with world.open() as home:
        one = await home.runtime.spawn(Friend)
        two = await home.there().spawn(Friend)
        await one.meet(two)
        await two.meet(one)
        assert await one.ask_echo(5.0) == "echo"
        gathered = asyncio.gather(one.ask_echo(0.2), two.ask_echo(0.2), return_exceptions=True)
        for outcome in await gathered:
            assert outcome == "echo" or isinstance(outcome, RemoteError | CallCycleError)
        assert await two.ask_echo(5.0) == "echo"


async def test_an_ask_without_a_deadline_must_be_wished_for_and_then_waits(world: World) -> None:
    async with world.open() as home:
        gate = await home.there().spawn(Gate)
        ask = asyncio.ensure_future(gate.through.options(timeout=None)(1))
        await gate.until_reached()
        await gate.open()
        assert await ask == 1
