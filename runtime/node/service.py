"""The system actor of every node: what other nodes may ask of it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ...actors.actor import Actor
from ...actors.handler import HandlerSpec, handler, handlers_of
from ...actors.ref import ActorRef, reference_type
from ...protocols.address import Address, service_address
from ...protocols.control import (
    ActorDown,
    ActorStatus,
    DeadLetter,
    HandlerInfo,
    MemoryStatistics,
    NodeDown,
    NodeInfo,
    NodeStatistics,
    SpawnRequest,
)
from ...protocols.errors import (
    CodecError,
    DeadActorError,
    HandshakeError,
    NodeDeadError,
    PasselError,
    SpawnError,
    StateError,
)
from ..loading import check_allowed, check_signature, load_class
from .arguments import unpack_arguments
from .start_failure import start_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .node import Node

_SPAWN_ERRORS = (SpawnError, HandshakeError, StateError)


class NodeService(Actor):
    """Spawns, stops, watches and counts on behalf of others. All handlers are concurrent.

    Args:
        node: The node it serves.
        main_path: File of the program's `__main__`, for classes defined there.
        leave: Ends the node's process in order.
        allow: Modules that a spawn may name, each with what lies below it; None for any.
    """

    def __init__(
        self,
        node: Node,
        main_path: str,
        leave: Callable[[], None],
        allow: Sequence[str] | None = None,
    ) -> None:
        self._node = node
        self._main_path = main_path
        self._leave = leave
        self._allow = allow

    @handler(concurrent=True, raises=_SPAWN_ERRORS)
    async def spawn(self, request: SpawnRequest) -> Address:
        """Start an actor of a class that this node can import."""
        node = self._node
        check_allowed(request.class_path, self._allow)
        actor_class = load_class(request.class_path, main_path=self._main_path)
        check_signature(actor_class, request.class_path, request.signature, node.name)
        node.learn_class(actor_class)
        try:
            keywords = unpack_arguments(node.codec, actor_class, request.arguments)
        except CodecError as error:
            raise SpawnError(f"actor of class {request.class_path}", str(error)) from None
        await node.until_free(request.name)
        cell = node.new_cell(
            actor_class,
            (),
            keywords,
            name=request.name,
            capacity=request.capacity,
            mailbox=request.mailbox,
            supervision=request.supervision,
            parent=request.parent,
            durability=request.durability,
        )
        await node.start_cell(cell)
        return cell.address

    @handler(concurrent=True)
    async def stop(self, address: Address, drain: bool, grace: float) -> None:
        """Stop an actor; returns when it is stopped, at once when it is not there."""
        cell = self._node.cell_of(address)
        if cell is not None:
            await self._node.stop_cell(cell, "it was stopped", drain=drain, grace=grace)

    @handler(concurrent=True)
    async def stop_all(self, names: list[str], grace: float) -> None:
        """Stop the named actors of this node, in the given order."""
        await self._node.stop_actors(names, grace=grace)

    @handler(concurrent=True)
    async def watch(self, address: Address) -> ActorDown:
        """Return once the actor is gone."""
        return await self._node.watch_cell(address)

    @handler(concurrent=True)
    async def halt(self, address: Address) -> None:
        """End the present object of an actor, but not the actor; at once when it is not there."""
        cell = self._node.cell_of(address)
        if cell is not None:
            await cell.halt()

    @handler(concurrent=True, raises=(DeadActorError, SpawnError))
    async def restart(self, address: Address) -> None:
        """Make an actor anew that was halted; returns when its `started` has run."""
        cell = self._node.cell_of(address)
        if cell is None:
            raise DeadActorError(address, "it has stopped")
        try:
            await cell.restart()
        except PasselError:
            raise
        except Exception as error:  # noqa: BLE001  # a supervisor's edge
            failure = start_failure(cell, error)
            raise failure from failure.__cause__

    @handler(concurrent=True)
    async def child_failed(self, parent: Address, child: str, what: str) -> None:
        """A child elsewhere of an actor of this node has escalated its failure to it."""
        self._node.family.child_failed(parent, child, what)

    @handler(concurrent=True, raises=(DeadActorError,))
    async def describe(self, name: str) -> list[HandlerInfo]:
        """Return the handlers of an actor of this node."""
        cell = self._node.cells.get(name)
        if cell is None or cell.actor is None:
            raise DeadActorError(f"{self._node.name}/{name}", "it is not on this node")
        return [
            HandlerInfo(
                name=spec.name,
                parameters=tuple(p.name for p in spec.parameters),
                is_stream=spec.is_stream,
                signature=spec.describe(),
                defaults=_defaults(self._node, spec),
            )
            for spec in handlers_of(type(cell.actor)).values()
        ]

    @handler(concurrent=True)
    async def statistics(self) -> NodeStatistics:
        """Return the node's counters and its actors."""
        return statistics_of(self._node)

    @handler(concurrent=True)
    async def dead_letters(self) -> list[DeadLetter]:
        """Return the latest messages that reached no handler, the oldest first."""
        return letters_of(self._node)

    @handler(concurrent=True)
    async def clock(self) -> float:
        """Return the time on this node's monotonic clock; also a sign that its loop turns."""
        return self._node.now()

    @handler(concurrent=True)
    async def peer_down(self, down: NodeDown) -> None:
        """Another node's process has ended."""
        self._node.router.peer_died(error_of_down(down), down.life, gone=down.gone)

    @handler(concurrent=True)
    async def peer_up(self, info: NodeInfo) -> None:
        """Another node, or a new life of it, is there, and may connect."""
        self._node.host.roster.learn(info)

    @handler(concurrent=True)
    async def leave(self) -> None:
        """End the node's process in order."""
        self._leave()


