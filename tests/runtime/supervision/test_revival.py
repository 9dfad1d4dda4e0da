"""What lives again when a node is killed: named actors, members of groups, children."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from passel import DeadActorError, NodeDeadError
from passel.protocols.errors import EscalatedError, RemoteError
from tests.runtime.crew import Counter, Parent
from tests.runtime.crew_family import Child, Elder
from tests.runtime.crew_flow import Witness
from tests.runtime.worlds import open_runtime, until

if TYPE_CHECKING:
    from passel import Runtime

pytestmark = pytest.mark.process

NAMES = ("a", "b", "c")


async def kill(runtime: Runtime, node: str) -> None:
    """Kill a node; return once the runtime knows."""
    watching = asyncio.ensure_future(runtime.watch_node(node))
    await asyncio.sleep(0)
    os.kill(runtime.pid_of(node), signal.SIGKILL)
    assert (await watching).signal == "SIGKILL"


async def test_members_of_a_group_live_again_with_their_node_as_their_strategy_says() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        witness = await runtime.spawn(Witness)
        await runtime.group("team", strategy="rest_for_one")
        for name, node in (("a", ""), ("b", "side"), ("c", "")):
            await runtime.options(name=name, node=node, group="team").spawn(Child, witness, name)
        await kill(runtime, "side")
        heard = await witness.until("c started", times=2)
        assert heard[3:] == ["c stopping", "b started", "c started"]
        (status,) = await runtime.groups()
        assert "node side has died (ended by SIGKILL)" in status.last_failure
        assert (await runtime.lookup("b", Child))._address.life == 2  # type: ignore[attr-defined]


async def test_nodes_killed_again_and_again_bring_each_member_back_once() -> None:
    async with open_runtime() as runtime:
        await asyncio.gather(*(runtime.start_node(n, max_restarts=9) for n in ("one", "two")))
        witness = await runtime.spawn(Witness)
        await runtime.group("team", strategy="one_for_all", max_restarts=9, backoff=0.0)
        for name, node in (("a", "one"), ("b", "two"), ("c", "one")):
            await runtime.options(name=name, node=node, group="team").spawn(Child, witness, name)
        await asyncio.gather(kill(runtime, "one"), kill(runtime, "two"))
        await runtime._leader.names.node("one")
        await kill(runtime, "one")
        async with asyncio.timeout(20.0):
            while (await runtime.groups())[0].state != "running":  # noqa: ASYNC110  # no event
                await asyncio.sleep(0)
        numbers = await runtime.statistics()
        there = sorted(actor.name for node in numbers for actor in node.actors)
        assert there == ["Witness#1", *NAMES]


async def test_a_group_whose_node_does_not_come_back_escalates() -> None:
    async def program() -> None:
        async with open_runtime() as runtime:
            await runtime.start_node("side", max_restarts=0)
            await runtime.group("team")
            await runtime.options(name="a", node="side", group="team").spawn(Counter)
            await runtime.options(name="b", group="team").spawn(Counter)
            await kill(runtime, "side")
            await asyncio.Event().wait()

    with pytest.raises(EscalatedError, match="a escalated: there is no such node"):
        await program()


async def test_a_named_actor_that_another_node_spawned_lives_again() -> None:
    async with open_runtime() as runtime:
        await asyncio.gather(runtime.start_node("one"), runtime.start_node("two"))
        parent = await runtime.options(node="one").spawn(Parent)
        named = await parent.spawn_named("c", "two")
        assert await named.add(2) == 2
        await kill(runtime, "two")
        assert await named.add(1) == 1
        await runtime.stop(parent)
        with pytest.raises(DeadActorError):
            await (await runtime.lookup("c", Counter)).add(1)


async def test_stopping_an_old_reference_stops_the_actor_that_took_its_place() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        named = await runtime.options(name="c", node="side").spawn(Counter)
        await kill(runtime, "side")
        assert await named.add(1) == 1
        await runtime.stop(named)
        with pytest.raises(DeadActorError, match="no living actor"):
            await runtime.lookup("c", Counter)


async def test_children_end_when_the_node_of_their_parent_dies_and_may_be_named() -> None:
    async with open_runtime() as runtime:
        await asyncio.gather(runtime.start_node("one"), runtime.start_node("two"))
        witness = await runtime.spawn(Witness)
        elder = await runtime.options(node="one", name="elder").spawn(Elder, witness, node="two")
        _, second = await elder.brood()
        child = await elder.name_one("kid", "two")
        await kill(runtime, "one")
        assert "the node of its parent" in (await runtime.watch(second)).reason
        assert "the node of its parent" in (await runtime.watch(child)).reason
        await witness.until("second started", times=2)
        again = await elder.name_one("kid", "two")
        with pytest.raises(RemoteError, match="kid is ill"):
            await again.fail()


async def test_the_death_of_a_node_is_answered_by_the_directive() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        spawner = runtime.options(name="c", node="side", on_failure={NodeDeadError: "stop"})
        await spawner.spawn(Counter)
        await kill(runtime, "side")
        with pytest.raises(DeadActorError):
            await runtime.lookup("c", Counter)


async def test_a_node_is_watched_to_its_end_also_by_those_who_come_late() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side", max_restarts=0)
        await kill(runtime, "side")
        assert (await runtime.watch_node("side")).life == 1
        await runtime.start_node("side")
        watching = asyncio.ensure_future(runtime.watch_node("side"))
        await asyncio.sleep(0)
        await runtime.stop_node("side")
        down = await watching
        assert (down.life, down.exit_code, down.signal) == (2, 0, None)
        with pytest.raises(DeadActorError, match="no such node"):
            await runtime.watch_node("nowhere")


async def test_a_watcher_that_leaves_is_forgotten() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        parent = await runtime.options(node="side").spawn(Parent)
        counter = await runtime.spawn(Counter)
        asked = asyncio.ensure_future(parent.watch(counter))
        cell = runtime._leader.node.cells[counter._address.actor]  # type: ignore[attr-defined]
        await until(lambda: bool(cell.watchers))
        asked.cancel()
        await until(lambda: not cell.watchers)


async def test_how_a_node_died_reaches_those_who_hear_of_it_from_others() -> None:
    async with open_runtime() as runtime:
        await asyncio.gather(runtime.start_node("one"), runtime.start_node("two", max_restarts=0))
        parent = await runtime.options(node="one").spawn(Parent)
        counter = await runtime.options(node="two").spawn(Counter)
        assert await parent.ask(counter, 1) == 1
        await kill(runtime, "two")
        with pytest.raises(RemoteError, match="SIGKILL"):
            await parent.ask(counter, 1)
