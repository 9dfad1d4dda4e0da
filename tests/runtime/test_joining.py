"""Who is let in: cookies, versions, signatures and identities."""

from __future__ import annotations

import importlib
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest

from passel import Runtime, SpawnError
from passel.protocols.envelope import Ask, Goodbye, Hello, Reply
from passel.protocols.errors import HandshakeError
from passel.runtime.node import receiver
from passel.runtime.security import split_endpoint
from tests.runtime.crew import Counter
from tests.runtime.peer import Peer
from tests.runtime.worlds import private_folder, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.process


@asynccontextmanager
async def gathering() -> AsyncIterator[tuple[Runtime, Peer, str]]:
    """Open a runtime with an actor `c`, a stranger connected to it, and the secret."""
    with private_folder() as base:
        async with Runtime(run_directory=base / "runs") as runtime:
            await runtime.options(name="c").spawn(Counter)
            with Peer(base) as peer:
                peer.connect(runtime)
                yield runtime, peer, runtime._leader.node.cookie


async def refused(runtime: Runtime) -> int:
    """Return how many messages the leader has refused."""
    return (await runtime.statistics())[0].refused


async def until_refused(runtime: Runtime, count: int) -> None:
    """Return once the leader has refused `count` messages."""
    counters = runtime._leader.node.counters
    await until(lambda: counters.refused >= count)


def ask(runtime: Runtime, number: int = 1) -> Ask:
    """Return a sound ask of the actor `c`."""
    address = runtime._leader.node.cells["c"].address
    body = msgspec.Raw(msgspec.msgpack.encode([5, 1]))
    return Ask(
        id=number,
        source="stranger/",
        target="c",
        incarnation=address.incarnation,
        method="add",
        deadline=10.0,
        sequence=number,
        sent=1.0,
        chain="",
        trace=b"",
        key="",
        beside=False,
        frames=0,
        body=body,
    )


async def test_a_peer_that_knows_the_secret_is_answered() -> None:
    async with gathering() as (runtime, peer, cookie):
        peer.send(peer.hello(cookie), ask(runtime))
        messages = await peer.receive()
        while len(messages) < 2:
            messages += await peer.receive()
        hello, reply = messages
        assert isinstance(hello, Hello)
        assert isinstance(reply, Reply)
        assert msgspec.msgpack.decode(reply.body) == 5


async def test_a_peer_with_a_wrong_secret_is_refused_and_learns_nothing() -> None:
    async with gathering() as (runtime, peer, _):
        peer.send(peer.hello("a guess"), ask(runtime))
        await until_refused(runtime, 1)
        peer.send(ask(runtime))
        await until_refused(runtime, 2)
        assert peer.is_silent(), "the node would have told a stranger its secret"
        assert await (await runtime.lookup("c", Counter)).add(0) == 0


async def test_a_peer_that_does_not_introduce_itself_is_refused() -> None:
    async with gathering() as (runtime, peer, _):
        peer.send(ask(runtime))
        await until_refused(runtime, 1)
        assert peer.is_silent()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 99}, "install the same version"),
        (
            {"signatures": {"tests.runtime.crew:Counter": "0123456789abcdef"}},
            "deploy the same code",
        ),
        ({"life": 7}, "its name is not the one it connected with"),
    ],
)
async def test_a_peer_of_another_kind_is_told_why_it_is_refused(
    changes: dict[str, object], reason: str
) -> None:
    async with gathering() as (runtime, peer, cookie):
        peer.send(peer.hello(cookie, **changes))
        hello, goodbye = await peer.receive()
        assert isinstance(hello, Hello)
        assert isinstance(goodbye, Goodbye)
        assert reason in goodbye.reason
        assert await refused(runtime) == 1


async def test_a_peer_that_is_refused_over_and_over_is_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with gathering() as (runtime, peer, cookie):
        for _ in range(300):
            peer.send(peer.hello(cookie, version=99))
        await until_refused(runtime, 300)
        _, goodbye = await peer.receive()
        assert isinstance(goodbye, Goodbye)
        assert peer.is_silent()
    assert capsys.readouterr().out.count("message refused") == 1


