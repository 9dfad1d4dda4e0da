"""The leader's directory: which name means which actor, and where each node is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from ...actors.actor import Actor
from ...actors.handler import handler
from ...protocols.address import Address  # noqa: TC001  # handler hints are read at run time
from ...protocols.control import (  # noqa: TC001  # likewise
    JournalClaim,
    NodeDown,
    NodeInfo,
    NodeStatus,
    Placement,
)
from ...protocols.errors import DeadActorError, NameTakenError, SpawnError, StateError
from ...protocols.log import log

if TYPE_CHECKING:
    from collections.abc import Callable

DOWNS_KEPT: Final = 1_000
"""How many of the latest nodes that are not there any more can still be asked how they ended."""

_DIRECTORY_ERRORS = (DeadActorError, NameTakenError, SpawnError)


class Names:
    """Names and what they mean. Pure: knows no task and no socket.

    A name is reserved (its actor is being spawned, or restarted on a new life of its node),
    bound to an address, or unknown.
    """

    def __init__(self) -> None:
        self._bound: dict[str, Address | None] = {}

    def reserve(self, name: str) -> None:
        """Take a free name.

        Raises:
            NameTakenError: It is reserved or bound.
        """
        if name in self._bound:
            holder = self._bound[name]
            raise NameTakenError(name, str(holder) if holder else "an actor that is being spawned")
        self._bound[name] = None

    def bind(self, name: str, address: Address) -> None:
        """Say where the actor of a name is."""
        self._bound[name] = address

    def release(self, address: Address) -> bool:
        """Free the name if it still means this incarnation; return whether it did."""
        holder = self._bound.get(address.actor)
        if holder is None or holder.incarnation != address.incarnation:
            return False
        del self._bound[address.actor]
        return True

    def unsettle(self, node: str) -> list[str]:
        """A node died: its actors' names are reserved until they are bound or freed."""
        moved = [n for n, a in self._bound.items() if a is not None and a.node == node]
        for name in moved:
            self._bound[name] = None
        return moved

    def reserved(self) -> list[str]:
        """Return the names whose actors are not there, or not there yet."""
        return [name for name, address in self._bound.items() if address is None]

    def free(self, name: str) -> None:
        """Forget a name, whatever it means."""
        self._bound.pop(name, None)

    def clear(self) -> None:
        """Forget every name."""
        self._bound.clear()

    def find(self, name: str) -> Address | None:
        """Return the address, or None while the name is reserved.

        Raises:
            DeadActorError: Nobody has the name.
        """
        if name not in self._bound:
            raise DeadActorError(name, "no living actor has this name")
        return self._bound[name]

    def all(self) -> dict[str, Address]:
        """Return every name that is bound."""
        return {name: address for name, address in self._bound.items() if address is not None}


