"""What runs beside the mailbox: concurrent handlers, blocking work, background work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from passel.actors.ref import Reference
from tests.runtime.crew import Counter
from tests.runtime.crew_flow import Gate, Visitor, Witness
from tests.runtime.crew_life import Abreast, Blocking, Fragile
from tests.runtime.worlds import private_folder

if TYPE_CHECKING:
    from tests.runtime.worlds import World


def untyped(ref: Any) -> Any:
    """Return the reference as a node has it that knows nothing of its class."""
    return Reference(ref._address, ref._sender)


async def test_concurrent_handlers_run_beside_each_other_and_the_mailbox(world: World) -> None:
    async with world.open() as home:
        gate = await home.there().spawn(Gate)
        busy = asyncio.ensure_future(gate.through(0))
        await gate.until_reached()
        beside = [asyncio.ensure_future(gate.beside(n)) for n in range(1, 5)]
        await gate.open()
        assert await asyncio.gather(busy, *beside) == [0, 1, 2, 3, 4]


async def test_a_reference_of_unknown_class_reaches_handlers_as_they_are_declared(
    world: World,
) -> None:
    """What runs beside does so, and may be asked back within a chain, wherever it is."""
    async with world.open() as home:
        near, far = await home.runtime.spawn(Visitor), await home.there().spawn(Visitor)
        for spawner in (home.there(), home.runtime.options()):
            for visitor, other in ((near, far), (far, near)):
                gate = await spawner.spawn(Gate)
                plain = untyped(gate)
                assert await visitor.pass_through.options(timeout=5.0)(plain) == 7
                assert await visitor.visit.options(timeout=5.0)(plain, other) == [7]


async def test_blocking_work_has_a_thread_of_the_actor_and_holds_up_nobody(world: World) -> None:
    with private_folder() as folder:
        async with world.open() as home:
            blocking = await home.there().spawn(Blocking)
            other = await home.there().spawn(Counter)
            held = asyncio.ensure_future(blocking.hold_thread(str(folder / "gate")))
            for n in range(1, 10):
                assert await other.add(1) == n
            assert not held.done()
            (folder / "gate").touch()
            assert (await held).startswith("passel-Blocking")


async def test_blocking_calls_run_at_once_on_as_many_threads_as_the_actor_asked_for(
    world: World,
) -> None:
    async with world.open() as home:
        abreast = await home.there().spawn(Abreast)
        assert await abreast.meet(6) == 6


async def test_background_work_that_fails_restarts_the_actor(world: World) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        ref = await home.there(backoff=0.0).spawn(Fragile, witness)
        await ref.tell_me.tell(1)
        assert await ref.count() == 1
        await ref.fail_in_background()
        while await ref.count() == 1:
            pass
        assert (await witness.until("started")).count("started") == 2
        (status,) = [a for a in (await home.statistics()).actors if a.name.startswith("Fragile")]
        assert status.restarts == 1


async def test_background_work_ends_with_its_actor_and_does_not_delay_that(world: World) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        ref = await home.there().spawn(Fragile, witness)
        await ref.work_in_background()
        await witness.until("working")
        async with asyncio.timeout(4.0):
            await home.runtime.stop(ref, grace=30.0)
        heard = await witness.until("stopping")
        assert heard.index("work ended") < heard.index("stopping")


async def test_background_work_that_never_got_a_turn_is_closed_with_its_actor(
    world: World,
) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        ref = await home.there().spawn(Fragile, witness)
        await ref.work_in_background.tell()
        await home.runtime.stop(ref, grace=0.0)
        heard = await witness.until("stopping")
        assert ("working" in heard) == ("work ended" in heard)


async def test_a_restarted_actor_keeps_no_second_thread(world: World) -> None:
    async with world.open() as home:
        witness = await home.runtime.spawn(Witness)
        ref = await home.there(backoff=0.0).spawn(Fragile, witness)
        first = await ref.block()
        await ref.tell_me.tell(-1)
        assert (await ref.block()).startswith("passel-Fragile")
        assert first.startswith("passel-Fragile")
