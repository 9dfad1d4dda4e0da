"""A receiver that is stopped while it is flooded: bounded memory here, and nothing lost there."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from passel.runtime.transport.endpoints import TRANSPORTS
from passel.runtime.transport.unix import UnixOutlet
from passel.runtime.transport.zeromq import HIGH_WATER_MARK, ZeroMQOutlet
from tests.runtime.crew_faults import Log
from tests.runtime.worlds import open_runtime

pytestmark = pytest.mark.process

ACTORS = 8
CAPACITY = 250
PAYLOAD = bytes(4_000)
TELLS = 600

assert ACTORS * CAPACITY > HIGH_WATER_MARK + 500, "what the kernel takes comes on top"


def resident() -> int:
    """Return the resident bytes of this process."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_flood_into_a_stopped_node_waits_in_bounded_memory_and_arrives_in_order(
    transport: str,
) -> None:
    """More multiparts than any socket holds, fewer than all: the rest has no credit."""
    async with open_runtime(transport=transport, node_silence=60.0) as runtime:
        await runtime.start_node("side")
        options = runtime.options(node="side", capacity=CAPACITY)
        logs = [await options.spawn(Log) for _ in range(ACTORS)]
        for log in logs:
            await log.note(0, b"")
        outlet = runtime._leader.node.router.links["side"]._outlet
        assert isinstance(outlet, ZeroMQOutlet | UnixOutlet)
        sent = 0

        async def flood() -> None:
            nonlocal sent
            for number in range(1, TELLS):
                for log in logs:
                    await log.note.options(timeout=None).tell(number, PAYLOAD)
                    await asyncio.sleep(0)  # a multipart of its own
                sent = number

        os.kill(runtime.pid_of("side"), signal.SIGSTOP)
        before = resident()
        async with asyncio.TaskGroup() as group:
            group.create_task(flood())
            async with asyncio.timeout(20.0):
                while sent < CAPACITY - 1:  # noqa: ASYNC110  # a count has no event
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)  # had it no bound, it would go on
            assert sent <= CAPACITY + 1
            assert outlet._backlog, "the socket is full: what it refused waits for it"
            assert resident() - before < 4 * ACTORS * CAPACITY * len(PAYLOAD)
            os.kill(runtime.pid_of("side"), signal.SIGCONT)
        for log in logs:
            assert await log.all() == list(range(TELLS))
