"""What is in a journal: state, events, tells taken and not yet handled, parcels, answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ...protocols.address import Address  # noqa: TC001  # a record's field, read at run time
from .store import Record, RecordId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...protocols.codec import Codec

STATE: Final = RecordId("state", "")
"""The actor's state as its `snapshot` gave it."""

INBOX: Final = "inbox"
"""The kind of the records of tells that were taken and not handled yet."""

_EVENT: Final = "event"
OUTBOX: Final = "outbox"
"""The kind of the records of tells that were sent and are not known to be taken."""

_ANSWER: Final = "answer"

_encoder = msgspec.msgpack.Encoder()


class Packed(msgspec.Struct, frozen=True, array_like=True):
    """An encoded value with its large arrays: all that is needed to decode it again."""

    body: bytes
    frames: tuple[bytes, ...] = ()


class StoredTell(msgspec.Struct, frozen=True, array_like=True):
    """A tell in the inbox: it was acknowledged, and has not been handled yet.

    Attributes:
        key: Its idempotency key, or empty.
        identity: A text that no other message has, the same each time that it is handled.
        source: Who sent it.
        method: Name of the handler.
        trace: Trace id, or empty.
        arguments: Its arguments.
    """

    key: str
    identity: str
    source: str
    method: str
    trace: bytes
    arguments: Packed


class Parcel(msgspec.Struct, frozen=True, array_like=True):
    """A tell that the actor has sent: it leaves once it is in the journal, until it is taken.

    Attributes:
        key: Its idempotency key, the same each time that it is sent.
        target: To whom.
        method: Name of the handler.
        trace: Trace id, or empty.
        arguments: Its arguments.
    """

    key: str
    target: Address
    method: str
    trace: bytes
    arguments: Packed


class StoredAnswer(msgspec.Struct, frozen=True, array_like=True):
    """What a message with a key was answered, for those who send it again.

    Attributes:
        value: The encoded result, or the encoded `failure.Failed`.
        failed: Which of the two.
    """

    value: Packed
    failed: bool = False


def pack(codec: Codec, value: Any) -> Packed:
    """Encode a value so that it may be kept.

    Raises:
        CodecError: Some part of it has a type that cannot be encoded.
        LimitError: It is too large.
    """
    body, frames = codec.encode(value)
    return Packed(body, tuple(bytes(frame) for frame in frames))


def unpack(codec: Codec, packed: Packed, hint: Any) -> Any:
    """Decode a value that was kept.

    Raises:
        CodecError: It does not fit the type.
    """
    return codec.decode(packed.body, hint, packed.frames)


@dataclass
class Contents:
    """What a journal holds, decoded; numbers are in the order in which things happened."""

    state: Packed | None = None
    events: dict[int, Packed] = field(default_factory=dict)
    inbox: dict[int, StoredTell] = field(default_factory=dict)
    outbox: dict[int, Parcel] = field(default_factory=dict)
    answers: dict[str, StoredAnswer] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        """Whether the actor has never been here before."""
        return self.state is None

    @property
    def last(self) -> int:
        """The largest number in use."""
        return max((*self.events, *self.inbox, *self.outbox), default=0)


def read(records: Iterable[Record]) -> Contents:
    """Return what the records of a journal say.

    Raises:
        msgspec.MsgspecError: They were written by something else.
    """
    contents = Contents()
    decode = msgspec.msgpack.decode
    for record in records:
        kind, key, value = record.id.kind, record.id.key, record.value
        if kind == STATE.kind:
            contents.state = decode(value, type=Packed)
        elif kind == _EVENT:
            contents.events[int(key, 16)] = decode(value, type=Packed)
        elif kind == INBOX:
            contents.inbox[int(key, 16)] = decode(value, type=StoredTell)
        elif kind == OUTBOX:
            contents.outbox[int(key, 16)] = decode(value, type=Parcel)
        elif kind == _ANSWER:
            contents.answers[key] = decode(value, type=StoredAnswer)
    return contents


def event_id(number: int) -> RecordId:
    """Return what an event is filed under."""
    return RecordId(_EVENT, f"{number:016x}")


def inbox_id(number: int) -> RecordId:
    """Return what a tell that was taken is filed under."""
    return RecordId(INBOX, f"{number:016x}")


def outbox_id(number: int) -> RecordId:
    """Return what a parcel is filed under."""
    return RecordId(OUTBOX, f"{number:016x}")


def answer_id(key: str) -> RecordId:
    """Return what the answer to a key is filed under."""
    return RecordId(_ANSWER, key)


def record(id_: RecordId, value: Packed | StoredTell | Parcel | StoredAnswer) -> Record:
    """Return the record of a value."""
    return Record(id_, _encoder.encode(value))