def _defaults(node: Node, spec: HandlerSpec) -> dict[str, Any]:
    """Return the default values of a handler's parameters that can travel."""
    found: dict[str, Any] = {}
    for parameter in spec.parameters:
        if parameter.default is not parameter.empty:
            with contextlib.suppress(CodecError):
                node.codec.encode(parameter.default)
                found[parameter.name] = parameter.default
    return found


def letters_of(node: Node) -> list[DeadLetter]:
    """Return the dead letters that a node keeps, with their age."""
    now = node.now()
    return [msgspec.structs.replace(letter, ago=now - letter.at) for letter in node.letters]


def statistics_of(node: Node) -> NodeStatistics:
    """Return a node's counters and its ordinary actors."""
    actors = [
        ActorStatus(
            name=cell.address.actor,
            class_name=type(cell.actor).__qualname__ if cell.actor is not None else "?",
            state=cell.state,
            mailbox=cell.depth,
            handled=cell.handled,
            failed=cell.failed,
            restarts=cell.restarts,
            group=cell.supervision.group,
            last_failure=cell.recovery.last if cell.recovery is not None else "",
        )
        for cell in node.cells.values()
        if not cell.address.actor.startswith("@")
    ]
    counters = node.counters
    usage = node.host.usage()
    links = list(node.router.links.values())
    return NodeStatistics(
        node=node.name,
        life=node.life,
        pid=node.info.pid,
        actors=actors,
        dead_letters=counters.dead_letters,
        refused=counters.refused,
        late_replies=counters.late_replies,
        failed_tells=counters.failed_tells,
        restarts=counters.restarts,
        given_up=counters.given_up,
        sent=sum(link.sent for link in links),
        received=sum(link.received for link in links),
        asks=node.meter.statistics(),
        cpu_seconds=usage.cpu_seconds,
        memory_bytes=usage.memory_bytes,
        resent=sum(link.flow.resent for link in links),
        possibly_lost=counters.possibly_lost,
        dropped=sum(link.flow.dropped for link in links),
        shared_memory=node.memory.statistics if node.memory is not None else MemoryStatistics(),
        card_memory=node.cards.statistics if node.cards is not None else MemoryStatistics(),
    )


def error_of_down(down: NodeDown) -> NodeDeadError:
    """Return the error that everything pending on a dead node ends with."""
    return NodeDeadError(
        down.node,
        down.node,
        exit_code=down.exit_code,
        signal=down.signal,
        stderr_tail=down.stderr_tail,
        note=down.note,
    )


def service_of(node: Node, name: str, life: int) -> ActorRef[NodeService]:
    """Return a reference to the system actor of one life of a node."""
    ref = node.reference(reference_type(NodeService), service_address(name, life))
    return cast("ActorRef[NodeService]", ref)
