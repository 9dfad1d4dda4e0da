"""What arrives from other nodes, each kind of message at its place."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, Any, cast

from ...protocols.address import LEADER
from ...protocols.batch import deal_frames, is_plain, peek_mark, unpack_batch
from ...protocols.control import NodeInfo
from ...protocols.envelope import (
    Accepted,
    Ask,
    Cancel,
    Closed,
    Credit,
    Demand,
    End,
    Failure,
    Goodbye,
    Hello,
    Item,
    Mark,
    Offered,
    Open,
    Reply,
    Request,
    Returned,
    Settled,
    Taken,
    Tell,
)
from ...protocols.errors import (
    CallCycleError,
    CodecError,
    DeadActorError,
    HandshakeError,
    NodeDeadError,
    NotAHandlerError,
    PasselError,
    ProtocolError,
)
from ...protocols.failure import Failed
from ...protocols.limits import MAX_INTRODUCTION_BYTES, MAX_PEERS, PROTOCOL_VERSION
from ...protocols.log import log
from ..delivery.keys import RequestKey
from ..delivery.refusals import Refusals
from ..security import GUEST
from .inbound import Inbound
from .sending import TELL
from .visitors import Visitors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...protocols.arrays import Buffer
    from ...protocols.envelope import AnyMessage
    from .cell import Cell
    from .link import Link
    from .node import Node
    from .sending import Sending

_SHOWN = 100  # characters of a peer's name; one that is refused may call itself anything


class Receiver:
    """Takes the batches of every peer and gives each message to the actor or caller it is for.

    Whatever is malformed is counted, logged and dropped; nothing that a peer sends ends the node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._inlets: dict[bytes, Link] = {}
        self.visitors = Visitors(node)
        self._refusals = Refusals()
        self._kinds: dict[type, Callable[[Link, Any, Sequence[Buffer]], None]] = {
            Ask: self._request,
            Tell: self._request,
            Open: self._request,
            Reply: self._reply,
            Failure: self._failure,
            Item: self._item,
            End: self._end,
            Cancel: self._cancel,
            Demand: self._demand,
            Credit: self._credit,
            Closed: self._closed,
            Taken: self._taken,
            Settled: self._settled,
            Goodbye: self._goodbye,
            Hello: self._ignore,  # it was read before the others
            Mark: self._ignore,  # likewise
            Returned: self._returned,
            Offered: self._offered,
            Accepted: self._accepted,
        }

    def on_batch(self, identity: bytes, batch: Buffer, frames: Sequence[Buffer]) -> None:
        """Take one multipart message from the peer that calls itself `identity`."""
        if self._node.closed:
            return
        link = self._inlets.get(identity)
        if link is None and len(batch) > MAX_INTRODUCTION_BYTES:
            self.refuse(identity, "it has not introduced itself")  # nor is all of this read for it
            return
        try:
            messages = unpack_batch(batch)
            dealt = deal_frames(messages, frames)
        except ProtocolError as error:
            self.refuse(identity, str(error))
            if link is not None and (mark := peek_mark(batch)) is not None:
                link.arrived(mark, ())  # else the peer would send it again for ever
            return
        if link is None or not is_plain(messages):
            link = self._introduced(identity, messages)
            if link is None:
                return
        if not link.arrived(cast("Mark", messages[0]), frames):
            return
        link.received += len(messages) - 1
        nothing: Sequence[Buffer] = ()
        for index in range(1, len(messages)):
            message = messages[index]
            try:
                self._kinds[type(message)](link, message, dealt[index] if dealt else nothing)
            except PasselError as error:
                self.refuse(identity, str(error))

    def _introduced(self, identity: bytes, messages: Sequence[AnyMessage]) -> Link | None:
        """Return the link of a peer that introduces itself, or None when it is refused."""
        hello = next((m for m in messages[:2] if isinstance(m, Hello)), None)
        if hello is None:
            reason = "its multipart does not begin with a Mark"
            if identity not in self._inlets:
                reason = "it has not introduced itself"
            self.refuse(identity, reason)
            return None
        link = self._hello(identity, hello, messages)
        if link is None or isinstance(messages[0], Mark):
            return link
        goodbye = next((m for m in messages if isinstance(m, Goodbye)), None)
        if goodbye is None:
            self.refuse(identity, "its multipart does not begin with a Mark")
        else:  # it refuses this node, in words that any version reads
            self._goodbye(link, goodbye, ())
        return None

    def forget(self, node: str, life: int) -> None:
        """Refuse whatever still comes from a life of a node that is known to be dead."""
        for identity, link in list(self._inlets.items()):
            if link.node == node and link.life <= life:
                del self._inlets[identity]

    def refuse(self, identity: bytes, reason: str) -> bool:
        """Count what was not taken; return whether it was logged, which is not done too often."""
        self._node.counters.refused += 1
        peer = b"/".join(identity.split(b"/")[:2]).decode(errors="replace")[:_SHOWN]
        left_out = self._refusals.note(peer, self._node.now())
        if left_out is None:
            return False
        more = {"more_since_last_time": left_out} if left_out else {}
        log.warning("message refused", peer=peer, reason=reason, **more)
        return True

    # Links.

    def _hello(self, identity: bytes, hello: Hello, batch: Sequence[AnyMessage]) -> Link | None:
        """Take a peer in, or tell it why not; who does not know the secret is told nothing."""
        node = self._node
        if not compare_digest(hello.cookie.encode(), node.cookie.encode()):
            self.refuse(identity, "it does not know this runtime's secret")
            return None
        try:
            self._check(identity, hello)
            return self._welcome(identity, hello)
        except ProtocolError as error:
            worth_answering = self.refuse(identity, str(error))
            refusal = next((m for m in batch if isinstance(m, Goodbye)), None)
            if refusal is not None:  # an answer to a refusal would go back and forth for ever
                node.router.turned_away(hello, refusal.reason)
            elif worth_answering:
                node.router.turn_away(hello, str(error))
            return None

    def _welcome(self, identity: bytes, hello: Hello) -> Link | None:
        """Take a peer in.

        Raises:
            ProtocolError: Its endpoint is none.
        """
        node = self._node
        peer = NodeInfo(node=hello.node, life=hello.life, endpoint=hello.endpoint, pid=0)
        node.router.peers.setdefault(hello.node, peer)
        link = node.router.link_to(hello.node, hello.life)
        if link.dead is not None:
            self.refuse(identity, "this life of it is known to be dead")
            return None
        if node.memory is not None and hello.memory == node.memory.key and link.lane is None:
            link.lane = node.memory.lane_to((link.node, link.life), link.wake, node.cards)
        if hello.node.startswith(GUEST):
            self.visitors.welcome(link)
        node.router.connect(link, peer)
        self._inlets[identity] = link
        return link

    def _check(self, identity: bytes, hello: Hello) -> None:
        name = hello.node
        if hello.version != PROTOCOL_VERSION:
            reason = f"it speaks protocol {hello.version}, this node {PROTOCOL_VERSION}"
            raise HandshakeError(name, f"{reason}; install the same version of passel")
        if len(self._inlets) >= MAX_PEERS and identity not in self._inlets:
            raise HandshakeError(name, f"this node has {MAX_PEERS} connections already")
        if not (identity + b"/").startswith(f"{hello.node}/{hello.life}/".encode()):
            raise HandshakeError(name, "its name is not the one it connected with")
        for path, digest in hello.signatures.items():
            own = self._node.classes.get(path)
            if own is not None and own != digest:
                reason = f"the handlers of {path} differ between it and {self._node.name}"
                raise HandshakeError(name, f"{reason}; deploy the same code")

    def _goodbye(self, link: Link, message: Goodbye, _frames: Sequence[Buffer]) -> None:
        """The peer leaves, or refuses us, or has declared this life of ours dead."""
        if message.life > self._node.life and link.node == LEADER:
            self._node.cast_out(message.life)
            return
        self.forget(link.node, link.life)
        if message.reason:
            log.error("link refused", peer=message.node, reason=message.reason)
            link.fail(DeadActorError(link.node, message.reason))
        else:
            link.fail(NodeDeadError(link.node, link.node, exit_code=0))
            self._node.router.drop(link)

    def _ignore(self, link: Link, message: AnyMessage, frames: Sequence[Buffer]) -> None:
        """Do nothing."""

    # Requests.

    def _request(self, link: Link, message: Request, frames: Sequence[Buffer]) -> None:
        node = self._node
        arrays = link.buffers(message.frames, frames)
        cell = node.cells.get(message.target)
        if cell is None or cell.address.incarnation != message.incarnation:
            self._undeliverable(link, message)
            return
        spec = cell.specs.get(message.method)
        if spec is None:
            link.consumed(cell, beside=message.beside)
            self._reject(
                link, message, cell, NotAHandlerError(cell.key, message.method, list(cell.specs))
            )
            return
        if message.chain and not spec.concurrent and cell.key in message.chain.split(" "):
            link.consumed(cell, beside=message.beside)
            self._reject(link, message, cell, CallCycleError(cell.key, message.chain.split(" ")))
            return
        now = node.now()
        inbound = Inbound(link, message, arrays, cell, spec, now)
        if inbound.kind != TELL or inbound.key:
            link.serving[message.id] = inbound
        if cell.senders is None:
            cell.senders = {}
        cell.senders[link] = None
        cell.edge(link.node).note(message.sequence, message.sent, now)
        cell.deliver(inbound)

    def _undeliverable(self, link: Link, message: Request) -> None:
        node = self._node
        node.counters.refused += 1
        address = f"{node.name}/{message.target}"
        unknown = "it has stopped, or this is another life of it"
        reason = node.ends.get((message.target, message.incarnation), unknown)
        error = DeadActorError(address, reason)
        link.send(Closed(message.target, message.incarnation, error.reason))  # known by the answer
        if isinstance(message, Tell):
            node.letter(message.source, address, message.method, error.reason)
        if message.key or not isinstance(message, Tell):
            link.reject(message.id, error)

    def _reject(self, link: Link, message: Request, cell: Cell, error: PasselError) -> None:
        if isinstance(message, Tell):
            self._node.letter(message.source, cell.key, message.method, str(error))
        if message.key or not isinstance(message, Tell):
            link.reject(message.id, error)

    def _cancel(self, link: Link, message: Cancel, _frames: Sequence[Buffer]) -> None:
        inbound = link.serving.pop(message.id, None)
        if inbound is not None:
            inbound.cell.cancel(inbound)

    def _demand(self, link: Link, message: Demand, _frames: Sequence[Buffer]) -> None:
        inbound = link.serving.get(message.id)
        if inbound is not None and inbound.producer is not None and message.count > 0:
            inbound.producer.add(message.count)

    def _settled(self, _link: Link, message: Settled, _frames: Sequence[Buffer]) -> None:
        cell = self._node.cells.get(message.target)
        if cell is not None and cell.address.incarnation == message.incarnation:
            cell.settle(RequestKey(message.source, message.method, message.key))

    # Answers.

    def _taken(self, link: Link, message: Taken, _frames: Sequence[Buffer]) -> None:
        sending = link.pending.pop(message.id, None)
        if sending is not None:
            sending.taken()

    def _reply(self, link: Link, message: Reply, frames: Sequence[Buffer]) -> None:
        arrays = link.buffers(message.frames, frames)
        sending = link.pending.pop(message.id, None)
        if sending is None:
            self._node.counters.late_replies += 1
            return
        try:
            value = link.codec.decode(message.body, sending.spec.returns, arrays)
        except ProtocolError as error:
            sending.refuse(_of_result(sending, error))
        else:
            sending.succeed(value)

    def _failure(self, link: Link, message: Failure, _frames: Sequence[Buffer]) -> None:
        sending = link.pending.pop(message.id, None)
        if sending is None:
            self._node.counters.late_replies += 1
            return
        try:
            failed = link.codec.decode(message.body, Failed)
        except ProtocolError as error:
            sending.refuse(error)
        else:
            sending.failed_remotely(failed)

    def _item(self, link: Link, message: Item, frames: Sequence[Buffer]) -> None:
        arrays = link.buffers(message.frames, frames)
        sending = link.pending.get(message.id)
        if sending is None:
            self._node.counters.late_replies += 1
            return
        try:
            value = link.codec.decode(message.body, sending.spec.returns, arrays)
        except ProtocolError as error:
            sending.target.withdraw(sending)
            sending.refuse(_of_result(sending, error))
        else:
            sending.item(value)

    def _end(self, link: Link, message: End, _frames: Sequence[Buffer]) -> None:
        sending = link.pending.pop(message.id, None)
        if sending is not None:
            sending.end()

    def _credit(self, link: Link, message: Credit, _frames: Sequence[Buffer]) -> None:
        target = link.targets.get((message.target, message.incarnation))
        if target is not None and 0 < message.count <= target.address.window:
            target.refill(message.count, beside=message.beside)

    def _returned(self, link: Link, message: Returned, _frames: Sequence[Buffer]) -> None:
        if link.lane is None:
            raise ProtocolError("it returns slots, but no shared memory was agreed")
        link.lane.returned(message)

    def _offered(self, link: Link, message: Offered, _frames: Sequence[Buffer]) -> None:
        if link.lane is None:
            raise ProtocolError("it offers a card, but no shared memory was agreed")
        link.lane.offered(message)

    def _accepted(self, link: Link, message: Accepted, _frames: Sequence[Buffer]) -> None:
        if link.lane is None:
            raise ProtocolError("it reads a card, but no shared memory was agreed")
        link.lane.accepted(message)

    def _closed(self, link: Link, message: Closed, _frames: Sequence[Buffer]) -> None:
        target = link.targets.pop((message.target, message.incarnation), None)
        if target is not None:
            target.close(DeadActorError(target.address, message.reason))
            self._node.router.forget_place(target.address)


def _of_result(sending: Sending, error: ProtocolError) -> ProtocolError:
    """Return the error with the name of the handler whose result it is about."""
    what = f"result of {sending.target.key}.{sending.spec.name}"
    return CodecError(what, error.detail) if isinstance(error, CodecError) else error
