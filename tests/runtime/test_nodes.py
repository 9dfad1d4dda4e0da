"""Nodes as processes: their deaths, their new lives, and what their actors' callers are told."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from passel import NodeDeadError, PasselError, RemoteError, SpawnError
from passel.protocols.errors import NameTakenError
from tests.runtime.crew import Counter, Parent
from tests.runtime.crew_flow import Gate
from tests.runtime.crew_life import Blocking, Leaver
from tests.runtime.worlds import open_runtime, until

if TYPE_CHECKING:
    from passel import Runtime

pytestmark = pytest.mark.process

WORDS = "something went wrong here"


async def kill(runtime: Runtime, node: str) -> None:
    """Kill a node, and return once the runtime knows."""
    witness = await runtime.options(node=node).spawn(Counter)
    watching = asyncio.ensure_future(runtime.watch(witness))
    await witness.add(1)
    os.kill(runtime.pid_of(node), signal.SIGKILL)
    assert (await watching).signal == "SIGKILL"


async def test_pending_asks_fail_at_once_when_their_node_is_killed() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side", max_restarts=0)
        gate = await runtime.options(node="side", capacity=2).spawn(Gate)
        asks = [asyncio.ensure_future(gate.through.options(timeout=None)(n)) for n in range(5)]
        watching = asyncio.ensure_future(runtime.watch(gate))
        await gate.until_reached()
        os.kill(runtime.pid_of("side"), signal.SIGKILL)
        for ask in asks:
            with pytest.raises(NodeDeadError, match="ended by SIGKILL") as caught:
                await ask
            assert caught.value.signal == "SIGKILL"
            assert caught.value.exit_code is None
            assert caught.value.node == "side"
            assert "side/Gate#" in str(caught.value)
        down = await watching
        assert down.signal == "SIGKILL"
        late = await runtime.watch(gate)
        assert late.signal == "SIGKILL"
        for _ in range(3):
            with pytest.raises(NodeDeadError) as caught:
                await gate.log()
            assert len(caught.traceback) < 12, "each caller gets an error of its own"


async def test_the_death_of_a_node_tells_exit_code_and_last_words() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side", max_restarts=0)
        leaver = await runtime.options(node="side").spawn(Leaver)
        other = await runtime.options(node="side").spawn(Leaver)
        watching = asyncio.ensure_future(runtime.watch(other))
        waiting = asyncio.ensure_future(other.wait())
        await other.nothing.options(timeout=0.05).tell()
        with pytest.raises(NodeDeadError, match="exit code 3") as caught:
            await leaver.exit_process(3, WORDS)
        assert caught.value.exit_code == 3
        assert caught.value.stderr_tail[-1] == WORDS
        with pytest.raises(NodeDeadError, match=WORDS):
            await waiting
        down = await watching
        assert (down.exit_code, down.stderr_tail[-1]) == (3, WORDS)


async def test_asks_between_two_other_nodes_fail_too_when_one_of_them_dies() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("one")
        await runtime.start_node("two", max_restarts=0)
        parent = await runtime.options(node="one").spawn(Parent)
        gate = await runtime.options(node="two").spawn(Gate)
        counter = await runtime.options(node="two").spawn(Counter)
        assert await parent.ask(counter, 1) == 1
        watching = asyncio.ensure_future(parent.watch(counter))
        ask = asyncio.ensure_future(gate.through(1))
        await gate.until_reached()
        os.kill(runtime.pid_of("two"), signal.SIGKILL)
        with pytest.raises(NodeDeadError):
            await ask
        assert "SIGKILL" in await watching


async def test_a_node_whose_loop_is_held_up_is_not_declared_dead() -> None:
    """Five seconds of blocking code, once: longer than any heartbeat would be."""
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        pid = runtime.pid_of("side")
        blocking = await runtime.options(node="side").spawn(Blocking)
        counter = await runtime.options(node="side").spawn(Counter)
        held = asyncio.ensure_future(blocking.hold(5.0))
        added = asyncio.ensure_future(counter.add(1))
        assert await held == "held"
        assert await added == 1
        assert runtime.pid_of("side") == pid


async def test_a_named_actor_lives_again_with_its_node_and_is_found_by_old_references() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        named = await runtime.options(name="c", node="side").spawn(Counter, start=5)
        unnamed = await runtime.options(node="side").spawn(Counter)
        assert await named.add(1) == 6
        assert await unnamed.add(1) == 1
        first = runtime.pid_of("side")
        await kill(runtime, "side")
        assert await named.add(1) == 6, "the new one was made with the same arguments"
        with pytest.raises(NodeDeadError):
            await unnamed.add(1)
        assert runtime.pid_of("side") != first
        assert await (await runtime.lookup("c", Counter)).add(1) == 7


async def test_asks_sent_while_a_named_actor_is_restarted_wait_for_it() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        named = await runtime.options(name="c", node="side").spawn(Counter)
        await kill(runtime, "side")
        asks = [asyncio.ensure_future(named.add(1)) for _ in range(5)]
        tell = asyncio.ensure_future(named.add.tell(1))
        items = asyncio.ensure_future(runtime.lookup("c", Counter))
        assert await asyncio.gather(*asks) == [1, 2, 3, 4, 5]
        await tell
        assert await (await items).add(0) == 6


async def test_a_payload_that_is_too_large_fails_alone_while_its_actor_is_restarted() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        named = await runtime.options(name="c", node="side").spawn(Counter)
        await kill(runtime, "side")
        large = asyncio.ensure_future(named.add(bytes(33 << 20)))  # type: ignore[arg-type]
        small = asyncio.ensure_future(named.add(1))
        with pytest.raises(Exception, match="size of the body"):
            await large
        assert await small == 1


async def test_an_old_reference_to_a_named_actor_is_of_use_to_a_node_that_never_met_it() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("one")
        await runtime.start_node("two")
        early = await runtime.options(node="two").spawn(Parent)
        named = await runtime.options(name="c", node="one").spawn(Counter)
        await kill(runtime, "one")
        await runtime.start_node("three")
        late = await runtime.options(node="three").spawn(Parent)
        assert await late.ask(named, 1) == 1
        assert await early.ask(named, 1) == 2


async def test_a_named_actor_that_may_not_restart_is_gone_with_its_node() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        named = await runtime.options(name="c", node="side", max_restarts=0).spawn(Counter)
        assert await named.add(1) == 1
        await kill(runtime, "side")
        with pytest.raises(Exception, match=r"no living actor|no actor has its name|has died"):
            await (await runtime.lookup("c", Counter)).add(1)
        again = await runtime.options(name="c", node="side").spawn(Counter, start=1)
        assert await again.add(1) == 2


async def test_a_node_that_dies_too_often_is_given_up() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side", max_restarts=1)
        named = await runtime.options(name="c", node="side").spawn(Counter)
        await kill(runtime, "side")
        assert await named.add(1) == 1
        await kill(runtime, "side")
        with pytest.raises(Exception, match="no living actor"):
            await runtime.lookup("c", Counter)
        await runtime.start_node("side")
        fresh = await runtime.options(name="c", node="side").spawn(Counter)
        assert await fresh.add(1) == 1


async def test_the_name_of_a_stopped_node_may_be_used_again_at_once() -> None:
    async with open_runtime() as runtime:
        for turn in range(3):
            info = await runtime.start_node("side")
            ref = await runtime.options(node="side").spawn(Counter, start=turn)
            assert await ref.add(1) == turn + 1
            assert info.life == turn + 1, "each life has a number of its own"
            await runtime.stop_node("side")
            with pytest.raises(NodeDeadError):
                await ref.add(1)


async def test_a_node_name_is_taken_once_and_must_be_sound() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        with pytest.raises(NameTakenError):
            await runtime.start_node("side")
        with pytest.raises(NameTakenError):
            await runtime.start_node("leader")
        for name in ("", "a/b", "a#b", ".hidden"):
            with pytest.raises(SpawnError):
                await runtime.start_node(name)
        with pytest.raises(SpawnError, match="a Unix socket takes 107"):
            await runtime.start_node("n" * 120)
        with pytest.raises(Exception, match="there is no such node"):
            await runtime.options(node="nowhere").spawn(Counter)


async def test_a_process_that_does_not_come_up_says_its_last_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_runtime() as runtime:
        monkeypatch.setenv("PYTHONHOME", "/nowhere")
        with pytest.raises(SpawnError, match="encodings") as caught:
            await runtime.start_node("side")
        assert "exit code 1" in str(caught.value)
        monkeypatch.delenv("PYTHONHOME")
        await runtime.start_node("side")


async def test_a_restart_that_fails_is_tried_again_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side", max_restarts=2)
        named = await runtime.options(name="c", node="side").spawn(Counter)
        monkeypatch.setenv("PYTHONHOME", "/nowhere")
        await kill(runtime, "side")
        with pytest.raises(Exception, match=r"no living actor|no actor has its name"):
            await named.add(1)


async def test_leaving_the_runtime_ends_every_node_also_one_that_was_killed() -> None:
    async with open_runtime() as runtime:
        for name in ("one", "two", "three"):
            await runtime.start_node(name)
        pids = [runtime.pid_of(name) for name in ("one", "two", "three")]
        os.kill(pids[1], signal.SIGKILL)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_leaving_the_runtime_by_an_error_ends_it_all_the_same() -> None:
    pids: list[int] = []

    async def program() -> None:
        async with open_runtime(grace=0.1) as runtime:
            await runtime.start_node("side")
            pids.append(runtime.pid_of("side"))
            gate = await runtime.options(node="side").spawn(Gate)
            await gate.through.tell(1)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await program()
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


async def test_stopping_a_node_tells_those_who_watch_its_actors_why() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        ref = await runtime.options(node="side").spawn(Counter)
        watching = asyncio.ensure_future(runtime.watch(ref))
        await ref.add(1)
        await runtime.stop_node("side")
        assert (await watching).reason == "the runtime stopped"


async def test_a_node_that_is_told_to_end_by_others_comes_back_with_its_named_actors() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        named = await runtime.options(name="c", node="side").spawn(Counter, start=1)
        unnamed = await runtime.options(node="side").spawn(Counter)
        watching = asyncio.ensure_future(runtime.watch(unnamed))
        await unnamed.add(1)
        os.kill(runtime.pid_of("side"), signal.SIGTERM)
        await watching
        names = runtime._leader.node.router.locator.names  # type: ignore[union-attr]
        await until(lambda: names.find("c") is None)  # it has said goodbye, and is gone now
        assert await named.add(1) == 2


async def test_stopping_a_named_actor_while_it_is_restarted_stops_the_new_one() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        named = await runtime.options(name="c", node="side").spawn(Counter)
        await kill(runtime, "side")
        await runtime.stop(named)
        with pytest.raises(Exception, match="no living actor"):
            await runtime.lookup("c", Counter)
        with pytest.raises(Exception, match="no actor has its name"):
            await named.add(1)


async def test_leaving_does_not_wait_for_a_node_that_is_coming_back() -> None:
    """What waited for its actors ends with the runtime, not with its own deadline of a minute."""
    async with asyncio.timeout(20.0):
        async with open_runtime() as runtime:
            await runtime.start_node("side")
            named = await runtime.options(node="side", name="counter").spawn(Counter)
            await kill(runtime, "side")
            waiting = [asyncio.ensure_future(named.add(1)) for _ in range(3)]
            await asyncio.sleep(0)
        for ask in waiting:
            with pytest.raises(PasselError):
                await ask


async def test_a_taken_name_is_told_with_the_place_where_an_actor_wanted_it() -> None:
    """The directory's own frames, on yet another node, say nothing to the actor's author."""
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        parent = await runtime.options(node="side").spawn(Parent)
        await parent.spawn_named("taken", "side")
        with pytest.raises(RemoteError, match="the name is taken by") as refused:
            await parent.spawn_named("taken", "side")
    assert "in spawn_named" in refused.value.remote_traceback