async def test_little_is_read_of_a_peer_that_has_not_introduced_itself() -> None:
    async with gathering() as (runtime, peer, cookie):
        many = [ask(runtime, number) for number in range(40_000)]
        peer.send(*many)
        await until_refused(runtime, 1)
        peer.send(peer.hello(cookie))
        await peer.receive()
        assert await refused(runtime) == 1


async def test_a_node_has_a_bounded_number_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "MAX_PEERS", 1)
    async with gathering() as (runtime, peer, cookie):
        peer.send(peer.hello(cookie))
        await peer.receive()
        with private_folder() as other, Peer(other, "another") as late:
            late.connect(runtime)
            late.send(late.hello(cookie))
            _, goodbye = await late.receive()
            assert isinstance(goodbye, Goodbye)
            assert "this node has 1 connections already" in goodbye.reason
            peer.send(ask(runtime))
            await peer.receive()


@pytest.mark.parametrize("plain_tcp", [True, False])
async def test_a_stranger_that_takes_a_nodes_name_first_does_not_displace_it(
    *, plain_tcp: bool
) -> None:
    with private_folder() as base:
        async with Runtime(run_directory=base, transport="tcp", plain_tcp=plain_tcp) as runtime:
            address, _ = split_endpoint(runtime._leader.node.endpoint)
            with Peer(base, "side") as impostor:
                impostor._outlet.connect(address)
                impostor.send(impostor.hello("a guess"))
                if plain_tcp:
                    await until_refused(runtime, 1)
                await runtime.start_node("side")
                there = await runtime.options(node="side").spawn(Counter)
                assert await there.add(1) == 1


async def test_a_refusal_is_not_answered_by_a_refusal() -> None:
    """Two nodes that refuse each other would do so for ever."""
    async with gathering() as (runtime, peer, cookie):
        peer.send(peer.hello(cookie, version=99), Goodbye("stranger", "it speaks protocol 1"))
        await until_refused(runtime, 1)
        peer.send(peer.hello(cookie), ask(runtime))
        first = await peer.receive()
        assert not any(isinstance(message, Goodbye) for message in first)


async def test_a_hello_with_an_endpoint_that_is_none_is_refused() -> None:
    async with gathering() as (runtime, peer, cookie):
        peer.send(peer.hello(cookie, endpoint="nonsense://"))
        peer.send(peer.hello(cookie, endpoint="nonsense://", version=99))
        await until_refused(runtime, 2)
        peer.send(peer.hello(cookie), ask(runtime))
        await peer.receive()


def write_module(folder: Path, hint: str) -> None:
    """Write a module with an actor whose handler takes `hint`."""
    (folder / "drifting_crew.py").write_text(
        "from passel import Actor, handler\n\n\n"
        "class Drifting(Actor):\n"
        "    @handler\n"
        f"    async def take(self, value: {hint}) -> int:\n"
        "        return 1\n"
    )


async def test_unlike_versions_of_an_actor_fail_at_the_spawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with private_folder() as base:
        monkeypatch.syspath_prepend(str(base))
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        write_module(base, "int")
        module = importlib.import_module("drifting_crew")
        try:
            async with Runtime(run_directory=base / "runs") as runtime:
                await runtime.start_node("old")
                ref = await runtime.options(node="old").spawn(module.Drifting)
                assert await ref.take(1) == 1
                write_module(base, "int | str")
                await runtime.start_node("new")
                with pytest.raises(HandshakeError, match="deploy the same code"):
                    await runtime.options(node="new").spawn(module.Drifting)
        finally:
            del sys.modules["drifting_crew"]


async def test_a_network_that_nobody_could_reach_is_refused() -> None:
    with pytest.raises(SpawnError, match=r"name an address of this host"):
        Runtime(transport="tcp", interface="0.0.0.0")
    with pytest.raises(SpawnError, match="choose of ipc, tcp, unix"):
        Runtime(transport="carrier pigeon")
