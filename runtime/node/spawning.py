"""Starting actors, here or on another node, with options."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from ...actors.actor import Actor
from ...actors.handler import signature_of
from ...actors.ref import DEFAULT_TIMEOUT, Reference, reference_type
from ...protocols.address import LEADER
from ...protocols.control import Durability, Placement, SpawnRequest, Supervision
from ...protocols.errors import DeadActorError, DeadlineError, PasselError, SpawnError
from ...protocols.log import log
from ..durable.state import DEDUP_WINDOW, SNAPSHOT_EVERY, check_class
from ..loading import path_of
from ..supervision.directives import directives_of
from .arguments import pack_arguments
from .service import service_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...actors.ref import ActorRef
    from ...protocols.address import Address
    from ..supervision.directives import OnFailure
    from .cell import Cell
    from .node import Node

P = ParamSpec("P")
A = TypeVar("A", bound="Actor")


class Spawn:
    """Starts actors with options already chosen.

    Args:
        asker: The node that asks for it.
        name: The actor's name in the directory; empty for an unnamed one.
        node: Name of the node to start it on; empty for the asking node.
        capacity: Places in its mailbox per sending node.
        mailbox: What happens to a request when that is full: it waits at the sender (`wait`), is
            refused there with MailboxFullError (`refuse`), or takes the place of the oldest that
            waits (`drop_oldest`), which is a dead letter then.
        parent: The actor that spawns it, with which it ends; None for the program.
        group: Name of the group that it joins; it needs a name of its own then.
        on_failure: What a failed tell, timer or background work does: `resume`, `restart`, `stop`
            or `escalate`, for all errors or by class.
        max_restarts: See `Supervision`, as for the next three.
        within: Seconds.
        backoff: Seconds.
        max_backoff: Seconds.
        durable: Keep its state and messages in a journal; it needs a name.
        dedup_window: Seconds for which a durable actor keeps an answer that nobody has settled.
        snapshot_every: Events between two snapshots of a durable actor with `apply`.
        timeout: Seconds until the spawn fails.
    """

    def __init__(
        self,
        asker: Node,
        *,
        name: str = "",
        node: str = "",
        capacity: int = 1024,
        mailbox: str = "wait",
        parent: Cell | None = None,
        group: str = "",
        on_failure: OnFailure = "restart",
        max_restarts: int = 3,
        within: float = 60.0,
        backoff: float = 0.05,
        max_backoff: float = 5.0,
        durable: bool = False,
        dedup_window: float = DEDUP_WINDOW,
        snapshot_every: int = SNAPSHOT_EVERY,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> None:
        self._node = asker
        self._name = name
        self._on = node or asker.name
        self._capacity = capacity
        self._mailbox = mailbox
        self._timeout = timeout
        self._parent = parent
        self._durable = durable
        self._dedup_window = dedup_window
        self._snapshot_every = snapshot_every
        self._group = group
        self._supervision = Supervision(
            group=group,
            on_failure=directives_of(on_failure, f"actor {name}"),
            max_restarts=max_restarts,
            within=within,
            backoff=backoff,
            max_backoff=max_backoff,
        )
        if "#" in name or " " in name or "/" in name or name.startswith("@"):
            raise SpawnError(
                f"actor {name}", "a name has no '#', '/' or space, and no '@' in front"
            )
        if group and not name:
            reason = "it must be found again when its node dies; give it a name"
            raise SpawnError(f"a member of group {group}", reason)

    async def spawn(
        self, actor_class: Callable[P, A], /, *args: P.args, **kwargs: P.kwargs
    ) -> ActorRef[A]:
        """Start an actor; return once its `started` has run.

        Raises:
            SpawnError: Its constructor or `started` raised, or the arguments do not fit.
            StateError: It is durable, and its journal cannot be gone on from.
            NameTakenError: A living actor has the name.
            ClassLoadError: The other node cannot load the class.
            DeadlineError: It did not start in time.
        """
        if not (isinstance(actor_class, type) and issubclass(actor_class, Actor)):
            raise SpawnError(f"{actor_class!r}", "it is no actor class; subclass passel.Actor")
        found: type[Actor] = actor_class
        if self._durable:
            check_class(found, self._name)
        node = self._node
        try:
            async with asyncio.timeout(self._timeout):
                if self._name and node.router.locator is not None:
                    await node.router.locator.reserve(self._name, self._group)
                address = await self._place(found, args, kwargs)
                await self._adopt(address)
        except TimeoutError:
            what = f"spawn {self._name or found.__qualname__}"
            raise DeadlineError(what, self._timeout or 0.0, "it to start") from None
        return cast("ActorRef[A]", node.reference(reference_type(found), address))

    async def _adopt(self, address: Address) -> None:
        """Enter the actor as a child; one whose parent has ended meanwhile ends too."""
        if self._parent is None:
            return
        node = self._node
        try:
            node.family.adopt(self._parent, address)
        except DeadActorError as error:
            await node.stop(node.reference(Reference, address), grace=0.0)
            raise SpawnError(f"actor {address}", error.reason) from None

    async def _place(
        self, actor_class: type[Actor], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Address:
        node = self._node
        try:
            terms = await self._durability()
            if self._on == node.name:
                address = await self._start_here(actor_class, args, kwargs, terms)
                request = self._request_again(actor_class, args, kwargs, terms)
            else:
                request = self._request(actor_class, args, kwargs, terms)
                address = await self._start_there(actor_class, request)
            if self._name and node.router.locator is not None:
                await node.router.locator.bind(
                    Placement(
                        address=address,
                        group=self._group,
                        parent=self._parent.address if self._parent is not None else None,
                        request=request,
                    )
                )
        except BaseException:
            if self._name and node.router.locator is not None:
                await node.router.locator.free(self._name)
            raise
        return address

    async def _durability(self) -> Durability | None:
        """Claim the journal of a durable actor."""
        locator = self._node.router.locator
        if not self._durable or locator is None:
            return None
        return Durability(
            claim=await locator.claim_journal(),
            dedup_window=self._dedup_window,
            snapshot_every=self._snapshot_every,
        )

    async def _start_here(
        self,
        actor_class: type[Actor],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        terms: Durability | None,
    ) -> Address:
        node = self._node
        node.learn_class(actor_class)
        await node.until_free(self._name)
        cell = node.new_cell(
            actor_class,
            args,
            kwargs,
            name=self._name,
            capacity=self._capacity,
            mailbox=self._mailbox,
            supervision=self._supervision,
            parent=self._parent.address if self._parent is not None else None,
            durability=terms,
        )
        await node.start_cell(cell)
        return cell.address

    def _request_again(
        self,
        actor_class: type[Actor],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        terms: Durability | None,
    ) -> SpawnRequest | None:
        """Return how a named actor of this node is spawned again when the node has died."""
        if not self._name or self._node.name == LEADER:
            return None
        try:
            return self._request(actor_class, args, kwargs, terms)
        except PasselError as error:
            log.warning("actor cannot outlive its node", actor=self._name, reason=str(error))
            return None

    def _request(
        self,
        actor_class: type[Actor],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        terms: Durability | None,
    ) -> SpawnRequest:
        node = self._node
        node.learn_class(actor_class)
        return SpawnRequest(
            class_path=path_of(actor_class),
            signature=signature_of(actor_class),
            name=self._name,
            arguments=pack_arguments(node.codec, actor_class, args, kwargs),
            capacity=self._capacity,
            mailbox=self._mailbox,
            supervision=self._supervision,
            parent=self._parent.address if self._parent is not None else None,
            durability=terms,
        )

    async def _start_there(self, actor_class: type[Actor], request: SpawnRequest) -> Address:
        node = self._node
        assert node.router.locator is not None, "a node that has peers has a locator"
        try:
            info = await node.router.locator.node(self._on)
        except DeadActorError as error:
            what = f"actor of class {actor_class.__qualname__} on node {self._on}"
            raise SpawnError(what, f"{error.reason}; start the node first") from None
        node.router.peers.setdefault(info.node, info)
        service = service_of(node, info.node, info.life)
        return await service.spawn.options(timeout=self._timeout)(request)
