"""The real outside: this machine's clock, sockets, threads, processes and run directory."""

from __future__ import annotations

import asyncio
import os
import resource
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from ...protocols.control import Network, NodeInfo
from ...protocols.log import log
from ..durable.directory import StateDirectory, default_state_path
from ..memory import CudaCards, SegmentFolder, SharedFolder
from ..node.host import Usage
from ..security import KeyPair, Roster
from ..transport.endpoints import open_transport
from .launcher import NodeProcess, start_command
from .loops import clock_of
from .rundir import RunDirectory, RuntimeFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ...protocols.control import NodeConfig
    from ..durable.store import Store
    from ..node.node import Node
    from ..transport.seam import Transport
    from .launcher import Starter

R = TypeVar("R")

MEMORY: Final = "memory"
"""Name of the link in a run directory that leads to the runtime's shared memory."""


class ThreadWorker:
    """Runs blocking work in threads of its own."""

    def __init__(self, actor: str, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"passel-{actor}")

    async def run(self, work: Callable[[], R]) -> R:
        """Return what `work` returns; when the caller is cancelled, it runs out unheard."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Begin no further work."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def usage_of_process() -> Usage:
    """Return processor time and resident memory of this process; 0 bytes where no /proc tells."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except OSError:  # macOS
        pages = 0
    return Usage(time.process_time(), pages * resource.getpagesize())


def memory_of(directory: Path) -> SegmentFolder | None:
    """Return the shared memory of the runtime with this run directory, if it is in reach."""
    try:
        return SegmentFolder((directory / MEMORY).readlink())
    except OSError:  # the leader had no place for one, or it is on another host
        return None


class LocalHost:
    """A node's way out, in a process of its own. It is made where the loop already runs.

    Args:
        directory: The run directory, where its sockets go.
        network: How others reach it.
        roster: Who may connect, if connections are encrypted.
        pair: Its keys then; fresh ones by default.
        announce: Descriptor on which it says where it is, or -1.
    """

    def __init__(
        self,
        directory: Path,
        network: Network,
        *,
        roster: Roster | None = None,
        pair: KeyPair | None = None,
        announce: int = -1,
    ) -> None:
        self._directory = directory
        self._network = network
        self._pair = pair
        self._announce = announce
        if announce >= 0:
            os.set_inheritable(announce, False)  # programs that actors start have no use for it
        self.roster = roster or Roster()
        self.now = clock_of(asyncio.get_running_loop())
        self.pid = os.getpid()

    def open_transport(self, node: str, life: int) -> Transport:
        """Return the sockets of one life of a node, bound.

        Raises:
            SpawnError: They cannot be bound.
        """
        transport = open_transport(
            self._network, self._directory, node, life, roster=self.roster, pair=self._pair
        )
        if self._announce >= 0:
            info = NodeInfo(node=node, life=life, endpoint=transport.endpoint, pid=self.pid)
            os.write(self._announce, msgspec.json.encode(info) + b"\n")
        return transport

    def open_worker(self, actor: str, threads: int) -> ThreadWorker:
        """Return what runs an actor's blocking work."""
        return ThreadWorker(actor, threads)

    def attach(self, node: Node) -> None:
        """Nobody watches it."""

    def open_store(self, place: str) -> Store:
        """Return the journals in a directory."""
        return _sqlite_store(place)

    def usage(self) -> Usage:
        """Return what this process has used."""
        return usage_of_process()

    def open_cards(self) -> CudaCards:
        """Return the CUDA devices that torch finds; it is loaded with the first tensor on one."""
        return CudaCards()

    def open_memory(self) -> SegmentFolder | None:
        """Return the folder of shared memory that the leader made, if it is in reach."""
        return memory_of(self._directory)


