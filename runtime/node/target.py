"""Where a reference leads: targets, and the credit that bounds what waits at the other end.

Credit is counted per (sending node, receiving actor). A request that finds none is parked here,
on the sender's side, and leaves in its turn when a place is given back; so one full mailbox
delays nobody else, and what was called first is sent first.
"""

from __future__ import annotations

import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any

from ...protocols.address import DROP_OLDEST, REFUSE
from ...protocols.envelope import Cancel, Demand, Settled
from ...protocols.errors import (
    DeadActorError,
    DroppedError,
    MailboxFullError,
    NotAHandlerError,
    PasselError,
)
from ..delivery.keys import RequestKey

if TYPE_CHECKING:
    from ...actors.handler import HandlerSpec
    from ...protocols.address import Address
    from ...protocols.codec import Codec
    from .cell import Cell
    from .link import Link
    from .sending import Sending


class Lane:
    """The places that one node has with one actor, and the requests that wait for one.

    An actor has two: one for its mailbox, one for the handlers that run beside it. So what runs
    beside does not wait for a mailbox that is full, and is bounded all the same.
    """

    __slots__ = ("credit", "parked")

    def __init__(self, credit: int) -> None:
        self.credit = credit
        self.parked: deque[Sending] | None = None

    @property
    def has_place(self) -> bool:
        """Whether a request would be sent at once."""
        return self.credit > 0 and not self.parked

    def park(self, sending: Sending) -> None:
        """Keep a request until a place is given back."""
        if self.parked is None:
            self.parked = deque()
        self.parked.append(sending)

    def empty(self) -> deque[Sending]:
        """Take out everything that is parked."""
        parked, self.parked = self.parked, None
        return parked or deque()


class Target:
    """One actor as seen from this node.

    Attributes:
        address: Where it is.
        key: Its address as text, as it appears in ask chains.
        mailbox: Places in its mailbox.
        beside: Places for handlers that run beside the mailbox; None until one does.
        closed: Whether it is known to be gone; a named one is then looked up anew.
        reason: Why it is gone, or empty.
    """

    __slots__ = ("address", "beside", "closed", "key", "mailbox", "reason")

    def __init__(self, address: Address, key: str = "") -> None:
        self.address = address
        self.key = key or str(address)
        self.mailbox = Lane(_credit_of(address))
        self.beside: Lane | None = None
        self.closed = False
        self.reason = ""

    @property
    def confirms_tells(self) -> bool:
        """Whether a tell has to wait until the actor says that it is in its journal."""
        return self.address.durable

    def lane(self, sending: Sending) -> Lane:
        """Return the lane that a request takes."""
        return self._lane_beside() if sending.spec.concurrent else self.mailbox

    def takes_now(self, sending: Sending) -> bool:
        """Return whether a request need not wait."""
        lane = self.lane(sending)
        drops = self.address.policy == DROP_OLDEST and lane is self.mailbox
        return lane.has_place or drops

    def _lane_beside(self) -> Lane:
        if self.beside is None:
            self.beside = Lane(self.address.window)
        return self.beside

    def submit(self, sending: Sending) -> bool:
        """Send a request now, or park it until there is a place; return whether it was sent.

        Raises:
            CodecError: Its arguments cannot travel.
        """
        lane = self.lane(sending)
        if lane.has_place:
            lane.credit -= 1
            try:
                self.transmit(sending)
            except PasselError:
                lane.credit += 1
                raise
            return True
        return self._no_place(lane, sending)

    def _no_place(self, lane: Lane, sending: Sending) -> bool:
        """Do what the mailbox's policy says; return whether the sender is done with it."""
        policy, window = self.address.policy, self.address.window
        if policy == REFUSE:
            raise MailboxFullError(self.key, window)
        lane.park(sending)
        if policy != DROP_OLDEST or lane is not self.mailbox:
            return False
        assert lane.parked is not None, "something is parked there"
        if len(lane.parked) > window:
            oldest = lane.parked.popleft()
            error = DroppedError(self.key, window)
            self.lose(oldest, str(error))
            oldest.refuse(error)
        return True

    def lose(self, sending: Sending, reason: str) -> None:
        """Count a request that never left."""

    def refill(self, count: int, *, beside: bool) -> None:
        """Take back `count` places of a lane; send what is parked there, in order."""
        lane = self._lane_beside() if beside else self.mailbox
        lane.credit += count
        parked = lane.parked
        while parked and lane.credit > 0:
            sending = parked.popleft()
            if sending.done:
                continue
            lane.credit -= 1
            try:
                self.transmit(sending)
            except PasselError as error:
                lane.credit += 1
                sending.refuse(error)
            else:
                sending.accepted()

    def withdraw(self, sending: Sending) -> None:
        """The caller no longer waits: forget the request, or cancel it where it is."""
        parked = self.lane(sending).parked
        if sending.transmitted:
            self.cancel(sending)
        elif parked:
            with contextlib.suppress(ValueError):  # refused meanwhile
                parked.remove(sending)

    def close(self, error: DeadActorError) -> None:
        """The actor is gone: refuse what is parked."""
        self.closed = True
        self.reason = error.reason
        for sending in self.emptied():
            sending.refuse(error)

    def emptied(self) -> list[Sending]:
        """Take out everything that is parked, in order."""
        beside = self.beside.empty() if self.beside is not None else ()
        return [*self.mailbox.empty(), *beside]

    def transmit(self, sending: Sending) -> None:
        """Send a request for which a place was taken."""
        raise NotImplementedError

    def cancel(self, sending: Sending) -> None:
        """Withdraw a request that was sent."""
        raise NotImplementedError

    def demand(self, sending: Sending, count: int) -> None:
        """Let the producer of a stream send `count` more items."""
        raise NotImplementedError

    @property
    def codec(self) -> Codec:
        """What answers from there are encoded with."""
        raise NotImplementedError

    def acknowledge(self, sending: Sending) -> None:
        """The caller has the answer of a request with a key: the key may be forgotten."""


