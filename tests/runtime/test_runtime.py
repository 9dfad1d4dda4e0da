"""The runtime as programs hold it: entering, leaving, options, names across nodes."""

from __future__ import annotations

import asyncio
import errno
import math
from typing import TYPE_CHECKING

import pytest

from passel import DeadActorError, DeadlineError, RemoteError, Runtime, handler
from passel.protocols.control import Network
from passel.protocols.errors import NameTakenError, RuntimeClosedError
from passel.runtime.machine.local import LocalLeaderHost
from tests.runtime.crew import Counter, Dice, Parent
from tests.runtime.crew_flow import Gate, Source
from tests.runtime.test_nodes import kill
from tests.runtime.worlds import open_runtime, private_folder

if TYPE_CHECKING:
    from tests.runtime.worlds import World


async def test_a_runtime_that_was_left_refuses_whatever_is_asked_of_it() -> None:
    async with open_runtime() as runtime:
        ref = await runtime.spawn(Counter)
    with pytest.raises(RuntimeClosedError, match="is closed"):
        await runtime.spawn(Counter)
    with pytest.raises(RuntimeClosedError):
        await runtime.start_node("side")
    with pytest.raises(RuntimeClosedError):
        await ref.add(1)
    await runtime.aclose()


async def test_a_runtime_may_be_entered_again() -> None:
    with private_folder() as base:
        runtime = Runtime(run_directory=base)
        for turn in range(2):
            async with runtime:
                ref = await runtime.options(name="c").spawn(Counter, start=turn)
                assert await ref.add(1) == turn + 1


class Doubling(Counter):
    """A counter that overrides a handler."""

    @handler
    async def add(self, n: int, *, times: int = 1) -> int:
        """Add twice `n`, return the sum."""
        return await super().add(n, times=2 * times)


async def test_an_actor_runs_its_own_handler_whatever_class_its_reference_was_made_for() -> None:
    async with open_runtime() as runtime:
        await runtime.options(name="c").spawn(Doubling, start=1)
        as_counter = await runtime.lookup("c", Counter)
        assert await as_counter.add(3) == 7
        assert await as_counter.add(1, times=2) == 11


async def test_two_runtimes_of_one_process_know_nothing_of_each_other() -> None:
    async with open_runtime() as one, open_runtime() as two:
        await one.options(name="c").spawn(Counter, start=1)
        await two.options(name="c").spawn(Counter, start=2)
        assert await (await one.lookup("c", Counter)).add(0) == 1
        assert await (await two.lookup("c", Counter)).add(0) == 2


async def test_what_waits_when_the_runtime_is_left_ends_with_an_error(world: World) -> None:
    async with world.open(grace=0.1) as home:
        gate = await home.there(capacity=2).spawn(Gate)
        source = await home.there().spawn(Source)
        waiting = [asyncio.ensure_future(gate.through(n)) for n in range(5)]
        items = source.forever()
        assert await anext(items) == 1
        waiting.append(asyncio.ensure_future(anext(items)))
        watching = asyncio.ensure_future(home.runtime.watch(gate))
        await gate.until_reached()
    for outcome in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(outcome, DeadActorError)
    assert (await watching).reason


async def test_the_grace_is_for_all_actors_of_a_runtime_together(world: World) -> None:
    async with asyncio.timeout(10.0):
        async with world.open(grace=0.4) as home:
            gates = [await home.there().spawn(Gate) for _ in range(40)]
            for gate in gates:
                await gate.through.tell(1)
            await gates[-1].until_reached()


async def test_nothing_is_kept_of_actors_that_are_gone(world: World) -> None:
    async with world.open() as home:
        node = home.runtime._leader.node

        def kept() -> list[int]:
            """Count what a gone actor could leave; clock questions and open credit come and go."""
            links = [
                count
                for link in node.router.links.values()
                for count in (
                    sum(sending.spec.name != "clock" for sending in link.pending.values()),
                    sum(inbound.spec.name != "clock" for inbound in link.serving.values()),
                    len(link.targets),
                    sum(cell.closed for cell in (*link._taken, *link._taken_beside)),
                )
            ]
            return [len(node.cells), len(node.router.names), *links]

        async def live_and_die() -> None:
            gate = await home.there().spawn(Gate)
            beside = [asyncio.ensure_future(gate.beside(n)) for n in range(3)]
            await gate.until_reached()
            await gate.log()
            await home.runtime.stop(gate, grace=0.0)
            await asyncio.gather(*beside, return_exceptions=True)
            counter = await home.runtime.spawn(Counter)
            await counter.add(1)
            await home.runtime.stop(counter)

        await live_and_die()
        await home.statistics()
        before = kept()
        for _ in range(10):
            await live_and_die()
        await home.statistics()
        assert [now - then for now, then in zip(kept(), before, strict=True)] == [0] * len(before)


