"""A node that is declared dead and cannot be ended: refused when it returns, then a new life."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from passel import NodeDeadError, PasselError, Runtime
from passel.protocols.control import Network
from passel.runtime.machine.local import LocalLeaderHost
from tests.runtime.crew import Counter, Parent
from tests.runtime.worlds import private_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from passel.protocols.control import NodeConfig
    from passel.runtime.machine.launcher import NodeProcess

pytestmark = pytest.mark.process


class FarProcess:
    """A process as on another host: this one cannot end it while it is cut off."""

    def __init__(self, process: NodeProcess) -> None:
        self._process = process
        self.cut_off = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._process, name)

    def standstill(self) -> None:
        """Nothing is seen of it but its silence."""

    def kill(self) -> None:
        """End it, if it can be reached."""
        if not self.cut_off:
            self._process.kill()


class FarHost(LocalLeaderHost):
    """Starts processes that cannot be ended."""

    processes: ClassVar[list[FarProcess]] = []

    def start_process(self, config: NodeConfig) -> Any:
        """Start one."""
        self.processes.append(FarProcess(super().start_process(config)))
        return self.processes[-1]


@asynccontextmanager
async def far_runtime(transport: str) -> AsyncIterator[Runtime]:
    """Start a runtime whose nodes cannot be ended, but for its own end."""
    with private_folder() as base:
        host = FarHost("far", network=Network(transport=transport), base=base)
        async with Runtime(name="far", host=host, transport=transport, node_silence=0.8) as runtime:
            try:
                yield runtime
            finally:
                for process in host.processes:
                    process.cut_off = False
                host.processes.clear()
        assert not list(base.iterdir()), "a run directory was left behind"


async def stop_until_declared_dead(runtime: Runtime, pid: int) -> None:
    """Stop the node under test, and return once it is held for dead."""
    os.kill(pid, signal.SIGSTOP)
    async with asyncio.timeout(20.0):
        while runtime.nodes()[0].state != "dead":  # noqa: ASYNC110  # a status has no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("transport", ["ipc", "unix", "tcp"])
async def test_a_node_that_returns_after_the_verdict_is_a_new_life_without_its_actors(
    transport: str,
) -> None:
    async with far_runtime(transport) as runtime:
        await runtime.start_node("side")
        await runtime.start_node("other")
        named = await runtime.options(name="c", node="side").spawn(Counter, start=5)
        unnamed = await runtime.options(node="side").spawn(Counter)
        parent = await runtime.options(node="other").spawn(Parent)
        assert await named.add(1) == 6
        assert await parent.ask(unnamed, 1) == 1
        pid = runtime.pid_of("side")
        lost = asyncio.ensure_future(unnamed.add(1))
        await stop_until_declared_dead(runtime, pid)
        with pytest.raises(NodeDeadError, match="could not be ended"):
            await lost
        waiting = asyncio.ensure_future(named.add(1))
        os.kill(pid, signal.SIGCONT)
        assert await waiting == 6, "the named one was made anew, on the life that came back"
        assert runtime.pid_of("side") == pid, "in the same process"
        status = next(s for s in runtime.nodes() if s.node == "side")
        assert (status.life, status.state) == (2, "alive")
        for ask in (unnamed.add(1), parent.ask(unnamed, 1)):
            with pytest.raises(PasselError, match="has died"):
                await ask


async def test_a_process_that_ends_instead_of_returning_is_replaced() -> None:
    async with far_runtime("ipc") as runtime:
        await runtime.start_node("side")
        named = await runtime.options(name="c", node="side").spawn(Counter)
        witness = await runtime.options(node="side").spawn(Counter)
        pid = runtime.pid_of("side")
        await stop_until_declared_dead(runtime, pid)
        assert "could not be ended" in (await runtime.watch(witness)).reason
        os.kill(pid, signal.SIGKILL)
        assert await named.add(1) == 1
        assert runtime.pid_of("side") != pid
