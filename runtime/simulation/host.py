"""The simulated outside: what nodes reach through their host when a world is simulated."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from ...protocols.control import JournalClaim, NodeConfig
from ...protocols.errors import StateExistsError
from ..durable.memory import MemoryStore
from ..life import live
from ..node.host import Usage
from ..security import Roster
from .errors import SimulationError
from .loop import KERNEL
from .watched import put_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..memory import HeapSegments
    from ..node.node import Node
    from .network import SimulatedTransport
    from .process import SimulatedProcess
    from .world import World

R = TypeVar("R")

DIRECTORY: Final = Path("/simulated")
"""What stands for the run directory; nothing is ever written there."""

START_SHIFT: Final = 32
"""Bits of an epoch that count the claims of one start of the runtime."""


class SimulatedWorker:
    """Runs blocking work at once, in place; what it takes is virtual time."""

    def __init__(self, world: World, threads: int) -> None:
        self._world = world
        self._turn = asyncio.Semaphore(threads)

    async def run(self, work: Callable[[], R]) -> R:
        """Return what `work` returns, after the seconds that it is given."""
        async with self._turn:
            with self._world.guard.lifted():
                result = work()
            await asyncio.sleep(self._world.blocking_seconds())
            return result

    def close(self) -> None:
        """There is nothing to end."""


class SimulatedHost:
    """A node's way out."""

    def __init__(self, world: World, process: SimulatedProcess) -> None:
        self._world = world
        self._memory = world.memory
        self.process = process
        self.roster = Roster()
        self.now = process.now
        self.pid = process.pid

    def open_transport(self, node: str, life: int) -> SimulatedTransport:
        """Return the node's place at the network."""
        assert (node, life) == (self.process.node, self.process.life), "one process, one node"
        return self._world.network.bind(self.process)

    def open_worker(self, actor: str, threads: int) -> SimulatedWorker:
        """Return what runs an actor's blocking work."""
        return SimulatedWorker(self._world, threads)

    def open_cards(self) -> None:
        """There are no cards in a world."""

    def open_memory(self) -> HeapSegments:
        """Return the memory that all nodes of one start of the runtime share."""
        return self._memory

    def open_store(self, place: str) -> MemoryStore:
        """Return this process's way to the world's disk; what was under way there outlives it."""
        del place  # there is one disk
        loop = self._world.loop
        return MemoryStore(
            self._world.disk,
            seconds=self._world.disk_seconds,
            fault=self._world.disk_fault,
            at_disk=partial(loop.call_later, context=KERNEL),
            survives=self._survives,
        )

    def _survives(self) -> bool:
        """Return whether a write that is due gets to the disk; a process may have died over it."""
        return not self.process.dead or self._world.chance(0.5)

    def usage(self) -> Usage:
        """Return nothing used: all nodes share one real process."""
        return Usage(0.0, 0)

    def attach(self, node: Node) -> None:
        """Watch the node that lives here."""
        watch = self._world.watch
        watch.add(node, self.process)
        put_on(node, watch, self.process)


class SimulatedState:
    """Gives out the rights to journals on the world's disk, to one start of the runtime."""

    def __init__(self, generation: int) -> None:
        self._generation = generation
        self._claims = 0

    def claim(self) -> JournalClaim:
        """Return the right to a journal; it ends where a later one is used."""
        self._claims += 1
        return JournalClaim(place="", epoch=self._generation << START_SHIFT | self._claims)

    def close(self) -> None:
        """There is nothing to let go of."""


class SimulatedLeaderHost(SimulatedHost):
    """The leader's way out: its nodes are processes of the same world."""

    directory = DIRECTORY

    def open(self) -> None:
        """There is no folder to take hold of."""

    def new_cookie(self) -> str:
        """Return a secret of this start of the runtime, the same in every run of a seed."""
        source = self._world.random(f"cookie/{self.process.generation}")
        return f"{source.getrandbits(128):032x}"

    def publish(self, *, endpoint: str, cookie: str, topology: str) -> None:
        """Nobody looks for a simulated runtime."""

    def start_process(self, config: NodeConfig) -> SimulatedProcess:
        """Start the process of one life of a node; it takes a while to come up."""
        config = msgspec.json.decode(msgspec.json.encode(config), type=NodeConfig)
        process = self._world.new_process(
            config.node, config.life, generation=self.process.generation
        )
        over = asyncio.Event()
        process.on_hang_up = over.set
        process.start(self._live(config, process, over))
        return process

    async def _live(
        self, config: NodeConfig, process: SimulatedProcess, over: asyncio.Event
    ) -> None:
        await asyncio.sleep(self._world.start_seconds())
        if self._world.start_fails(config.node):
            raise SimulationError("its process was to fail at its start")
        await live(config, SimulatedHost(self._world, process), over)

    def open_state(self, path: Path | None, *, resume: bool, discard: bool) -> SimulatedState:
        """Return the world's durable state.

        Raises:
            StateExistsError: An earlier start left something, and nobody says what becomes of it.
        """
        del path  # there is one disk
        disk = self._world.disk
        if discard:
            disk.discard()
        elif disk.actors and not resume:
            raise StateExistsError(str(DIRECTORY))
        return SimulatedState(self.process.generation)

    def remove(self) -> None:
        """There is no folder."""

    def close(self) -> None:
        """There is no folder."""
