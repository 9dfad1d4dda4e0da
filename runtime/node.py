"""A node: one event loop's worth of actors, and its links to other nodes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from ..actors.handler import class_path, handlers_of, signature_of
from ..actors.ref import Reference, reference_type
from ..protocols.address import LIFE_SHIFT, Address
from ..protocols.batch import pack_batch
from ..protocols.codec import Codec
from ..protocols.control import ActorDown, DeadLetter, NodeInfo, SpawnRequest, Supervision
from ..protocols.envelope import Goodbye, Hello
from ..protocols.errors import (
    DeadActorError,
    NodeDeadError,
    PasselError,
    RuntimeClosedError,
    SpawnError,
)
from ..protocols.limits import PROTOCOL_VERSION
from ..protocols.log import log
from .cell import Cell
from .context import ActorContext
from .link import Link
from .receiver import Receiver
from .sender import NodeSender
from .sending import Sending
from .service import service_of
from .target import LocalTarget, MovingTarget, Target
from .transport import LoopbackOutlet
from .wheel import DeadlineWheel

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ..actors.actor import Actor
    from ..actors.handler import HandlerSpec
    from .cell import Delivery
    from .locator import Locator
    from .transport import Transport

DEAD_LETTERS_KEPT: Final = 1_000
"""How many of the latest dead letters a node keeps for reading; all of them are counted."""


_LOOKUP_SECONDS: Final = 60.0


class Counters:
    """What a node counts."""

    def __init__(self) -> None:
        self.dead_letters = 0
        self.refused = 0
        self.late_replies = 0
        self.failed_tells = 0


class Node:
    """One life of one node.

    Args:
        name: Its name in the runtime.
        life: Which life of it, from 1.
        group: The task group that owns every task of the node.
        transport: Its sockets, or None for a node that nobody else reaches.
        cookie: The runtime's secret; a peer without it is refused.
        isolate: Encode messages between this node's own actors too.
        seed: Seeds the randomness of its actors.
    """

    no_specs: Final[dict[str, HandlerSpec]] = {}

    def __init__(
        self,
        name: str,
        life: int,
        *,
        group: asyncio.TaskGroup,
        transport: Transport | None,
        cookie: str,
        isolate: bool = False,
        seed: int = 0,
    ) -> None:
        self.name = name
        self.life = life
        self.loop = asyncio.get_running_loop()
        self.now = self.loop.time
        self.cookie = cookie
        self.codec = Codec(Reference, address_of, self.reference)
        self.wheel = DeadlineWheel(self.loop)
        self.counters = Counters()
        self.letters: deque[DeadLetter] = deque(maxlen=DEAD_LETTERS_KEPT)
        self.cells: dict[str, Cell] = {}
        self.links: dict[str, Link] = {}
        self.peers: dict[str, NodeInfo] = {}
        self.names: dict[str, Address] = {}
        self.random = random.Random(f"{seed}/{name}/{life}")  # noqa: S311  # for actors, not secrets
        self.sender = NodeSender(self)
        self.receiver = Receiver(self)
        self.locator: Locator | None = None
        self.classes: dict[str, str] = {}
        self.placed: Callable[[str, SpawnRequest], None] = lambda _node, _request: None
        self.closed = False
        self._group = group
        self._transport = transport
        self._isolate = isolate
        self._serial = 0
        self._moving: dict[str, MovingTarget] = {}
        if transport is not None:
            transport.start(self.receiver.on_batch)

    @property
    def endpoint(self) -> str:
        """Where other nodes reach this one, or an empty text."""
        return self._transport.endpoint if self._transport is not None else ""

    @property
    def identity(self) -> bytes:
        """What peers know this life of the node by."""
        return f"{self.name}/{self.life}".encode()

    @property
    def info(self) -> NodeInfo:
        """What others need to reach it."""
        return NodeInfo(node=self.name, life=self.life, endpoint=self.endpoint, pid=os.getpid())

    def start_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` as a task that ends with the node."""
        return self._group.create_task(work)

    def reference(self, kind: type, address: Address) -> Reference:
        """Return a reference of class `kind` to an address."""
        found: Reference = kind(address, self.sender)
        return found

    # Actors of this node.

    def new_cell(
        self,
        actor_class: type[Actor],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
        *,
        name: str = "",
        capacity: int = 1024,
        supervision: Supervision | None = None,
        serial: int | None = None,
    ) -> Cell:
        """Enter an actor into the node's table; `start` it next.

        Raises:
            SpawnError: The name is in use on this node, or the capacity is not positive.
        """
        if self.closed:
            raise RuntimeClosedError(f"node {self.name}")
        if capacity < 1:
            raise SpawnError(f"actor {name or actor_class.__qualname__}", "capacity must be >= 1")
        if serial is None:
            self._serial = serial = self._serial + 1
        name = name or f"{actor_class.__qualname__}#{serial}"
        if name in self.cells:
            raise SpawnError(f"actor {name}", "the name is in use on its node")
        address = Address(self.name, name, self.life << LIFE_SHIFT | serial, capacity)

        def make(cell: Cell) -> Actor:
            actor = actor_class.__new__(actor_class)
            actor.context = ActorContext(cell, self)
            actor.__init__(*arguments, **keywords)  # type: ignore[misc]  # after context is set
            return actor

        cell = Cell(self, address, make, supervision or _DEFAULT_SUPERVISION)
        cell.specs = handlers_of(actor_class)
        self.cells[name] = cell
        return cell

    async def start_cell(self, cell: Cell) -> None:
        """Run the actor's constructor and `started`; on an error the cell is gone again.

        Raises:
            SpawnError: They raised.
        """
        try:
            await cell.start()
        except BaseException as error:
            cell.close("it could not be started")
            self.cells.pop(cell.address.actor, None)
            if isinstance(error, Exception) and not isinstance(error, SpawnError):
                reason = f"{type(error).__name__}: {error}"
                raise SpawnError(f"actor {cell.key}", reason) from error
            raise

    def learn_class(self, actor_class: type[Actor]) -> None:
        """Remember the signatures of a class; links compare them when they are made."""
        if "<locals>" not in actor_class.__qualname__:
            self.classes.setdefault(class_path(actor_class), signature_of(actor_class))

    def local_reference(self, cell: Cell, actor_class: type) -> Reference:
        """Return a reference to an actor of this node."""
        return self.reference(reference_type(actor_class), cell.address)

    async def stop_cell(
        self, cell: Cell, reason: str, *, drain: bool = False, grace: float = 5.0
    ) -> None:
        """Stop an actor of this node and release its name; returns when it is stopped.

        The stop goes on when its caller is cancelled: the caller may be what is being stopped.
        """
        if cell.ending is None:
            asker = asyncio.current_task()
            work = self._end_cell(cell, reason, drain=drain, grace=grace, asker=asker)
            cell.ending = self.start_task(work)
        await asyncio.shield(cell.ending)

    async def _end_cell(
        self,
        cell: Cell,
        reason: str,
        *,
        drain: bool,
        grace: float,
        asker: asyncio.Task[Any] | None,
    ) -> None:
        try:
            await cell.finish(reason, drain=drain, grace=grace, asker=asker)
        finally:
            cell.close(reason)
            if self.cells.get(cell.address.actor) is cell:
                del self.cells[cell.address.actor]
        if cell.address.named and self.locator is not None and not self.closed:
            with contextlib.suppress(PasselError):  # the directory is gone: so is the name
                await self.locator.release(cell.address)
        log.debug("actor stopped", actor=cell.key, reason=reason)

    def cell_of(self, address: Address) -> Cell | None:
        """Return the living actor of this node at `address`."""
        cell = self.cells.get(address.actor)
        return (
            cell if cell is not None and cell.address.incarnation == address.incarnation else None
        )

    async def watch_cell(self, address: Address) -> ActorDown:
        """Wait until an actor of this node is gone; at once when it is."""
        cell = self.cell_of(address)
        if cell is None:
            return ActorDown(address=address, reason="it is not there")
        waiter: asyncio.Future[str] = self.loop.create_future()
        if cell.watchers is None:
            cell.watchers = []
        cell.watchers.append(waiter)
        try:
            return ActorDown(address=address, reason=await waiter)
        finally:
            cell.watchers.remove(waiter)

    def dead_letter(self, request: Delivery, reason: str) -> None:
        """Count a request that reaches no handler, and keep it for reading."""
        target = request.target if isinstance(request, Sending) else request.cell
        self.letter(request.source, target.key, request.spec.name, reason)

    def letter(self, source: str, target: str, method: str, reason: str) -> None:
        """Count a message that reaches no handler, and keep it for reading."""
        self.counters.dead_letters += 1
        self.letters.append(
            DeadLetter(source=source, target=target, method=method, reason=reason, at=self.now())
        )

    async def stop(self, ref: Reference, *, drain: bool = False, grace: float = 5.0) -> None:
        """Stop an actor anywhere; returns when it is stopped, also when it was already."""
        address = await self._latest(ref)
        if address.node == self.name and address.life == self.life:
            cell = self.cell_of(address)
            if cell is not None:
                await self.stop_cell(cell, "it was stopped", drain=drain, grace=grace)
            return
        service = service_of(self, address.node, address.life)
        with contextlib.suppress(DeadActorError):
            await service.stop.options(timeout=grace + 10.0)(address, drain, grace)

    async def watch(self, ref: Reference) -> ActorDown:
        """Wait until an actor anywhere is gone, and return why."""
        address = await self._latest(ref)
        if address.node == self.name and address.life == self.life:
            return await self.watch_cell(address)
        service = service_of(self, address.node, address.life)
        try:
            return await service.watch.options(timeout=None)(address)
        except NodeDeadError as error:
            return ActorDown(
                address=address,
                reason=error.reason,
                exit_code=error.exit_code,
                signal=error.signal,
                stderr_tail=error.stderr_tail,
            )
        except DeadActorError as error:
            return ActorDown(address=address, reason=error.reason)

    async def lookup(self, name: str, actor_class: type) -> Reference:
        """Return a reference to the named actor.

        Raises:
            DeadActorError: No living actor has the name.
        """
        if self.locator is None:
            raise DeadActorError(name, "this node has no directory")
        address = await self.locator.lookup(name)
        return self.reference(reference_type(actor_class), address)

    def named(self, name: str, actor_class: type) -> Reference:
        """Return a reference that is looked up when its first message is sent."""
        return self.reference(reference_type(actor_class), Address("", name, 0))

    async def _latest(self, ref: Reference) -> Address:
        """Return where the actor is now, as far as this node knows."""
        address = address_of(ref)
        if not address.named:
            return address
        address = self.names.get(address.actor, address)
        if address.incarnation == 0 and self.locator is not None:
            with contextlib.suppress(DeadActorError):
                return await self.locator.lookup(address.actor)
        return address

    # The way to other actors.

    def route(self, ref: Reference) -> Target:
        """Return the target that a reference leads to now.

        Raises:
            DeadActorError: The actor is gone and has no name to find it by.
        """
        address = ref._address  # noqa: SLF001  # references and nodes share the route
        gone: Target | None = ref._target  # noqa: SLF001
        if address.named:
            address = self.names.get(address.actor, address)
        elif gone is not None:
            raise self._death_of(address)
        if address.incarnation == 0 or (
            gone is not None and gone.address.incarnation == address.incarnation
        ):
            target: Target = self._look_up(address)
        else:
            target = self._target_at(address)
            if target.closed:
                if not address.named:
                    raise self._death_of(address)
                target = self._look_up(address)
        ref._target = target  # noqa: SLF001
        return target

    def _target_at(self, address: Address) -> Target:
        if address.node == self.name and address.life == self.life and not self._isolate:
            cell = self.cell_of(address)
            if cell is None:
                target = Target(address)
                target.closed = True
                return target
            if cell.target is None:
                cell.target = LocalTarget(address, cell)
            found: LocalTarget = cell.target
            return found
        return self.link_to(address.node, address.life).target(address)

    def _death_of(self, address: Address) -> DeadActorError:
        link = self.links.get(address.node)
        if link is not None and link.dead is not None and link.life == address.life:
            return link.dead
        return DeadActorError(address, "it has stopped")

    def _look_up(self, address: Address) -> MovingTarget:
        name = address.actor
        moving = self._moving.get(name)
        if moving is None:
            moving = self._moving[name] = MovingTarget(address)
            self.start_task(self._settle(moving, address))
        return moving

    async def _settle(self, moving: MovingTarget, old: Address) -> None:
        """Find the new place of a named actor and send on what waited for it."""
        error = DeadActorError(old, "it has stopped, and no actor has its name now")
        try:
            if self.locator is None:
                moving.close(error)
                return
            async with asyncio.timeout(_LOOKUP_SECONDS):
                address = await self.locator.lookup(old.actor)
        except (PasselError, TimeoutError):
            moving.close(error)
        else:
            self.names[old.actor] = address
            target = self._target_at(address)
            if target.closed:
                moving.close(self._death_of(address))
            else:
                moving.settle(target)
        finally:
            self._moving.pop(old.actor, None)

    def link_to(self, node: str, life: int) -> Link:
        """Return the link to one life of a node, begun if need be."""
        link = self.links.get(node)
        if link is not None and link.life >= life:
            if link.life == life or node == self.name:
                return link
            stale = Link(node, life, loop=self.loop, codec=self.codec)
            stale.fail(NodeDeadError(node, node))
            return stale
        link = self.links[node] = Link(node, life, loop=self.loop, codec=self.codec)
        if node == self.name:
            self._connect_to_self(link)
        else:
            peer = self.peers.get(node)
            if peer is not None and peer.life == life:
                self.connect(link, peer)
            else:
                self.start_task(self._find(link))
        return link

    def connect(self, link: Link, peer: NodeInfo) -> None:
        """Give a link its sockets."""
        if link.connected or link.dead is not None:
            return
        if self._transport is None:
            link.fail(NodeDeadError(link.node, link.node))
        else:
            link.connect(self._transport.connect(peer.endpoint), self.hello())

    def _connect_to_self(self, link: Link) -> None:
        outlet = LoopbackOutlet(self.loop, self.identity, self.receiver.on_batch)
        link.connect(outlet, self.hello())

    async def _find(self, link: Link) -> None:
        """Learn from the leader where a node is, then connect."""
        peer = await self._locate(link.node)
        if peer is not None:
            self.peers[link.node] = peer
        if peer is not None and peer.life == link.life:
            self.connect(link, peer)
        else:
            link.fail(NodeDeadError(link.node, link.node))

    async def _locate(self, node: str) -> NodeInfo | None:
        if self.locator is None:
            return None
        try:
            async with asyncio.timeout(_LOOKUP_SECONDS):
                return await self.locator.node(node)
        except (PasselError, TimeoutError):
            return None

    def hello(self) -> Hello:
        """Return the first message of every link."""
        return Hello(
            self.name, self.life, self.endpoint, PROTOCOL_VERSION, dict(self.classes), self.cookie
        )

    def turn_away(self, hello: Hello, reason: str) -> None:
        """Tell a peer that is not let in why not, over a connection made for that."""
        if self._transport is not None and hello.endpoint:
            outlet = self._transport.connect(hello.endpoint)
            outlet.send([pack_batch([self.hello(), Goodbye(self.name, reason)])])
            outlet.close()

    def peer_died(self, error: NodeDeadError, life: int) -> None:
        """A node's process ended: fail what waits for it and forget it."""
        peer = self.peers.get(error.node)
        if peer is not None and peer.life <= life:
            del self.peers[error.node]
        self.receiver.forget(error.node, life)
        link = self.links.get(error.node)
        if link is None:
            link = self.links[error.node] = Link(error.node, life, loop=self.loop, codec=self.codec)
        if link.life <= life:
            link.fail(error)

    async def stop_actors(self, names: list[str], *, grace: float) -> None:
        """Stop actors of this node, one after the other, in the given order."""
        for name in names:
            cell = self.cells.get(name)
            if cell is not None:
                await self.stop_cell(cell, "the runtime stopped", grace=grace)

    async def close(self, *, grace: float = 5.0) -> None:
        """Stop every actor, latest first, say goodbye to peers and close the sockets."""
        if self.closed:
            return
        ordinary = [n for n in reversed(self.cells) if not n.startswith("@")]
        await self.stop_actors(ordinary, grace=grace)
        self.closed = True
        for cell in list(self.cells.values()):
            await self.stop_cell(cell, "the node stopped", grace=0.0)
        for moving in list(self._moving.values()):
            moving.close(DeadActorError(moving.address, "the node stopped"))
        for link in list(self.links.values()):
            link.close(Goodbye(self.name, ""))
            link.fail(NodeDeadError(link.node, link.node))
        self.wheel.close()
        self.close_sockets()

    def close_sockets(self) -> None:
        """Close the sockets; called again it does nothing."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()


def address_of(ref: Reference) -> Address:
    """Return the address that a reference carries; what the codec puts on the wire."""
    return ref._address  # noqa: SLF001  # the one reader outside


_DEFAULT_SUPERVISION: Final = Supervision()