class Directory(Actor):
    """Serves `Names` and the table of nodes to the whole runtime.

    All handlers are concurrent: a lookup may wait for a restart, and nothing waits behind it.
    """

    def __init__(self) -> None:
        self.names = Names()
        self.nodes: dict[str, NodeInfo | None] = {}
        self.downs: dict[str, NodeDown] = {}
        self.on_joined: Callable[[NodeInfo], None] = lambda _info: None
        self.on_claim: Callable[[], JournalClaim] = _refuse_claim
        self.on_bound: Callable[[Placement], None] = lambda _placement: None
        self.on_released: Callable[[str], None] = lambda _name: None
        self.refuse_member: Callable[[str], str] = lambda _group: "this runtime has no groups"
        self.statuses_of_nodes: Callable[[], list[NodeStatus]] = list
        self._changed = asyncio.Event()

    def change(self) -> None:
        """Wake every lookup that waits for a restart."""
        self._changed.set()
        self._changed = asyncio.Event()

    def went_down(self, down: NodeDown) -> None:
        """A life of a node is over; of nodes that are not there any more the latest ends are kept."""
        self.nodes[down.node] = None
        self.downs.pop(down.node, None)
        self.downs[down.node] = down
        if len(self.downs) > DOWNS_KEPT:
            oldest = next((name for name in self.downs if name not in self.nodes), None)
            if oldest is not None:
                del self.downs[oldest]

    def shut(self) -> None:
        """The runtime stops: nothing will be found any more, and whoever waits is told."""
        self.names.clear()
        self.nodes.clear()
        self.change()

    @handler(concurrent=True, raises=_DIRECTORY_ERRORS)
    async def lookup(self, name: str) -> Address:
        """Return where the named actor is; waits while it is being (re)started."""
        while True:
            address = self.names.find(name)
            if address is not None:
                return address
            await self._changed.wait()

    @handler(concurrent=True, raises=_DIRECTORY_ERRORS)
    async def node(self, name: str) -> NodeInfo:
        """Return where a node is; waits while it is being (re)started."""
        while True:
            if name not in self.nodes:
                raise DeadActorError(name, "there is no such node")
            info = self.nodes[name]
            if info is not None:
                return info
            await self._changed.wait()

    @handler(concurrent=True, raises=_DIRECTORY_ERRORS)
    async def watch_node(self, name: str) -> NodeDown:
        """Return how the present life of a node ended, once it has; at once when it is not up."""
        info = self.nodes.get(name)
        life = info.life if info is not None else 0
        while name not in self.downs or self.downs[name].life < life:
            if name not in self.nodes:
                raise DeadActorError(name, "there is no such node")
            await self._changed.wait()
        return self.downs[name]

    @handler(concurrent=True)
    async def joined(self, info: NodeInfo) -> list[NodeInfo]:
        """A node is up; called by the node itself, which gets to know the others."""
        others = await self.all_nodes()
        if info.node in self.nodes:
            self.nodes[info.node] = info
            self.on_joined(info)
            self.change()
        return others

    @handler(concurrent=True, raises=_DIRECTORY_ERRORS)
    async def reserve(self, name: str, group: str) -> None:
        """Take a name for an actor that is about to be spawned, as a member of `group` if given."""
        refusal = self.refuse_member(group) if group else ""
        if refusal:
            raise SpawnError(f"actor {name}", refusal)
        self.names.reserve(name)

    @handler(concurrent=True, raises=(StateError,))
    async def claim_journal(self) -> JournalClaim:
        """Return the right to write a durable actor's journal from now on."""
        return self.on_claim()

    @handler(concurrent=True)
    async def bind(self, placement: Placement) -> None:
        """Say where the actor of a reserved name is."""
        self.names.bind(placement.address.actor, placement.address)
        self.on_bound(placement)
        self.change()

    @handler(concurrent=True)
    async def release(self, address: Address) -> None:
        """The named actor is gone."""
        if self.names.release(address):
            self.on_released(address.actor)
        self.change()

    @handler(concurrent=True)
    async def free(self, name: str) -> None:
        """Forget a name whose actor could not be spawned."""
        self.names.free(name)
        self.change()

    @handler(concurrent=True)
    async def failed(self, event: str, actor: str, what: str, traceback: str) -> None:
        """An actor of another node failed outside any ask: log it where people look."""
        more = {"exception": traceback} if traceback else {}
        log.error(event, actor=actor, what=what, **more)

    @handler(concurrent=True)
    async def actors(self) -> dict[str, Address]:
        """Return every named actor."""
        return self.names.all()

    @handler(concurrent=True)
    async def statuses(self) -> list[NodeStatus]:
        """Return how each node is that the leader started."""
        return self.statuses_of_nodes()

    @handler(concurrent=True)
    async def all_nodes(self) -> list[NodeInfo]:
        """Return every node that is up."""
        return [info for info in self.nodes.values() if info is not None]


def _refuse_claim() -> JournalClaim:
    raise StateError("this runtime keeps no durable state")