async def test_a_reference_by_name_waits_until_the_actor_is_there(world: World) -> None:
    async with world.open() as home:
        later = home.runtime.named("later", Counter)
        with pytest.raises(DeadActorError, match="no actor has its name"):
            await later.add(1)
        await home.there(name="later").spawn(Counter)
        assert await later.add(1) == 1
        (address,) = (await home.runtime.actors()).values()
        assert (address.actor, address.node) == ("later", home.node or "leader")


@pytest.mark.parametrize("timeout", [math.inf, None])
async def test_a_timeout_without_end_is_none_at_all(world: World, timeout: float | None) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Counter)
        assert await ref.add.options(timeout=timeout)(1) == 1
        await ref.add.options(timeout=timeout).tell(1)
        assert await ref.add(0) == 2


async def test_a_timeout_that_is_no_number_of_seconds_is_refused(world: World) -> None:
    async with world.open() as home:
        ref = await home.there().spawn(Counter)
        with pytest.raises(ValueError, match="timeout"):
            ref.add.options(timeout=math.nan)
        with pytest.raises(DeadlineError):
            await ref.add.options(timeout=-1.0)(1)
        assert await ref.add(1) == 1


async def test_a_seed_fixes_what_actors_draw(world: World) -> None:
    drawn = []
    for seed in (3, 3, 4):
        async with world.open(seed=seed) as home:
            refs = [await home.there().spawn(Dice) for _ in range(2)]
            drawn.append([await ref.roll(5) for ref in refs])
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]
    assert drawn[0][0] != drawn[0][1], "each actor has randomness of its own"


@pytest.mark.process
async def test_actors_spawn_name_and_find_others_across_nodes() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("one")
        await runtime.start_node("two")
        parent = await runtime.options(node="one").spawn(Parent)
        child = await parent.spawn_named("c", "two")
        assert await child.add(1) == 1
        assert await (await parent.find("c")).add(1) == 2
        assert await parent.ask(await runtime.lookup("c", Counter), 1) == 3
        with pytest.raises(RemoteError, match="the name is taken by"):
            await parent.spawn_named("c", "one")
        with pytest.raises(NameTakenError):
            await runtime.options(name="c").spawn(Counter)
        with pytest.raises(RemoteError, match="no living actor has this name"):
            await parent.find("d")


@pytest.mark.process
async def test_a_lookup_for_one_who_cannot_wait_long_serves_the_others_all_the_same() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("one")
        await runtime.start_node("two")
        named = await runtime.options(name="c", node="one").spawn(Counter)
        hasty, patient = [await runtime.options(node="two").spawn(Parent) for _ in range(2)]
        await kill(runtime, "one")
        first = asyncio.ensure_future(hasty.ask.options(timeout=0.05)(named, 1))
        second = asyncio.ensure_future(patient.ask(named, 1))
        with pytest.raises((DeadlineError, RemoteError), match="waited"):
            await first
        assert await second == 1


class _FullHost(LocalLeaderHost):
    """A host whose disk is full when the runtime says where it is."""

    def publish(self, *, endpoint: str, cookie: str, topology: str) -> None:
        raise OSError(errno.ENOSPC, "no space left on device", endpoint)


async def test_a_runtime_that_cannot_open_leaves_nothing_behind() -> None:
    with private_folder() as base:
        host = _FullHost("full", network=Network(), base=base)
        with pytest.raises(OSError, match="no space left"):
            async with Runtime(name="full", host=host):
                pytest.fail("it was entered")
        assert not list(base.iterdir())
