"""Two hosts and a bad line between them: late, lossy, cut for a moment, cut for too long."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from passel import NodeDeadError, PasselError, Runtime
from passel.protocols.control import Network
from passel.runtime.health.detector import Bounds
from tests.runtime.crew import Counter
from tests.runtime.crew_faults import Log, Member, Minutes
from tests.runtime.crew_life import Blocking
from tests.runtime.faults.test_outcast import FarHost
from tests.runtime.faults.test_silence import until_seen, until_state
from tests.runtime.wire import Weather, far_host
from tests.runtime.worlds import private_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.process


class Pair(NamedTuple):
    """A leader here, a node `side` at the far end, and how the line between them is."""

    runtime: Runtime
    weather: Weather


@asynccontextmanager
async def two_hosts(seed: int) -> AsyncIterator[Pair]:
    """Start a runtime over encrypted tcp whose node nobody here can end or look at."""
    weather = Weather()
    with private_folder() as base, far_host(weather, seed=seed) as far:
        network = Network(transport="tcp", interface=far.interface)
        host = FarHost("far", network=network, base=base, prefixes={"side": far.prefix})
        async with Runtime(name="far", host=host, shared_memory=0) as runtime:
            try:
                await runtime.start_node("side")
                yield Pair(runtime, weather)
            finally:
                weather.cut = False
                for process in host.processes:
                    process.cut_off = False
                host.processes.clear()


async def test_a_late_and_lossy_line_loses_nothing_and_makes_nobody_dead() -> None:
    async with two_hosts(seed=1) as (runtime, weather):
        log = await runtime.options(node="side").spawn(Log)
        minutes = await runtime.spawn(Minutes)
        member = await runtime.options(node="side").spawn(Member, minutes=minutes)
        weather.delay, weather.jitter, weather.loss = 0.05, 0.01, 0.07
        array = np.arange(50_000.0)
        totals = [asyncio.ensure_future(member.total(array)) for _ in range(2)]
        for number in range(300):
            await log.note.tell(number, b"")
            if number % 30 == 0:
                await asyncio.sleep(0)  # a multipart of its own
        assert await log.all() == list(range(300))
        assert set(await asyncio.gather(*totals)) == {array.sum()}
        (status,) = runtime.nodes()
        assert status.life == 1


async def test_a_line_that_is_cut_for_a_moment_costs_nothing_but_time() -> None:
    async with two_hosts(seed=2) as (runtime, weather):
        weather.delay = 0.02
        counter = await runtime.options(node="side").spawn(Counter)
        assert await counter.add(1) == 1
        pid = runtime.pid_of("side")
        weather.cut = True
        asks = [asyncio.ensure_future(counter.add(1)) for _ in range(50)]
        await until_state(runtime, "suspected")
        weather.cut = False
        assert await asyncio.gather(*asks) == list(range(2, 52))
        status = await until_state(runtime, "alive")
        assert (status.life, status.pid) == (1, pid)


async def test_a_line_that_is_cut_while_a_node_computes_makes_it_busy_and_not_dead() -> None:
    """Its loop cannot take part in the handshake of a new connection, and is not to be missed."""
    async with two_hosts(seed=4) as (runtime, weather):
        weather.delay = 0.02
        blocking = await runtime.options(node="side").spawn(Blocking)
        held = asyncio.ensure_future(blocking.hold_interpreter(2.0 * Bounds().silence))
        await until_state(runtime, "busy")
        weather.cut = True
        await until_state(runtime, "suspected")
        weather.cut = False
        await until_state(runtime, "busy")
        assert await held >= 2.0 * Bounds().silence
        status = await until_state(runtime, "alive")
        assert status.life == 1


async def test_a_node_that_is_cut_off_is_dead_in_time_and_nothing_of_it_is_taken_later() -> None:
    async with two_hosts(seed=3) as (runtime, weather):
        weather.delay = 0.02
        minutes = await runtime.spawn(Minutes)
        cells = runtime._leader.node.cells.values()
        actor = next(cell.actor for cell in cells if isinstance(cell.actor, Minutes))
        taken = actor.names
        member = await runtime.options(name="m", node="side").spawn(Member, minutes=minutes)
        unnamed = await runtime.options(node="side").spawn(Counter)
        old, pid = await member.name(), runtime.pid_of("side")
        assert await unnamed.add(1) == 1
        weather.cut = True
        start = time.monotonic()
        with pytest.raises(NodeDeadError, match=r"declared dead after .*: silence"):
            await unnamed.add(1)
        assert time.monotonic() - start < 3.0
        said = len(taken)
        weather.cut = False
        new = await member.name()
        status = await until_seen(runtime, lambda status: status.state == "alive")
        assert (status.life, runtime.pid_of("side")) == (2, pid), "the same process joined again"
        assert new != old
        async with asyncio.timeout(10.0):
            while taken.count(new) < 20:  # noqa: ASYNC110  # a count has no event
                await asyncio.sleep(0.01)
        assert old in taken[:said]
        assert old not in taken[said:], "what it said meanwhile was refused"
        with pytest.raises(PasselError, match="has died"):
            await unnamed.add(1)
