"""Slots on the wire: what stands for the bytes of an array in shared memory, or on a shared card.

It names no file: the segment's name follows from who sends, and a number.
"""

from __future__ import annotations

import msgspec

from .cards import HANDLE_BYTES
from .errors import LimitError, ProtocolError
from .limits import MAX_FRAME_BYTES


class CardSlot(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What it takes to read a slot that lies on a card.

    Attributes:
        uuid: The card.
        memory: What the segment's memory is opened with (CUDA's IPC handle).
        event: What the event is opened with that says when the bytes are there.
    """

    uuid: str
    memory: bytes
    event: bytes


class SlotRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Where the bytes of an array are, in the shared memory of the sender.

    Attributes:
        segment: Serial number of a segment of the sender's.
        offset: Where they begin in it.
        size: How many there are.
        card: How they are read when the segment lies on a card; None for one in shared memory.
    """

    segment: int
    offset: int
    size: int
    card: CardSlot | None = None


LOST_SLOT = SlotRecord(0, 0, 0)
"""Stands for bytes that their sender could not read from its card; segments count from 1."""


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


def check_handles(card: CardSlot) -> None:
    """Raise unless the handles of a slot could be CUDA's.

    Raises:
        ProtocolError: They have another size.
    """
    for handle in (card.memory, card.event):
        if len(handle) != HANDLE_BYTES:
            raise ProtocolError(f"handle of {len(handle)} bytes, not {HANDLE_BYTES}")
