"""The seam to the outside: all that a runtime's nodes reach beyond their event loop.

There are two sides of it, `LocalHost` and `LocalLeaderHost` in `runtime/machine/local.py`, for which there is
a machine; a simulator has others, on which a whole runtime runs in one process and in virtual time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ...protocols.control import JournalClaim, NodeConfig
    from ..durable.store import Store
    from ..memory import Cards, SegmentStore
    from ..security import Roster
    from ..transport.seam import Transport
    from .node import Node

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: its exit code, or the signal's name, and what it said last.

    `note` says what else was seen, such as that the kernel killed for lack of memory meanwhile.
    """

    exit_code: int | None
    signal: str | None
    stderr_tail: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used: processor time in seconds, and bytes of memory it holds now."""

    cpu_seconds: float
    memory_bytes: int


class Process(Protocol):
    """The process of one life of a node, as its leader sees it."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    @property
    def life(self) -> int:
        """Which life of its node it runs."""
        ...

    async def wait(self) -> Exit:
        """Return once the process has ended."""
        ...

    @property
    def visible(self) -> bool:
        """Whether it can be seen to stand still: not on another host, nor where no system tells."""
        ...

    def standstill(self) -> int | None:
        """Return which standstill it is in, held stopped by its operating system; None if in none.

        The number is another one when something of it has run in between.
        """
        ...

    def hang_up(self) -> None:
        """Let it leave in order."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


class Worker(Protocol):
    """Runs one actor's blocking work outside the event loop, as many pieces at once as it has threads."""

    async def run(self, work: Callable[[], R]) -> R:
        """Return what `work` returns; when the caller is cancelled, it runs out unheard."""
        ...

    def close(self) -> None:
        """Begin no further work."""
        ...


class State(Protocol):
    """A runtime's durable state, held for as long as it runs."""

    def claim(self) -> JournalClaim:
        """Return the right to a journal; it ends where a later one is used."""
        ...

    def close(self) -> None:
        """Let go of it; called again it does nothing."""
        ...


class Host(Protocol):
    """How one node reaches the outside."""

    @property
    def now(self) -> Callable[[], float]:
        """The node's monotonic clock, in seconds."""
        ...

    @property
    def pid(self) -> int:
        """The node's process."""
        ...

    @property
    def roster(self) -> Roster:
        """Who may connect to the node, where connections are encrypted."""
        ...

    def open_transport(self, node: str, life: int) -> Transport:
        """Return the sockets of one life of a node, bound.

        Raises:
            SpawnError: They cannot be bound.
        """
        ...

    def open_worker(self, actor: str, threads: int) -> Worker:
        """Return what runs an actor's blocking work, on so many threads."""
        ...

    def open_store(self, place: str) -> Store:
        """Return the journals at a place, for the durable actors of this node."""
        ...

    def usage(self) -> Usage:
        """Return what the node's process has used."""
        ...

    def attach(self, node: Node) -> None:
        """Take notice of the node that lives here from now on; a simulator watches it."""
        ...

    def open_cards(self) -> Cards[Any] | None:
        """Return the process's CUDA devices; None where tensors on one are copied to memory.

        Nothing is loaded or opened before a tensor needs it.
        """
        ...

    def open_memory(self) -> SegmentStore | None:
        """Return the memory that nodes of this host share, if there is any."""
        ...


class LeaderHost(Host, Protocol):
    """How a leader reaches the outside: it starts processes, and holds the run directory."""

    @property
    def directory(self) -> Path:
        """The run directory, once it is open."""
        ...

    def open(self) -> None:
        """Take hold of a run directory.

        Raises:
            SpawnError: There is no place for one.
        """
        ...

    def new_cookie(self) -> str:
        """Return a fresh secret for a runtime."""
        ...

    def publish(self, *, endpoint: str, cookie: str, topology: str) -> None:
        """Write down what others need to find the runtime."""
        ...

    def start_process(self, config: NodeConfig) -> Process:
        """Start the process of one life of a node."""
        ...

    def open_state(self, path: Path | None, *, resume: bool, discard: bool) -> State:
        """Take hold of the directory in which durable actors keep what outlives the runtime.

        Args:
            path: Where it is; the user's usual place for a runtime of this name if None.
            resume: Go on from what an earlier run left.
            discard: Remove what an earlier run left.

        Raises:
            StateError: It cannot be used, or neither was said although there is something.
        """
        ...

    def remove(self) -> None:
        """Remove the run directory with everything in it."""
        ...

    def close(self) -> None:
        """Remove the run directory and let go of it."""
        ...
