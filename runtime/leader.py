"""The leader of an open runtime: the node in this process, its system actors, and its fleet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ..protocols.address import LEADER
from .fleet import Fleet
from .health.detector import Bounds
from .life import DIRECTORY_SERIAL, SUPERVISOR_SERIAL
from .loading import load_tracer, main_file
from .names.directory import Directory
from .node.node import Node
from .node.service import NodeService
from .supervision.revival import Revival
from .supervision.supervisor import Supervisor

if TYPE_CHECKING:
    import asyncio

    from .held_state import HeldState
    from .node.host import LeaderHost
    from .supervision.root import Root

_NODE_OPTIONS = (
    "isolate", "grace", "leader_grace", "traces", "loop", "allow", "shared_memory", "card_memory",
)  # fmt: skip
"""What the processes of other nodes are told of the options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderOptions:
    """How a leader, and the nodes that it starts, are; what each means, `Runtime` says."""

    isolate: bool
    shared_memory: int | None
    card_memory: int | None
    loop: str
    allow: Sequence[str] | None
    seed: int
    grace: float
    bounds: Bounds
    leader_grace: float
    topology: str
    traces: str


class Leader:
    """What an open runtime consists of.

    Attributes:
        node: The node of this process.
        fleet: The nodes in other processes.
        names: The directory of named actors.
        supervisor: Who restarts and escalates.
    """

    def __init__(
        self,
        node: Node,
        fleet: Fleet,
        names: Directory,
        supervisor: Supervisor,
        *,
        host: LeaderHost,
        state: HeldState,
    ) -> None:
        self.node = node
        self.fleet = fleet
        self.names = names
        self.supervisor = supervisor
        self._host = host
        self._state = state

    @classmethod
    async def open(
        cls,
        group: asyncio.TaskGroup,
        host: LeaderHost,
        state: HeldState,
        root: Root,
        options: LeaderOptions,
    ) -> Leader:
        """Open run directory and socket, and start the system actors.

        Args:
            group: Owns every task of the node.
            host: How it reaches the outside.
            state: What durable actors keep.
            root: Where failures end that nobody below handles.
            options: How it is.

        Raises:
            ClassLoadError: `traces` names nothing that sets them up.
            SpawnError: There is no place for its socket, or no OpenTelemetry for traces.
            StateError: The state directory cannot be used.
            OSError: The run directory cannot be written to.
        """
        tracer = load_tracer(options.traces)
        host.open()
        node: Node | None = None
        try:
            cookie = host.new_cookie()
            state.open_if_named()
            node = Node(
                LEADER,
                1,
                group=group,
                host=host,
                cookie=cookie,
                isolate=options.isolate,
                shared_memory=options.shared_memory,
                card_memory=options.card_memory,
                seed=options.seed,
            )
            node.tracer = tracer
            names, supervisor = await _start_system(node, state, root, options)
            host.publish(endpoint=node.endpoint, cookie=cookie, topology=options.topology)
        except BaseException:
            await _let_go(node, state, host)
            raise
        fleet = Fleet(
            node,
            names,
            Revival(node, names, supervisor),
            host,
            options={name: getattr(options, name) for name in _NODE_OPTIONS},
            seed=options.seed,
            bounds=options.bounds,
        )
        return cls(node, fleet, names, supervisor, host=host, state=state)

    async def close(self, launched: Sequence[Any], *, grace: float) -> None:
        """Stop actors, those of a topology first, then nodes; let go of everything else.

        Args:
            launched: References to the topology's actors, in the order in which they are stopped.
            grace: Seconds that actors, and then processes, have.
        """
        now = self.node.now
        until = now() + grace
        try:
            self.fleet.cease()
            for ref in launched:
                await self.node.stop(ref, grace=max(0.0, until - now()))
            local = [name for name in reversed(self.node.cells) if not name.startswith("@")]
            await self.node.stop_actors(local, grace=max(0.0, until - now()))
            await self.fleet.close(grace=grace + 2.0)
        finally:
            self.fleet.kill()
            self.names.shut()
            await _let_go(self.node, self._state, self._host)

    def kill(self) -> None:
        """End the other nodes' processes and remove the run directory, at once and for good."""
        self.fleet.kill()
        self._host.remove()


async def _start_system(
    node: Node, state: HeldState, root: Root, options: LeaderOptions
) -> tuple[Directory, Supervisor]:
    """Start the leader's system actors; return those that others work with."""
    cell = node.new_cell(Directory, (), {}, name="@directory", serial=DIRECTORY_SERIAL)
    await node.start_cell(cell)
    names = cast("Directory", cell.actor)
    names.nodes[LEADER] = node.info
    names.on_claim = state.claim
    node.router.locator = names
    arguments: tuple[Any, ...] = (node, names, root.escalated)
    cell = node.new_cell(Supervisor, arguments, {}, name="@supervisor", serial=SUPERVISOR_SERIAL)
    await node.start_cell(cell)
    supervisor = node.overseer = cast("Supervisor", cell.actor)
    arguments = (node, main_file(), _stay, options.allow)
    await node.start_cell(node.new_cell(NodeService, arguments, {}, name="@node", serial=0))
    return names, supervisor


async def _let_go(node: Node | None, state: HeldState, host: LeaderHost) -> None:
    """Close node, state and run directory, whatever of them there is."""
    try:
        if node is not None:
            await node.close(grace=0.0)
    finally:
        if node is not None:
            node.close_sockets()
        state.close()
        host.close()


def _stay() -> None:
    """The leader does not leave on a peer's word."""
