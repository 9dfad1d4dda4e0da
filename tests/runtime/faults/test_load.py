"""A machine that has far too much to do: nobody is held for dead who is only late."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import pytest

from passel.runtime.health.detector import Bounds
from tests.runtime.crew_life import Blocking
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from passel import Runtime

pytestmark = pytest.mark.process

BURNERS = 10
"""Processes that compute all the time, beside the nodes under test."""

LONGER = 1.2 * Bounds().silence
"""Seconds for which the nodes hold their interpreters: nobody may be silent for as long."""


@contextmanager
def burners() -> Iterator[None]:
    """Keep every core busy several times over."""
    started = [
        subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(BURNERS)
    ]
    try:
        yield
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()


@asynccontextmanager
async def node_over(transport: str) -> AsyncIterator[tuple[Runtime, Blocking]]:
    """Start a runtime with one node, and an actor on it."""
    async with open_runtime(transport=transport) as runtime:
        await runtime.start_node("side")
        yield runtime, await runtime.options(node="side").spawn(Blocking)


async def test_nodes_that_compute_without_pause_on_a_loaded_machine_are_not_declared_dead() -> None:
    async with node_over("ipc") as one, node_over("unix") as other:
        pids = [runtime.pid_of("side") for runtime, _ in (one, other)]
        with burners():
            held = [blocking.hold_interpreter(LONGER) for _, blocking in (one, other)]
            assert min(await asyncio.gather(*held)) >= LONGER
        for (runtime, _), pid in zip((one, other), pids, strict=True):
            (status,) = runtime.nodes()
            assert (status.life, status.pid) == (1, pid)
            assert runtime.pid_of("side") == pid