class LocalLeaderHost:
    """A leader's way out.

    Args:
        name: The runtime's name.
        network: How its nodes reach each other.
        base: Parent of the run directory; the user's usual one if None.
        prefixes: Words in front of the command that starts a node, by its name, such as
            `("ip", "netns", "exec", "far")` or `("nice",)`.
        start: What starts the processes of nodes.
    """

    def __init__(
        self,
        name: str,
        *,
        network: Network,
        base: Path | None,
        prefixes: Mapping[str, Sequence[str]] | None = None,
        start: Starter = start_command,
    ) -> None:
        self._name = name
        self._network = network
        self._base = base
        self._prefixes = dict(prefixes or {})
        self._start = start
        self._guests: KeyPair | None = None
        self.roster = Roster()
        self._held: RunDirectory | None = None
        self._memory: SharedFolder | None = None
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
        if self._network.encrypted:
            self._guests = KeyPair.generate()
            self.roster.admit_guests(self._guests.public)
        try:
            self._memory = SharedFolder(self.directory.name)
        except OSError as error:
            log.info("no shared memory", error=str(error))
        else:
            (self.directory / MEMORY).symlink_to(self._memory.path)

    def new_cookie(self) -> str:
        """Return a fresh secret for a runtime."""
        return secrets.token_hex(16)

    def open_transport(self, node: str, life: int) -> Transport:
        """Return the leader's sockets, bound.

        Raises:
            SpawnError: They cannot be bound.
        """
        host = LocalHost(self.directory, self._network, roster=self.roster)
        return host.open_transport(node, life)

    def open_worker(self, actor: str, threads: int) -> ThreadWorker:
        """Return what runs an actor's blocking work."""
        return ThreadWorker(actor, threads)

    def attach(self, node: Node) -> None:
        """Nobody watches it."""

    def open_store(self, place: str) -> Store:
        """Return the journals in a directory."""
        return _sqlite_store(place)

    def open_state(self, path: Path | None, *, resume: bool, discard: bool) -> StateDirectory:
        """Lock the state directory, and see whether an earlier run's state may be used.

        Raises:
            StateError: It may not, or the directory cannot be used.
        """
        return StateDirectory(
            path or default_state_path(self._name), resume=resume, discard=discard
        )

    def usage(self) -> Usage:
        """Return what this process has used."""
        return usage_of_process()

    def open_cards(self) -> CudaCards:
        """Return the CUDA devices that torch finds; it is loaded with the first tensor on one."""
        return CudaCards()

    def open_memory(self) -> SegmentFolder | None:
        """Return the folder of shared memory that `open` made."""
        return memory_of(self.directory)

    def publish(self, *, endpoint: str, cookie: str, topology: str) -> None:
        """Write down what others need to find the runtime."""
        facts = RuntimeFacts(
            name=self._name,
            pid=self.pid,
            endpoint=endpoint,
            cookie=cookie,
            started=time.time(),
            topology=topology,
            guest_key=self._guests.secret.hex() if self._guests is not None else "",
        )
        self._run_directory.publish(facts)

    def start_process(self, config: NodeConfig) -> NodeProcess:
        """Start the process of one life of a node; what it prints goes to a file in the run directory.

        Where connections are encrypted it says its public key, over an inherited pipe, before it
        connects: that is how the leader knows it when it does.
        """
        config = msgspec.structs.replace(config, network=self._network)
        file = self._run_directory.log_of(config.node, config.life)
        prefix = self._prefixes.get(config.node, ())
        if self._guests is None:
            return NodeProcess(config, file, prefix=prefix, start=self._start)
        config = msgspec.structs.replace(config, guest_key=self._guests.public.hex())
        return NodeProcess(
            config, file, on_announced=self.roster.learn, prefix=prefix, start=self._start
        )

    def remove(self) -> None:
        """Remove the run directory and the shared memory with everything in them."""
        if self._memory is not None:
            self._memory.remove()
        self._run_directory.remove()

    def close(self) -> None:
        """Remove the run directory and the shared memory, and give their locks back."""
        if self._memory is not None:
            self._memory.close()
        self._run_directory.close()

    @property
    def _run_directory(self) -> RunDirectory:
        assert self._held is not None, "it was opened"
        return self._held


def _sqlite_store(place: str) -> Store:
    from ..durable.sqlite import SQLiteStore  # loads sqlite3, which few nodes need

    return SQLiteStore(Path(place))
