"""Slots of shared memory on the wire: what stands for the bytes of an array that lie in one.

It names no file: the segment's name follows from who sends, and a number.
"""

from __future__ import annotations

import msgspec

from .errors import LimitError, ProtocolError
from .limits import MAX_FRAME_BYTES


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


def check_slot(record: SlotRecord, available: int) -> None:
    """Raise unless a slot lies within the `available` bytes of its segment.

    Raises:
        ProtocolError: It does not.
        LimitError: It is larger than a frame may be.
    """
    offset, size = record.offset, record.size
    if size > MAX_FRAME_BYTES:
        raise LimitError("size of a slot", size, MAX_FRAME_BYTES)
    if size < 1 or not 0 <= offset <= available - size:
        raise ProtocolError(f"slot of {size} bytes at {offset} of {available}")
