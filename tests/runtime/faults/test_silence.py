"""Real processes that are stopped: suspected, dead, or back in time; and busy ones, which are not."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from passel import NodeDeadError
from tests.runtime.crew import Counter
from tests.runtime.crew_flow import Gate
from tests.runtime.crew_life import Blocking
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from passel import Runtime
    from passel.protocols.control import NodeStatus

pytestmark = pytest.mark.process

SILENCE = 0.8
"""Seconds of silence that these tests allow, so that they are quick."""


async def until_seen(runtime: Runtime, condition: Callable[[NodeStatus], bool]) -> NodeStatus:
    """Return the status of the node under test once `condition` holds for it."""
    async with asyncio.timeout(20.0):
        while not condition(runtime.nodes()[0]):  # noqa: ASYNC110  # a status has no event
            await asyncio.sleep(0.01)
    return runtime.nodes()[0]


async def until_state(runtime: Runtime, state: str) -> NodeStatus:
    """Return the status of the node under test once it is in a state."""
    return await until_seen(runtime, lambda status: status.state == state)


async def test_a_stopped_node_that_continues_before_the_verdict_goes_on_and_loses_nothing() -> None:
    async with open_runtime(node_silence=4.0) as runtime:
        await runtime.start_node("side")
        counter = await runtime.options(node="side").spawn(Counter)
        assert await counter.add(1) == 1
        pid = runtime.pid_of("side")
        os.kill(pid, signal.SIGSTOP)
        asks = [asyncio.ensure_future(counter.add(1)) for _ in range(100)]
        await until_state(runtime, "suspected")
        await until_seen(runtime, lambda status: status.silence >= 1.5)
        os.kill(pid, signal.SIGCONT)
        assert await asyncio.gather(*asks) == list(range(2, 102))
        await until_state(runtime, "alive")
        assert runtime.pid_of("side") == pid


@pytest.mark.parametrize("transport", ["ipc", "tcp", "unix"])
async def test_a_node_that_is_seen_to_be_stopped_is_dead_within_a_second(transport: str) -> None:
    async with open_runtime(transport=transport, plain_tcp=transport == "tcp") as runtime:
        await runtime.start_node("side")
        named = await runtime.options(name="c", node="side").spawn(Counter)
        gate = await runtime.options(node="side").spawn(Gate)
        ask = asyncio.ensure_future(gate.through(1))
        await gate.until_reached()
        start = time.monotonic()
        pid = runtime.pid_of("side")
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(NodeDeadError, match=r"after 0\.\d s: stopped by a signal") as caught:
            await ask
        assert time.monotonic() - start < 1.5, "a machine that does much else may add to it"
        assert caught.value.signal == "SIGKILL", "it is ended, so that it cannot come back"
        assert await named.add(1) == 1, "its named actors live again"
        assert runtime.pid_of("side") != pid


async def test_a_node_whose_loop_is_silent_is_busy_and_its_actors_keep_their_state() -> None:
    async with open_runtime(node_silence=SILENCE) as runtime:
        await runtime.start_node("side")
        counter = await runtime.options(node="side").spawn(Counter)
        blocking = await runtime.options(node="side").spawn(Blocking)
        await counter.add(1)
        held = asyncio.ensure_future(blocking.hold(3 * SILENCE))
        await until_state(runtime, "busy")
        assert await held == "held"
        await until_state(runtime, "alive")
        assert await counter.add(1) == 2


async def test_the_clock_of_a_node_is_known_after_a_moment() -> None:
    async with open_runtime() as runtime:
        await runtime.start_node("side")
        status = await until_seen(runtime, lambda status: status.clock_offset is not None)
        assert status.clock_offset is not None
        assert status.round_trip is not None
        assert abs(status.clock_offset) <= status.round_trip, "one host has one monotonic clock"
