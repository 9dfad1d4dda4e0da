"""A node: one event loop's worth of actors, and its links to other nodes."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from ...actors.handler import class_path, handlers_of, signature_of
from ...actors.ref import Reference, parts_of, reference_type
from ...protocols.address import LIFE_SHIFT, MAILBOX_POLICIES, Address
from ...protocols.cards import card_of
from ...protocols.codec import Codec
from ...protocols.control import ActorDown, DeadLetter, Durability, NodeInfo, Supervision
from ...protocols.errors import (
    DeadActorError,
    NodeDeadError,
    PasselError,
    RuntimeClosedError,
    SharedMemoryError,
    SpawnError,
)
from ...protocols.log import log
from ..delivery.wheel import DeadlineWheel
from ..memory import NodeCards, NodeMemory
from ..telemetry.meter import Meter
from .cell import Cell
from .durable_cell import DurableCell
from .family import Family
from .keyed import Keyed
from .receiver import Receiver
from .recipe import Recipe
from .router import Router
from .sender import NodeSender
from .sending import Sending
from .service import service_of
from .start_failure import start_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ...actors.actor import Actor
    from ...actors.handler import HandlerSpec
    from ..durable.store import Store
    from ..supervision.overseer import Overseer
    from ..telemetry.tracing import Tracer
    from ..transport.seam import Transport
    from .cell import Delivery
    from .host import Host
    from .link import Link

_REVIVAL_SECONDS: Final = 2.0

DEAD_LETTERS_KEPT: Final = 1_000
"""How many of the latest dead letters a node keeps for reading; all of them are counted."""

ENDS_KEPT: Final = 1_000
"""How many of its latest gone actors a node knows the end of."""


class Counters:
    """What a node counts."""

    def __init__(self) -> None:
        self.dead_letters = 0
        self.possibly_lost = 0
        self.refused = 0
        self.late_replies = 0
        self.failed_tells = 0
        self.restarts = 0
        self.given_up = 0


class Node:
    """One life of one node.

    Args:
        name: Its name in the runtime.
        life: Which life of it, from 1.
        group: The task group that owns every task of the node.
        host: How it reaches the outside: clock, sockets, threads.
        cookie: The runtime's secret; a peer without it is refused.
        isolate: Encode messages between this node's own actors too.
        shared_memory: Most bytes of its slots of shared memory; 0 for none, None for a quarter
            of what the host has.
        card_memory: Most bytes of its slots on each card; 0 for none, None for a sixteenth.
        seed: Seeds the randomness of its actors.
    """

    no_specs: Final[dict[str, HandlerSpec]] = {}

    def __init__(
        self,
        name: str,
        life: int,
        *,
        group: asyncio.TaskGroup,
        host: Host,
        cookie: str,
        isolate: bool = False,
        shared_memory: int | None = None,
        card_memory: int | None = None,
        seed: int = 0,
    ) -> None:
        self.name = name
        self.life = life
        self.loop = asyncio.get_running_loop()
        self.host = host
        self.now = host.now
        self.cookie = cookie
        cards = host.open_cards()
        self.cards = (
            NodeCards(cards, (name, life), loop=self.loop, now=self.now, limit=card_memory)
            if cards is not None
            else None
        )
        self.codec = Codec(Reference, address_of, self.reference, self.cards)
        self.wheel = DeadlineWheel(self.loop, self.now)
        self.counters = Counters()
        self.meter = Meter()
        self.tracer: Tracer | None = None
        self.letters: deque[DeadLetter] = deque(maxlen=DEAD_LETTERS_KEPT)
        self.cells: dict[str, Cell] = {}
        self.cell_class: type[Cell] = Cell
        self.durable_class = DurableCell
        self.ends: dict[tuple[str, int], str] = {}
        self.random = random.Random(f"{seed}/{name}/{life}")  # noqa: S311  # for actors, not secrets
        self.sender = NodeSender(self)
        self.router = Router(self)
        self.receiver = Receiver(self)
        self.family = Family(self)
        self.overseer: Overseer | None = None
        self.classes: dict[str, str] = {}
        self.report: Callable[[str, str, str, BaseException | None], None] = lambda *_: None
        self.cast_out: Callable[[int], None] = lambda _life: None
        self.closed = False
        self.leaving = False
        self._group = group
        self.isolate = isolate
        self._serial = 0
        store = host.open_memory() if shared_memory != 0 else None
        self.memory = (
            NodeMemory(store, (name, life), loop=self.loop, now=self.now, limit=shared_memory)
            if store is not None
            else None
        )
        self._stores: dict[str, Store] = {}
        self.transport: Transport | None = host.open_transport(name, life)
        self.transport.start(self.receiver.on_batch, self.receiver.refuse)
        host.attach(self)

    @property
    def endpoint(self) -> str:
        """Where other nodes reach this one, or an empty text."""
        return self.transport.endpoint if self.transport is not None else ""

    @property
    def identity(self) -> bytes:
        """What peers know this life of the node by."""
        return f"{self.name}/{self.life}".encode()

    @property
    def info(self) -> NodeInfo:
        """What others need to reach it."""
        return NodeInfo(node=self.name, life=self.life, endpoint=self.endpoint, pid=self.host.pid)

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
        mailbox: str = "wait",
        supervision: Supervision | None = None,
        parent: Address | None = None,
        durability: Durability | None = None,
        serial: int | None = None,
    ) -> Cell:
        """Enter an actor into the node's table; `start` it next.

        Raises:
            SpawnError: The name is in use on this node, the capacity is not positive, or there is
                no such policy for a full mailbox.
        """
        if self.closed:
            raise RuntimeClosedError(f"node {self.name}")
        if capacity < 1:
            raise SpawnError(f"actor {name or actor_class.__qualname__}", "capacity must be >= 1")
        if mailbox not in MAILBOX_POLICIES:
            reason = f"mailbox={mailbox!r} is no policy; choose {', '.join(MAILBOX_POLICIES)}"
            raise SpawnError(f"actor {name or actor_class.__qualname__}", reason)
        if serial is None:
            self._serial = serial = self._serial + 1
        name = name or f"{actor_class.__qualname__}#{serial}"
        if name in self.cells:
            raise SpawnError(f"actor {name}", "the name is in use on its node")
        if durability is not None and mailbox == "drop_oldest":
            reason = "a durable actor drops nothing; choose another policy for its mailbox"
            raise SpawnError(f"actor {name}", reason)
        incarnation = self.life << LIFE_SHIFT | serial
        address = Address(
            self.name,
            name,
            incarnation,
            capacity,
            durability is not None,
            MAILBOX_POLICIES.index(mailbox),
        )

        recipe = Recipe(actor_class, arguments, keywords)
        cell = self.cell_class(self, address, recipe, supervision or _DEFAULT_SUPERVISION, parent)
        cell.specs = handlers_of(actor_class)
        if durability is not None:
            cell.durable = self.durable_class(cell, self, durability)
        self.cells[name] = cell
        return cell

    def store(self, place: str) -> Store:
        """Return the store of journals at a place, opened at its first use."""
        found = self._stores.get(place)
        if found is None:
            found = self._stores[place] = self.host.open_store(place)
        return found

    async def until_free(self, name: str) -> None:
        """Wait while an actor of this name is about to be gone from this node."""
        cell = self.cells.get(name)
        if cell is not None and cell.state == "stopping":
            await self.watch_cell(cell.address)

    async def start_cell(self, cell: Cell) -> None:
        """Run the actor's constructor and `started`; on an error the cell is gone again.

        Raises:
            SpawnError: They raised.
            StateError: Its journal cannot be gone on from.
        """
        try:
            await cell.start()
        except BaseException as error:
            await cell.discard("it could not be started")
            self.cells.pop(cell.address.actor, None)
            failure = start_failure(cell, error)
            if failure is error:
                raise
            raise failure from failure.__cause__

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
            self._remember(cell.address, reason)
            if self.cells.get(cell.address.actor) is cell:
                del self.cells[cell.address.actor]
        if cell.address.named and self.router.locator is not None and not self.leaving:
            with contextlib.suppress(PasselError):  # the directory is gone: so is the name
                await self.router.locator.release(cell.address)
        log.debug("actor stopped", actor=cell.key, reason=reason)

    def _remember(self, address: Address, reason: str) -> None:
        """Keep why an actor is gone for those who ask it later, up to a bound."""
        self.ends[address.actor, address.incarnation] = reason
        if len(self.ends) > ENDS_KEPT:
            del self.ends[next(iter(self.ends))]

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
            reason = self.ends.get((address.actor, address.incarnation), "it is not there")
            return ActorDown(address=address, reason=reason)
        waiter: asyncio.Future[str] = self.loop.create_future()
        if cell.watchers is None:
            cell.watchers = []
        cell.watchers.append(waiter)
        try:
            return ActorDown(address=address, reason=await waiter)
        finally:
            cell.watchers.remove(waiter)

    def peer_gone(self, link: Link, told: int) -> None:
        """A link is over: forget its node, and say how many tells to it may be lost."""
        for cell in self.cells.values():
            cell.forget(link)
        if told and not self.closed:
            self.counters.possibly_lost += told
            what = f"{told} tells to node {link.node} were not known to be handled when it died"
            log.warning("tells possibly lost", peer=link.node, count=told)
            self.report("tells possibly lost", link.node, what, None)

    def dead_letter(self, request: Delivery, reason: str) -> None:
        """Count a request that reaches no handler, and keep it for reading."""
        if isinstance(request, Keyed):
            request = request.first
        target = request.target if isinstance(request, Sending) else request.cell
        self.letter(request.source, target.key, request.spec.name, reason)

    def letter(self, source: str, target: str, method: str, reason: str) -> None:
        """Count a message that reaches no handler, and keep it for reading."""
        self.counters.dead_letters += 1
        self.letters.append(
            DeadLetter(source=source, target=target, method=method, reason=reason, at=self.now())
        )

    async def stop(self, ref: Reference, *, drain: bool = False, grace: float = 5.0) -> None:
        """Stop an actor anywhere; returns when it is stopped, also when it was already.

        A named one whose node has died is stopped where it lives again.
        """
        address = await self.router.latest(ref)
        if not self.router.has_died(address):
            try:
                await self._stop_at(address, drain=drain, grace=grace)
            except NodeDeadError:
                pass
            else:
                return
        if address.named:
            with contextlib.suppress(PasselError, TimeoutError):
                async with asyncio.timeout(grace + _REVIVAL_SECONDS):
                    again = await self.router.find(address.actor)
                await self._stop_at(again, drain=drain, grace=grace)

    async def _stop_at(self, address: Address, *, drain: bool, grace: float) -> None:
        if address.node == self.name and address.life == self.life:
            cell = self.cell_of(address)
            if cell is not None:
                await self.stop_cell(cell, "it was stopped", drain=drain, grace=grace)
            return
        service = service_of(self, address.node, address.life)
        try:
            await service.stop.options(timeout=grace + 10.0)(address, drain, grace)
        except NodeDeadError:
            raise
        except DeadActorError:
            pass  # so it has stopped

    async def watch(self, ref: Reference) -> ActorDown:
        """Wait until an actor anywhere is gone, and return why."""
        address = await self.router.latest(ref)
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
        address = await self.router.find(name)
        return self.reference(reference_type(actor_class), address)

    def named(self, name: str, actor_class: type) -> Reference:
        """Return a reference that is looked up when its first message is sent."""
        return self.reference(reference_type(actor_class), Address("", name, 0))

    def share(self, array: Any) -> Any:
        """Return a copy of an array that lies in shared memory, or on its card; see `Runtime.share`.

        Raises:
            SharedMemoryError: There is no room for it.
        """
        card = card_of(array)
        if card is not None and self.cards is not None:
            return self.cards.share(array, card)
        if self.memory is None:
            raise SharedMemoryError("an array", f"node {self.name} has no shared memory")
        return self.memory.share(array)

    async def stop_actors(self, names: list[str], *, grace: float) -> None:
        """Stop actors of this node, one after the other; `grace` is for all of them together."""
        until = self.now() + grace
        for name in names:
            cell = self.cells.get(name)
            if cell is not None:
                left = max(0.0, until - self.now())
                await self.stop_cell(cell, "the runtime stopped", grace=left)

    async def close(self, *, grace: float = 5.0) -> None:
        """Stop every actor, latest first, say goodbye to peers and close the sockets."""
        if self.closed:
            return
        self.leaving = True  # names are freed with the process, and its leader may be gone
        ordinary = [n for n in reversed(self.cells) if not n.startswith("@")]
        await self.stop_actors(ordinary, grace=grace)
        self.closed = True
        for cell in list(self.cells.values()):
            await self.stop_cell(cell, "the node stopped", grace=0.0)
        for store in self._stores.values():
            await store.aclose()
        self.receiver.visitors.close()
        self.router.close()
        self.wheel.close()
        self.close_sockets()

    def close_sockets(self) -> None:
        """Close the sockets and the shared memory; called again it does nothing."""
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.close()
        if self.memory is not None:
            self.memory.close()
        if self.cards is not None:
            self.cards.close()


def address_of(ref: Reference) -> Address:
    """Return the address that a reference carries; what the codec puts on the wire."""
    return parts_of(ref)[0]


_DEFAULT_SUPERVISION: Final = Supervision()
