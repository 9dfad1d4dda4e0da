"""The way of large arrays to one peer on this host: slots lent to it, and slots borrowed from it."""

from __future__ import annotations

import threading
import weakref
from contextvars import copy_context
from typing import TYPE_CHECKING, Final

from ...protocols.arrays import Buffer, MissingFrame
from ...protocols.envelope import Returned
from ...protocols.errors import ProtocolError
from ...protocols.slots import SlotRecord, is_slot, pack_slot, unpack_slot
from .slots import MIN_SLOT_BYTES

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from .memory import NodeMemory
    from .slots import Peer

RETURN_SECONDS: Final = 0.005
"""How long slots that are to be returned wait for a message that they can travel with."""

RETURN_BYTES: Final = 8 << 20
"""A slot of this size is returned at once: its reuse is worth a message."""


class Lane:
    """What two nodes that share memory keep of one another.

    Args:
        memory: This node's shared memory.
        peer: The other node's life.
        wake: Asks the link to flush, and what is to be returned with it.
    """

    def __init__(
        self,
        memory: NodeMemory,
        peer: Peer,
        *,
        loop: asyncio.AbstractEventLoop,
        wake: Callable[[], None],
    ) -> None:
        self._memory = memory
        self._peer = peer
        self._writer = writer_of(peer)
        self._loop = loop
        self._thread = threading.get_ident()
        self._wake = wake
        self._context = copy_context()  # not the one of whoever happens to drop an array
        self._returns: list[tuple[int, int]] = []
        self._due = False
        self._closed = False

    # What we lend.

    def lend(self, frames: Sequence[Buffer]) -> list[Buffer]:
        """Return the frames with descriptors for those that are in slots now.

        One that is shared already is only referred to; a large one is copied into a slot, if
        there is any; the others stay as they are.
        """
        return [self._lend(frame) for frame in frames]

    def _lend(self, frame: Buffer) -> Buffer:
        memory = self._memory
        size = memoryview(frame).nbytes
        record = memory.find(frame)
        if record is not None:
            memory.lend(record, self._peer)
            return pack_slot(record)
        if size < MIN_SLOT_BYTES:
            return frame
        slot = memory.put(frame)
        if slot is None:
            memory.fallbacks += 1
            return frame
        memory.pool.lend(slot, self._peer)
        memory.pool.let_go(slot)
        return pack_slot(SlotRecord(slot.segment, slot.offset, size))

    def returned(self, message: Returned) -> None:
        """The peer gives slots back.

        Raises:
            ProtocolError: It was not lent one of them.
        """
        for segment, offset in message.slots:
            self._memory.pool.give_back(self._peer, segment, offset)

    # What we borrow.

    def borrow(self, frames: Sequence[Buffer]) -> list[Buffer]:
        """Return the frames with memory in place of descriptors.

        Each slot is returned when the last array that lies in it is gone, whatever became of
        the message.
        """
        return [self._borrow(frame) if is_slot(frame) else frame for frame in frames]

    def _borrow(self, frame: Buffer) -> Buffer:
        import numpy as np  # loaded only where arrays arrive

        try:
            record = unpack_slot(frame)
        except ProtocolError as error:
            return MissingFrame(str(error))
        segment, offset, size = record.segment, record.offset, record.size
        try:
            memory = self._memory.attached(self._writer, segment)
        except ProtocolError as error:
            self._drop(segment, offset, size)
            return MissingFrame(str(error))
        if offset + size > memory.nbytes:
            return MissingFrame(f"slot of {size} bytes at {offset} of {memory.nbytes}")
        # A memoryview would not do: arrays refer to the memory behind it, not to the view.
        owner = np.frombuffer(memory, np.uint8, size, offset)
        weakref.finalize(owner, self._drop, segment, offset, size).atexit = False
        return owner.data

    def _drop(self, segment: int, offset: int, size: int) -> None:
        """A slot is no longer read here. Runs wherever the last array is collected."""
        if self._closed:
            return
        self._returns.append((segment, offset))
        if threading.get_ident() != self._thread:
            self._memory.soon(self._wake, self._context)
        elif size >= RETURN_BYTES:
            self._loop.call_soon(self._wake, context=self._context)
        elif not self._due:
            self._due = True
            self._loop.call_later(RETURN_SECONDS, self._return, context=self._context)

    def _return(self) -> None:
        self._due = False
        if self._returns:
            self._wake()

    def returns(self) -> Returned | None:
        """Return the message that gives back what is no longer read, if there is anything."""
        count = len(self._returns)  # another thread may append meanwhile
        if not count:
            return None
        slots = self._returns[:count]
        del self._returns[:count]
        return Returned(slots)

    def close(self) -> None:
        """The link is over: nothing can be returned, and the peer's death frees the rest."""
        self._closed = True


def writer_of(peer: Peer) -> str:
    """Return the name that the segments of one life of a node have."""
    return f"{peer[0]}.{peer[1]}"
