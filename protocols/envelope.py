"""The closed set of messages that cross a wire.

Each is an array-like MessagePack record whose first element is its kind, so a batch is one
MessagePack array that any `msgpack` library reads. Bodies are opaque here: a router never
decodes them.

Requests (to an actor, they take a place in its mailbox):  Ask, Tell, Open
Answers (to a request's id, they overtake mailboxes):      Reply, Failure, Item, End
Control (never wait behind a mailbox):                     Cancel, Demand, Credit, Closed, Taken,
                                                           Settled
Links (between nodes):                                     Hello, Goodbye, Mark, Returned,
                                                           Offered, Accepted
"""

from __future__ import annotations

import msgspec

from .confidential import Confidential
from .slots import CardSlot, SlotRecord

Frames = int | list[SlotRecord | None]


class Message(msgspec.Struct, array_like=True, gc=False, tag_field="kind"):
    """What every message has: a kind, which the wire carries as its first element."""


class Request(Message, array_like=True, gc=False):
    """What Ask, Tell and Open share.

    Attributes:
        id: Unique per sending node; answers carry it back.
        source: Address text of the sender, `node/actor`, or `node/` for a program.
        target: Name of the receiving actor.
        incarnation: Which life of it is meant; another one refuses the message.
        method: Name of the handler.
        deadline: Seconds left when it was sent; negative when there is no deadline.
        sequence: Number of this request from its node to the target, from 1.
        sent: The sender's monotonic clock, in seconds.
        chain: Addresses that wait for this ask, outermost first, joined by spaces.
        trace: Trace context: 16 bytes of trace id, or empty; with OpenTelemetry 8 bytes of the
            sender's span id and its flags follow.
        key: Idempotency key: the receiver handles one request of a source and method under it.
            Empty for a request that is sent once.
        beside: Whether it takes a place beside the mailbox (the sender knows that its handler is
            concurrent or a stream) and not one in it.
        frames: How many of the multipart's tensor frames belong to this message. When bytes of
            it are in shared memory, or on a card: for each of its arrays where they are, None
            for a frame.
        body: The encoded arguments.
    """

    id: int
    source: str
    target: str
    incarnation: int
    method: str
    deadline: float
    sequence: int
    sent: float
    chain: str
    trace: bytes
    key: str
    beside: bool
    frames: Frames
    body: msgspec.Raw


class Ask(Request, array_like=True, gc=False, tag=0):
    """A request that gets one Reply or Failure."""


class Tell(Request, array_like=True, gc=False, tag=1):
    """A request that gets no answer."""


class Open(Request, array_like=True, gc=False, tag=2):
    """A request for a stream; Items follow as Demand allows, then End or Failure.

    The body's first argument list is the handler's; the first Demand comes with `demand`.
    """

    demand: int = 0


class Reply(Message, array_like=True, gc=False, tag=3):
    """The result of an Ask."""

    id: int
    sent: float
    frames: Frames
    body: msgspec.Raw


class Failure(Message, array_like=True, gc=False, tag=4):
    """Why a request did not get its result; the body is a `failure.Failed` record."""

    id: int
    sent: float
    body: msgspec.Raw


class Item(Message, array_like=True, gc=False, tag=5):
    """One element of a stream."""

    id: int
    sent: float
    frames: Frames
    body: msgspec.Raw


class End(Message, array_like=True, gc=False, tag=6):
    """The stream is exhausted."""

    id: int


class Cancel(Message, array_like=True, gc=False, tag=7):
    """The sender no longer wants the answer of its request `id`."""

    id: int


class Demand(Message, array_like=True, gc=False, tag=8):
    """The consumer of stream `id` can take `count` more items."""

    id: int
    count: int


class Credit(Message, array_like=True, gc=False, tag=9):
    """`count` places with an actor, in its mailbox or beside it, are the receiver's again."""

    target: str
    incarnation: int
    count: int
    beside: bool = False


class Closed(Message, array_like=True, gc=False, tag=10):
    """An actor is gone; whatever still waits for a place in its mailbox will not get one."""

    target: str
    incarnation: int
    reason: str


class Hello(Confidential, Message, array_like=True, gc=False, tag=11):
    """The first message on a link: who connects, how it is reached, what it speaks.

    Attributes:
        node: Name of the sending node.
        life: Which life of that node.
        endpoint: Where its own socket is bound.
        version: Its protocol version.
        signatures: Digest of handler signatures by class path, for the classes it has loaded.
        cookie: The secret of the runtime, handed to its nodes when they are started.
        memory: Which shared memory it reads and writes; equal for nodes that can lend each other
            slots of it, empty for one that has none.
    """

    secrets = frozenset({"cookie"})

    node: str
    life: int
    endpoint: str
    version: int
    signatures: dict[str, str]
    cookie: str
    memory: str = ""


class Goodbye(Message, array_like=True, gc=False, tag=12):
    """The link ends: an ordered stop (empty reason), or a refusal that says why.

    With a `life` the leader says that it has declared the receiver dead, and as which life it may
    join again.
    """

    node: str
    reason: str
    life: int = 0


class Mark(Message, array_like=True, gc=False, tag=13):
    """What every multipart begins with: its place in the order, and what has come the other way.

    Attributes:
        number: Number of this multipart on its way, from 1; 0 for one outside the order, which
            may be lost.
        acknowledged: Number up to which the sender has received everything.
        wanted: Whether the receiver shall answer at once with what it has received.
    """

    number: int
    acknowledged: int
    wanted: bool = False


class Returned(Message, array_like=True, gc=False, tag=14):
    """Slots of the receiver's, in shared memory or on a card, that the sender no longer reads.

    Attributes:
        slots: Segment and offset, once for every message that referred to the slot.
    """

    slots: list[tuple[int, int]]


class Taken(Message, array_like=True, gc=False, tag=15):
    """The Tell `id`, which asked for that, will be handled by this life of its actor."""

    id: int


class Settled(Message, array_like=True, gc=False, tag=16):
    """The sender has the answer of its request with a key; the key may be forgotten."""

    source: str
    target: str
    incarnation: int
    method: str
    key: str


class Offered(Message, array_like=True, gc=False, tag=17):
    """The sender has a tensor for the receiver on a card: can it read that card's memory?

    Attributes:
        segment: A segment of the sender's on that card.
        card: How it is read.
    """

    segment: int
    card: CardSlot


class Accepted(Message, array_like=True, gc=False, tag=18):
    """The sender has opened what the receiver offered: it reads slots on that card.

    Attributes:
        uuid: The card.
    """

    uuid: str


AnyMessage = (
    Ask
    | Tell
    | Open
    | Reply
    | Failure
    | Item
    | End
    | Cancel
    | Demand
    | Credit
    | Closed
    | Hello
    | Goodbye
    | Mark
    | Returned
    | Taken
    | Settled
    | Offered
    | Accepted
)
