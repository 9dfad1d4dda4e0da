"""The real outside: this machine's clock, sockets, threads, processes and run directory."""

from __future__ import annotations

import asyncio
import os
import resource
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .endpoints import open_transport, place_to_bind
from .host import Usage
from .launcher import NodeProcess
from .loops import clock_of
from .rundir import RunDirectory, RuntimeFacts

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..protocols.control import NodeConfig
    from .node import Node
    from .transport import Transport

R = TypeVar("R")


class ThreadWorker:
    """Runs blocking work in a thread of its own."""

    def __init__(self, actor: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"passel-{actor}")

    async def run(self, work: Callable[[], R]) -> R:
        """Return what `work` returns; when the caller is cancelled, it runs out unheard."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Begin no further work."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def usage_of_process() -> Usage:
    """Return processor time and resident memory of this process; 0 bytes where no /proc tells."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except OSError:  # macOS
        pages = 0
    return Usage(time.process_time(), pages * resource.getpagesize())


class LocalHost:
    """A node's way out, in a process of its own. It is made where the loop already runs.

    Args:
        directory: The run directory, where its sockets go.
        transport: `ipc`, `tcp` or `unix`.
    """

    def __init__(self, directory: Path, transport: str) -> None:
        self._directory = directory
        self._transport = transport
        self.now = clock_of(asyncio.get_running_loop())
        self.pid = os.getpid()

    def open_transport(self, node: str, life: int) -> Transport:
        """Return the sockets of one life of a node, bound.

        Raises:
            SpawnError: They cannot be bound.
        """
        bind = place_to_bind(self._transport, self._directory, f"{node}.{life}")
        return open_transport(f"{node}/{life}".encode(), bind)

    def open_worker(self, actor: str) -> ThreadWorker:
        """Return what runs an actor's blocking work."""
        return ThreadWorker(actor)

    def attach(self, node: Node) -> None:
        """Nobody watches it."""

    def usage(self) -> Usage:
        """Return what this process has used."""
        return usage_of_process()


class LocalLeaderHost:
    """A leader's way out.

    Args:
        name: The runtime's name.
        transport: `ipc`, `tcp` or `unix`.
        base: Parent of the run directory; the user's usual one if None.
    """

    def __init__(self, name: str, *, transport: str, base: Path | None) -> None:
        self._name = name
        self._transport = transport
        self._base = base
        self._held: RunDirectory | None = None
        self.pid = os.getpid()

    @property
    def now(self) -> Callable[[], float]:
        """The monotonic clock."""
        return clock_of(asyncio.get_running_loop())

    @property
    def directory(self) -> Path:
        """The run directory."""
        return self._run_directory.path

    def open(self) -> None:
        """Make the run directory and lock it.

        Raises:
            SpawnError: There is no place for one.
        """
        self._held = RunDirectory(self._name, base=self._base)

    def new_cookie(self) -> str:
        """Return a fresh secret for a runtime."""
        return secrets.token_hex(16)

    def open_transport(self, node: str, life: int) -> Transport:
        """Return the leader's sockets, bound.

        Raises:
            SpawnError: They cannot be bound.
        """
        return LocalHost(self.directory, self._transport).open_transport(node, life)

    def open_worker(self, actor: str) -> ThreadWorker:
        """Return what runs an actor's blocking work."""
        return ThreadWorker(actor)

    def attach(self, node: Node) -> None:
        """Nobody watches it."""

    def usage(self) -> Usage:
        """Return what this process has used."""
        return usage_of_process()

    def publish(self, *, endpoint: str, cookie: str, topology: str) -> None:
        """Write down what others need to find the runtime."""
        facts = RuntimeFacts(
            name=self._name,
            pid=self.pid,
            endpoint=endpoint,
            cookie=cookie,
            started=time.time(),
            topology=topology,
        )
        self._run_directory.publish(facts)

    def start_process(self, config: NodeConfig) -> NodeProcess:
        """Start `python -m passel node`; what it prints goes to a file in the run directory."""
        return NodeProcess(config, self._run_directory.log_of(config.node, config.life))

    def remove(self) -> None:
        """Remove the run directory with everything in it."""
        self._run_directory.remove()

    def close(self) -> None:
        """Remove the run directory and give its lock back."""
        self._run_directory.close()

    @property
    def _run_directory(self) -> RunDirectory:
        assert self._held is not None, "it was opened"
        return self._held
