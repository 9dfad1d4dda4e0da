"""The way to other actors and nodes: where a reference leads, and the links that lead there."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, NamedTuple

from ...actors.call import CURRENT_CALL
from ...protocols.batch import pack_batch
from ...protocols.envelope import Goodbye, Hello
from ...protocols.errors import DeadActorError, NodeDeadError, PasselError, ProtocolError
from ...protocols.limits import PROTOCOL_VERSION
from ..transport.seam import LoopbackOutlet
from .link import Link
from .target import LocalTarget, MovingTarget, Target

if TYPE_CHECKING:
    from ...actors.ref import Reference
    from ...protocols.address import Address
    from ...protocols.control import NodeInfo
    from ..names.locator import Locator
    from .node import Node

DEATHS_KEPT: Final = 1_000
"""How many of the latest nodes that died and are gone a node knows the end of."""

_LOOKUP_SECONDS: Final = 60.0


class _Death(NamedTuple):
    """How the latest life of a node ended that is known to be over.

    Its process may go on when it is not `gone`, and must not be taken for another one.
    """

    life: int
    error: NodeDeadError
    gone: bool


class Router:
    """One node's view of the others.

    Attributes:
        links: The link to the latest known life of each node, unless that is known to be dead.
        peers: Where nodes are reached, as far as this node knows.
        names: Where named actors were found when they had moved.
        locator: Asks the directory; None on a node that belongs to no runtime.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._moving: dict[str, MovingTarget] = {}
        self.links: dict[str, Link] = {}
        self.peers: dict[str, NodeInfo] = {}
        self.names: dict[str, Address] = {}
        self._deaths: dict[str, _Death] = {}
        self.locator: Locator | None = None

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
            raise self._death_of(address, gone.reason)
        why = gone.reason if gone is not None else ""
        if address.named and (
            address.actor in self._moving  # what waits there is not overtaken
            or address.incarnation == 0
            or not self._knows(address)
            or (gone is not None and gone.address.incarnation == address.incarnation)
        ):
            target: Target = self._look_up(address, why)
        else:
            target = self._target_at(address)
            if target.closed:
                if not address.named:
                    raise self._death_of(address)
                target = self._look_up(address, why)
        ref._target = target  # noqa: SLF001
        return target

    def _knows(self, address: Address) -> bool:
        """Return whether this node has to do with the actor's node, so hears of its death."""
        node = address.node
        if node == self._node.name:
            return address.life == self._node.life  # what lives again has references of before
        return node in self.links or node in self.peers

    def _target_at(self, address: Address) -> Target:
        if (
            address.node == self._node.name
            and address.life == self._node.life
            and not self._node.isolate
        ):
            cell = self._node.cell_of(address)
            if cell is None:
                target = Target(address)
                target.closed = True
                return target
            if cell.target is None:
                cell.target = LocalTarget(cell)
            found: LocalTarget = cell.target
            return found
        return self.link_to(address.node, address.life).target(address)

    def _death_of(self, address: Address, why: str = "") -> DeadActorError:
        death = self._deaths.get(address.node)
        if death is not None and death.life == address.life:
            return death.error.about(address)
        link = self.links.get(address.node)
        if link is not None and link.dead is not None and link.life == address.life:
            return link.dead.about(address)
        return DeadActorError(address, why or "it has stopped")

    def _look_up(self, address: Address, why: str = "") -> MovingTarget:
        name = address.actor
        moving = self._moving.get(name)
        if moving is None:
            moving = self._moving[name] = MovingTarget(address)
            self._node.start_task(self._settle(moving, address, why))
        return moving

    async def _settle(self, moving: MovingTarget, old: Address, why: str) -> None:
        """Find the new place of a named actor and send on what waited for it."""
        CURRENT_CALL.set(None)  # it serves everybody, not just the call that came first
        error = DeadActorError(old, why or "it has stopped, and no actor has its name now")
        try:
            if self.locator is None:
                moving.close(error)
                return
            async with asyncio.timeout(_LOOKUP_SECONDS):
                address = await self.locator.lookup(old.actor)
        except (PasselError, TimeoutError):
            self.names.pop(old.actor, None)
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

    def forget_place(self, address: Address) -> None:
        """An actor is gone: if it has a name, that is looked up anew."""
        if self.names.get(address.actor) == address:
            del self.names[address.actor]

    def learn(self, peer: NodeInfo) -> None:
        """Take down where a node is, and that it may connect."""
        self.peers[peer.node] = peer
        self._node.host.roster.learn(peer)

    def link_to(self, node: str, life: int) -> Link:
        """Return the link to one life of a node, begun if need be; one that is over leads nowhere."""
        link = self.links.get(node)
        if link is not None and (link.life == life or node == self._node.name):
            return link
        death = self._deaths.get(node)
        if (
            max(link.life if link is not None else 0, death.life if death is not None else 0)
            >= life
        ):
            stale = self._new_link(node, life)
            known = death is not None and death.life == life
            stale.fail(death.error if death is not None and known else NodeDeadError(node, node))
            return stale
        if link is not None:
            link.fail(NodeDeadError(node, node))  # a newer life is there, so this one is over
            self._node.receiver.forget(node, link.life)
        link = self.links[node] = self._new_link(node, life)
        if node == self._node.name:
            self._connect_to_self(link)
        else:
            peer = self.peers.get(node)
            if peer is not None and peer.life == life:
                self.connect(link, peer)
            else:
                self._node.start_task(self._find(link))
        return link

    def _new_link(self, node: str, life: int) -> Link:
        own = self._node
        return Link(
            node,
            life,
            loop=own.loop,
            now=own.now,
            codec=own.codec,
            lose=own.dead_letter,
            on_gone=own.peer_gone,
            cards=own.cards,
        )

    def connect(self, link: Link, peer: NodeInfo) -> None:
        """Give a link its sockets."""
        if link.connected or link.dead is not None:
            return
        if self._node.transport is None:
            link.fail(NodeDeadError(link.node, link.node))
        else:
            link.connect(self._node.transport.connect(peer.endpoint), self.hello())

    def _connect_to_self(self, link: Link) -> None:
        outlet = LoopbackOutlet(self._node.loop, self._node.identity, self._node.receiver.on_batch)
        link.connect(outlet, self.hello())

    async def _find(self, link: Link) -> None:
        """Learn from the leader where a node is, then connect."""
        CURRENT_CALL.set(None)
        peer = await self._locate(link.node)
        if peer is not None:
            self.learn(peer)
        if peer is not None and peer.life == link.life:
            self.connect(link, peer)
        else:
            link.fail(NodeDeadError(link.node, link.node))
            self._let_go(link)

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
            self._node.name,
            self._node.life,
            self._node.endpoint,
            PROTOCOL_VERSION,
            dict(self._node.classes),
            self._node.cookie,
            self._node.memory.key if self._node.memory is not None else "",
        )

    def turn_away(self, hello: Hello, reason: str) -> None:
        """Tell a peer that is not let in why not, over a connection made for that.

        When that is lost the peer introduces itself again, and is told again.
        """
        if self._node.transport is not None and hello.endpoint:
            with contextlib.suppress(ProtocolError):  # its endpoint is none
                outlet = self._node.transport.connect(hello.endpoint)
                outlet.send([pack_batch([self.hello(), Goodbye(self._node.name, reason)])])
                outlet.close()

    def call_back(self, peer: NodeInfo, reason: str, life: int) -> None:
        """Tell a node that was declared dead so, and as which life it may join again."""
        transport = self._node.transport
        if transport is not None:
            outlet = transport.connect(peer.endpoint)
            goodbye = Goodbye(self._node.name, reason, life)
            outlet.send([pack_batch([self.hello(), goodbye])])
            outlet.close()

    def turned_away(self, hello: Hello, reason: str) -> None:
        """A peer does not let this node in: what waits for it ends with its reason."""
        link = self.links.get(hello.node)
        if link is not None and link.life == hello.life:
            link.fail(DeadActorError(link.node, reason))

    def drop(self, link: Link) -> None:
        """Forget a peer that has left in order; visitors come and go."""
        self._let_go(link)
        peer = self.peers.get(link.node)
        if peer is not None and peer.life == link.life:
            del self.peers[link.node]

    def peer_died(self, error: NodeDeadError, life: int, *, gone: bool = True) -> None:
        """A life of a node is over: fail what waits for it and forget it.

        Shared memory that it may read, of cards too, is free again once its process is `gone`.
        """
        peer = self.peers.get(error.node)
        if peer is not None and peer.life <= life:
            del self.peers[error.node]
        self._remember(_Death(life, error, gone))
        self._node.host.roster.dismiss(error.node, life)
        self._node.receiver.forget(error.node, life)
        link = self.links.get(error.node)
        if link is not None and link.life <= life:
            link.fail(error)
            self._let_go(link)
        self._node.family.orphan(error.node, life)
        for cell in self._node.cells.values():
            if cell.keys is not None:
                cell.keys.forget(error.node, life)
        if gone and self._node.memory is not None:
            self._node.memory.peer_gone((error.node, life))
        if gone and self._node.cards is not None:
            self._node.cards.peer_gone((error.node, life))

    def has_died(self, address: Address) -> bool:
        """Return whether this life of the actor's node is known to have ended."""
        death = self._deaths.get(address.node)
        return death is not None and address.life <= death.life

    def _let_go(self, link: Link) -> None:
        if self.links.get(link.node) is link:
            del self.links[link.node]

    def _remember(self, death: _Death) -> None:
        """Keep how a life ended; of nodes that are gone for good only the latest, up to a bound."""
        deaths, node = self._deaths, death.error.node
        known = deaths.pop(node, death)
        deaths[node] = death if death.life >= known.life else known
        if len(deaths) > DEATHS_KEPT:
            oldest = next((name for name, known in deaths.items() if known.gone), None)
            if oldest is not None:
                del deaths[oldest]

    async def find(self, name: str) -> Address:
        """Return where the named actor is; waits while it is being restarted.

        Raises:
            DeadActorError: No living actor has the name.
        """
        if self.locator is None:
            raise DeadActorError(name, "this node has no directory")
        return await self.locator.lookup(name)

    async def latest(self, ref: Reference) -> Address:
        """Return where the actor is now, as far as this node knows."""
        address = ref._address  # noqa: SLF001  # references and nodes share the route
        if not address.named:
            return address
        address = self.names.get(address.actor, address)
        if address.incarnation == 0 and self.locator is not None:
            with contextlib.suppress(DeadActorError):
                return await self.locator.lookup(address.actor)
        return address

    def close(self) -> None:
        """Refuse what is under way and say goodbye to every peer."""
        for moving in list(self._moving.values()):
            moving.close(DeadActorError(moving.address, "the node stopped"))
        for link in list(self.links.values()):
            link.close(Goodbye(self._node.name, ""))
            link.fail(NodeDeadError(link.node, link.node))