def _credit_of(address: Address) -> int:
    """Return the places that a sender begins with.

    A mailbox that drops never makes its senders wait: as many as fit may be on the way besides.
    """
    return address.window * 2 if address.policy == DROP_OLDEST else address.window


class LocalTarget(Target):
    """An actor of this node: requests go to its mailbox by reference."""

    __slots__ = ("cell",)

    def __init__(self, cell: Cell) -> None:
        super().__init__(cell.address, cell.key)
        self.cell = cell

    def typed(self, name: str, arguments: tuple[Any, ...]) -> tuple[HandlerSpec, tuple[Any, ...]]:
        """Return what is known here of a handler that a reference knew only by name.

        Raises:
            NotAHandlerError: The actor has none of that name.
        """
        spec = self.cell.specs.get(name)
        if spec is None:
            raise NotAHandlerError(self.key, name, list(self.cell.specs))
        return spec, spec.bind(arguments, {})

    def transmit(self, sending: Sending) -> None:
        """Put the request into the mailbox."""
        sending.transmitted = True
        cell = self.cell
        now = cell.now()
        edge = cell.edge(self.address.node)
        sending.sequence = number = edge.sequence + 1
        edge.note(number, now, now)
        cell.deliver(sending)

    def lose(self, sending: Sending, reason: str) -> None:
        """Count a request that never left."""
        self.cell.lose(sending, reason)

    def cancel(self, sending: Sending) -> None:
        """Take the request out of the mailbox, or cancel its handler."""
        self.cell.cancel(sending)

    def demand(self, sending: Sending, count: int) -> None:
        """Give the producer more credit."""
        if sending.producer is not None:
            sending.producer.add(count)

    @property
    def codec(self) -> Codec:
        """What answers that are kept were encoded with."""
        return self.cell.codec

    def acknowledge(self, sending: Sending) -> None:
        """Let the actor forget the key."""
        self.cell.settle(RequestKey(sending.source, sending.spec.name, sending.key))


class RemoteTarget(Target):
    """An actor of another node: requests go over the link to that node."""

    __slots__ = ("link", "sequence", "told")

    def __init__(self, address: Address, link: Link) -> None:
        super().__init__(address)
        self.link = link
        self.sequence = 0
        self.told = 0

    def next_sequence(self) -> int:
        """Return the number of the next message from this node to the actor."""
        self.sequence += 1
        return self.sequence

    def refill(self, count: int, *, beside: bool) -> None:
        """Take back places; so many tells at most are not known to have left the mailbox."""
        super().refill(count, beside=beside)
        if self.told:
            self.told = min(self.told, self._outstanding())

    def _outstanding(self) -> int:
        """Return how many places are not given back yet."""
        taken = _credit_of(self.address) - self.mailbox.credit
        return taken if self.beside is None else taken + self.address.window - self.beside.credit

    def transmit(self, sending: Sending) -> None:
        """Encode the request and hand it to the link."""
        self.link.request(self, sending)

    def lose(self, sending: Sending, reason: str) -> None:
        """Count a request that never left."""
        self.link.lose(sending, reason)

    def cancel(self, sending: Sending) -> None:
        """Tell the other node that nobody waits any more."""
        if self.link.pending.pop(sending.id, None) is not None:
            self.link.send(Cancel(sending.id))

    def demand(self, sending: Sending, count: int) -> None:
        """Tell the other node how many more items fit."""
        if sending.id in self.link.pending:
            self.link.send(Demand(sending.id, count))

    def acknowledge(self, sending: Sending) -> None:
        """Tell the other node that the key may be forgotten."""
        if self.link.dead is None:
            actor, incarnation = self.address.actor, self.address.incarnation
            method, key = sending.spec.name, sending.key
            self.link.send(Settled(sending.source, actor, incarnation, method, key))


class MovingTarget(Target):
    """A named actor whose new place is being looked up; everything waits here until then."""

    __slots__ = ()

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self.mailbox, self.beside = Lane(0), Lane(0)

    def settle(self, target: Target) -> None:
        """Pass on what waited, in order, now that the place is known."""
        self.closed = True
        for sending in self.emptied():
            if sending.done:
                continue
            sending.target = target
            if target.confirms_tells and sending.needs_key:
                sending.leave_to_sender()
                continue
            try:
                if target.submit(sending):
                    sending.accepted()
            except PasselError as error:
                sending.refuse(error)

    def transmit(self, sending: Sending) -> None:
        """Never reached: there is no credit here."""
        raise AssertionError("a moving target has no credit")

    def cancel(self, sending: Sending) -> None:
        """Never reached: nothing was transmitted from here."""
        raise AssertionError("nothing was sent from a moving target")
