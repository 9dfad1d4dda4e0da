"""Calls with keys across the death of a node, and over the wire."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import msgspec
import pytest

from passel import DeadActorError, NodeDeadError
from passel.protocols.envelope import Ask, Failure, Reply, Settled, Taken, Tell
from tests.runtime.crew_keys import Register
from tests.runtime.lossy import LossyNetwork, two_nodes
from tests.runtime.test_joining import gathering
from tests.runtime.virtual_time import virtual_time
from tests.runtime.worlds import open_runtime, until


@pytest.mark.process
async def test_a_call_with_a_key_outlives_the_node_of_a_named_actor() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        ref = await runtime.options(node="side", name="register", max_restarts=3).spawn(Register)
        call = asyncio.create_task(ref.add_when_open.options(key="order")(5))
        await ref.entered()
        os.kill(runtime._leader.fleet.pid_of("side"), signal.SIGKILL)
        await ref.open.options(key=True)()  # waits for the next life, where the call runs anew
        assert await call == 5
        assert await ref.calls() == 1


@pytest.mark.process
async def test_an_unnamed_actor_dies_with_its_node_and_its_calls_with_it() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        ref = await runtime.options(node="side").spawn(Register)
        call = asyncio.create_task(ref.add_when_open.options(key="order")(5))
        await ref.entered()
        os.kill(runtime._leader.fleet.pid_of("side"), signal.SIGKILL)
        with pytest.raises(NodeDeadError):
            await call


async def test_a_named_actor_that_was_stopped_for_good_is_not_waited_for() -> None:
    async with open_runtime() as runtime:
        ref = await runtime.options(name="register").spawn(Register)
        await runtime.stop(ref)
        with pytest.raises(DeadActorError):
            await ref.add.options(key="order")(5)


def keyed(kind: type, number: int, incarnation: int, **changes: Any) -> Any:
    """Return a request of the actor `c` with the key `k`."""
    fields: dict[str, Any] = {
        "id": number, "source": "stranger/", "target": "c", "incarnation": incarnation,
        "method": "add", "deadline": 10.0, "sequence": number, "sent": 1.0, "chain": "",
        "trace": b"", "key": "k", "beside": False, "frames": 0,
        "body": msgspec.Raw(msgspec.msgpack.encode([5, 1])),
    }  # fmt: skip
    return kind(**{**fields, **changes})


@pytest.mark.process
async def test_over_the_wire_a_key_is_answered_again_until_it_is_settled() -> None:
    async with gathering() as (runtime, peer, cookie):
        cell = runtime._leader.node.cells["c"]
        incarnation = cell.address.incarnation
        peer.send(peer.hello(cookie))
        await peer.receive()

        peer.send(keyed(Ask, 1, incarnation), keyed(Ask, 2, incarnation))
        answers: list[Any] = []
        while len(answers) < 2:
            answers += [m for m in await peer.receive() if isinstance(m, Reply)]
        assert [(a.id, msgspec.msgpack.decode(a.body)) for a in answers] == [(1, 5), (2, 5)]

        peer.send(Settled("stranger/", "c", incarnation, "add", "k"))
        await until(lambda: cell.keys is not None and len(cell.keys) == 0)
        peer.send(keyed(Ask, 3, incarnation))
        (anew,) = [m for m in await peer.receive() if isinstance(m, Reply)]
        assert msgspec.msgpack.decode(anew.body) == 10


@pytest.mark.process
async def test_over_the_wire_a_tell_with_a_key_is_taken_or_refused() -> None:
    async with gathering() as (runtime, peer, cookie):
        incarnation = runtime._leader.node.cells["c"].address.incarnation
        peer.send(peer.hello(cookie))
        await peer.receive()
        peer.send(keyed(Tell, 1, incarnation))
        assert Taken(1) in await peer.receive()
        peer.send(keyed(Tell, 2, incarnation + 1))
        refused = [m for m in await peer.receive() if isinstance(m, Failure)]
        assert [m.id for m in refused] == [2]


@virtual_time
async def test_a_silent_call_is_sent_again_and_runs_once() -> None:
    async with two_nodes(LossyNetwork(1, loss=0.0, repeat=0.0, delay=0.01)) as (near, far):
        cell = far.new_cell(Register, (), {}, name="")
        await far.start_cell(cell)
        ref: Any = near.local_reference(cell, Register)
        call = asyncio.create_task(ref.add_when_open.options(timeout=None, key="k")(5))
        await asyncio.sleep(8.0)
        link = near.router.links["far"]
        assert len(link.pending) > 1, "it was sent again, beside the first"
        await ref.open()
        assert await call == 5
        assert await ref.calls() == 1
        await asyncio.sleep(1.0)
        assert not link.pending
        assert not far.router.links["near"].serving
        assert cell.keys is not None
        assert len(cell.keys) == 0
