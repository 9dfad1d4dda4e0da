"""Slots of shared memory on the wire: a tensor frame that only says where the bytes are.

An array below INLINE_ARRAY_BYTES never has a frame of its own, so a frame shorter than that is
such a descriptor. It names no file: the segment's name follows from who sends, and a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .errors import LimitError, ProtocolError
from .limits import INLINE_ARRAY_BYTES, MAX_FRAME_BYTES

if TYPE_CHECKING:
    from .arrays import Buffer


class SlotRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Where the bytes of an array are, in the shared memory of the sender.

    Attributes:
        segment: Serial number of a segment of the sender's.
        offset: Where they begin in it.
        size: How many there are.
    """

    segment: int
    offset: int
    size: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(SlotRecord)


def is_slot(frame: Buffer) -> bool:
    """Return whether a tensor frame is a descriptor, and not the bytes themselves."""
    return memoryview(frame).nbytes < INLINE_ARRAY_BYTES


def pack_slot(record: SlotRecord) -> bytes:
    """Return the frame that stands for the bytes in a slot."""
    return _encoder.encode(record)


def unpack_slot(frame: Buffer) -> SlotRecord:
    """Return what a descriptor says.

    Raises:
        ProtocolError: It is none.
        LimitError: It describes more than a frame may have.
    """
    try:
        record = _decoder.decode(frame)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ProtocolError(f"frame of {memoryview(frame).nbytes} bytes: {error}") from None
    if record.segment < 1 or record.offset < 0 or record.size < 1:
        raise ProtocolError(f"slot of {record.size} bytes at {record.offset}")
    if record.size > MAX_FRAME_BYTES:
        raise LimitError("size of a slot", record.size, MAX_FRAME_BYTES)
    return record
