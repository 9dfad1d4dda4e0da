"""Pools: several actors that do the same work, behind one handle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ..protocols.errors import CodecError, DeadActorError
from ..protocols.portable import Portable
from .ref import Reference, parts_of, reference_type
from .rotation import ROUTES, Rotation, Route, place_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Sequence

    from .ref import ActorRef, AnySpec

A = TypeVar("A")


class Pool(Portable, Generic[A]):
    """Actors that are as good as each other, and a way to choose one for each call.

    `await pool.any.resize(image)` goes to the member that `route` says; with `least_loaded` that
    is the one with the fewest calls under way through this handle. `await pool.of(user).add(3)`
    goes to the same member for the same key, as long as that is a member. Each call is sent once:
    a dead member fails it, and is then left out for a while.

    A pool may be sent in messages, and stand in a topology as `{pool: worker}`. Every copy counts
    its own calls.

    Args:
        members: References to the actors; all of one class.
        route: `least_loaded` or `round_robin`.

    Raises:
        ValueError: There are no members.
    """

    def __init__(self, members: Sequence[ActorRef[A]], *, route: Route = "least_loaded") -> None:
        if not members:
            raise ValueError("a pool needs one member at least")
        self._members: list[Any] = list(members)
        addresses = [parts_of(member)[0] for member in self._members]
        self._names = [address.actor for address in addresses]
        self._route: Route = route
        self._rotation = Rotation(len(self._members), route)
        kind: type[Reference] = type(self._members[0])
        self._any: Any = kind(addresses[0], PoolSender(self._members, self._rotation))

    @property
    def any(self) -> ActorRef[A]:
        """Whichever member is next; each call through it chooses anew."""
        found: ActorRef[A] = self._any
        return found

    @property
    def members(self) -> list[ActorRef[A]]:
        """Every member, for those who want to call them all."""
        return list(self._members)

    def of(self, key: str) -> ActorRef[A]:
        """Return the member that a key belongs to."""
        found: ActorRef[A] = self._members[place_of(key, self._names)]
        return found

    @property
    def loads(self) -> list[int]:
        """How many calls through this handle are under way at each member."""
        return list(self._rotation.loads)

    def to_wire(self) -> Any:
        """Return what stands for the pool in a message."""
        return [self._route, self._members]

    @classmethod
    def from_wire(cls, value: Any, parameters: tuple[Any, ...]) -> Self:
        """Return the pool that a message holds.

        Args:
            value: What `to_wire` gave.
            parameters: The actor class that the hint names, if it names one.

        Raises:
            CodecError: It is no pool.
        """
        if not (isinstance(value, list) and len(value) == 2 and isinstance(value[1], list)):
            raise CodecError("pool", "expected a route and a list of actors")
        route, members = value
        if route not in ROUTES or not members:
            raise CodecError("pool", "expected a known route and one actor at least")
        if not all(isinstance(member, Reference) for member in members):
            raise CodecError("pool", "its members must be actors")
        if parameters and isinstance(parameters[0], type):
            kind = reference_type(parameters[0])
            members = [kind(*parts_of(member)) for member in members]
        return cls(members, route=route)


class PoolSender:
    """Sends each call to the member whose turn it is; what `Pool.any` sends with."""

    def __init__(self, members: list[Reference], rotation: Rotation) -> None:
        self._members = members
        self._rotation = rotation

    def ask(self, _ref: Reference, spec: AnySpec, *call: Any) -> Coroutine[Any, Any, Any]:
        """Ask the next member."""
        return self._counted("ask", spec, call)

    def tell(self, _ref: Reference, spec: AnySpec, *call: Any) -> Coroutine[Any, Any, None]:
        """Tell the next member."""
        return self._counted("tell", spec, call)

    def keyed(
        self, _ref: Reference, spec: AnySpec, *call: Any, tell: bool
    ) -> Coroutine[Any, Any, Any]:
        """Call the next member with an idempotency key; it is sent to no other."""
        return self._counted("keyed", spec, call, tell=tell)

    def tell_nowait(self, _ref: Reference, spec: AnySpec, *call: Any) -> None:
        """Tell the next member, or raise when it has no place."""
        member = self._members[self._rotation.pick()]
        sender: Any = parts_of(member)[1]
        sender.tell_nowait(member, spec, *call)

    async def stream(self, _ref: Reference, spec: AnySpec, *call: Any) -> AsyncIterator[Any]:
        """Stream from the next member; it counts as busy until the stream ends."""
        index = self._rotation.pick()
        member = self._members[index]
        self._rotation.begin(index)
        dead = False
        sender: Any = parts_of(member)[1]
        items = sender.stream(member, spec, *call)
        try:
            async for item in items:
                yield item
        except DeadActorError:
            dead = True
            raise
        finally:
            self._rotation.end(index, dead=dead)
            await items.aclose()

    async def _counted(
        self, verb: str, spec: AnySpec, call: tuple[Any, ...], **options: Any
    ) -> Any:
        index = self._rotation.pick()
        member = self._members[index]
        self._rotation.begin(index)
        dead = False
        try:
            return await getattr(parts_of(member)[1], verb)(member, spec, *call, **options)
        except DeadActorError:
            dead = True
            raise
        finally:
            self._rotation.end(index, dead=dead)
