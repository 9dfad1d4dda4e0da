"""A whole runtime over encrypted tcp: how its nodes get to know each other, and nobody else."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from passel import NodeDeadError, Runtime
from passel.runtime.cli.guest import visit
from passel.runtime.machine.rundir import running
from passel.runtime.security import Admission, split_endpoint
from tests.runtime.crew import Counter, Parent
from tests.runtime.security.test_curve import End
from tests.runtime.worlds import open_runtime, private_folder

pytestmark = pytest.mark.process


def key_of(endpoint: str) -> bytes:
    """Return the key in an endpoint that has one."""
    _, key = split_endpoint(endpoint)
    assert key is not None
    return key


def has_ipv6() -> bool:
    """Return whether a socket can be bound to the loopback address of IPv6."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


async def test_every_life_of_every_node_has_a_key_of_its_own() -> None:
    async with open_runtime(transport="tcp") as runtime:
        node = runtime._leader.node
        one = await runtime.start_node("one")
        two = await runtime.start_node("two")
        keys = {key_of(endpoint) for endpoint in (node.endpoint, one.endpoint, two.endpoint)}
        assert len(keys) == 3
        assert node.host.roster.judge(key_of(one.endpoint)) == (Admission.WELCOME, "one/1")


async def test_nodes_that_the_leader_started_talk_to_each_other() -> None:
    async with open_runtime(transport="tcp") as runtime:
        await runtime.start_node("one")
        await runtime.start_node("two")
        counters = [await runtime.options(node=n).spawn(Counter) for n in ("one", "two")]
        parents = [await runtime.options(node=n).spawn(Parent) for n in ("one", "two")]
        assert await parents[0].ask(counters[1], 3) == 3, "the older speaks first"
        assert await parents[1].ask(counters[0], 4) == 4


async def test_a_killed_node_comes_back_with_another_key_and_its_old_one_is_worth_nothing() -> None:
    async with open_runtime(transport="tcp") as runtime:
        first = await runtime.start_node("side")
        named = await runtime.options(name="c", node="side").spawn(Counter, start=5)
        unnamed = await runtime.options(node="side").spawn(Counter)
        os.kill(runtime.pid_of("side"), signal.SIGKILL)
        with pytest.raises(NodeDeadError, match="SIGKILL"):
            await unnamed.add.options(timeout=None)(1)
        assert await named.add(1) == 6
        node = runtime._leader.node
        assert node.router.peers["side"].endpoint != first.endpoint
        assert node.host.roster.judge(key_of(first.endpoint))[0] is Admission.REFUSED


async def test_a_guest_asks_every_node_over_encrypted_connections() -> None:
    with private_folder() as base:
        async with Runtime(run_directory=base, transport="tcp") as runtime:
            await runtime.start_node("side")
            await runtime.options(name="c", node="side").spawn(Counter, start=5)
            [(path, facts)] = running(base)
            assert facts.endpoint.startswith("curve://127.0.0.1:")
            async with visit(path, facts) as guest:
                looks = {look.info.node: look.statistics for look in await guest.look()}
                assert looks.keys() == {"leader", "side"}
                assert all(looks.values())
                assert await guest.ask(await guest.find("c"), "add", [1, 1], 5.0) == 6


async def test_who_knows_the_cookie_but_has_no_key_is_not_let_in() -> None:
    async with open_runtime(transport="tcp") as runtime:
        await runtime.options(name="c").spawn(Counter)
        node = runtime._leader.node
        with End("stranger") as stranger:
            stranger.transport.connect(node.endpoint).send([b"\x90"])
            await runtime.start_node("side")  # many messages later
            assert await (await runtime.lookup("c", Counter)).add(1) == 1
            assert node.counters.refused == 0, "it was not even heard"
            assert node.host.roster.judge(stranger.pair.public)[0] is Admission.UNKNOWN


async def test_plain_tcp_is_there_for_those_who_ask_for_it() -> None:
    async with open_runtime(transport="tcp", plain_tcp=True) as runtime:
        info = await runtime.start_node("side")
        assert info.endpoint.startswith("tcp://127.0.0.1:")
        there = await runtime.options(node="side").spawn(Counter)
        assert await there.add(1) == 1


@pytest.mark.parametrize("interface", ["lo", "127.0.0.2", "::1"])
async def test_an_interface_can_be_chosen(interface: str) -> None:
    if interface == "::1" and not has_ipv6():
        pytest.skip("this host has no IPv6")
    async with open_runtime(transport="tcp", interface=interface) as runtime:
        info = await runtime.start_node("side")
        place = {"lo": "127.0.0.1", "::1": "[::1]"}.get(interface, interface)
        assert info.endpoint.startswith(f"curve://{place}:")
        there = await runtime.options(node="side").spawn(Counter)
        assert await there.add(1) == 1
