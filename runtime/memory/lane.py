"""The way of large arrays to one peer on this host: slots lent to it, and slots borrowed from it."""

from __future__ import annotations

import threading
import weakref
from contextvars import copy_context
from typing import TYPE_CHECKING, Final

from ...protocols.arrays import Buffer, MissingFrame
from ...protocols.envelope import Item, Reply, Request, Returned
from ...protocols.errors import ProtocolError
from ...protocols.slots import SlotRecord, check_slot
from .slots import MIN_SLOT_BYTES

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    import numpy as np

    from ...protocols.envelope import AnyMessage
    from .memory import NodeMemory
    from .slots import Peer

RETURN_SECONDS: Final = 0.005
"""How long slots that are to be returned wait for a message that they can travel with."""


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
        self._borrowed: dict[int, tuple[weakref.ref[np.ndarray], int, int]] = {}
        self._returns: list[tuple[int, int]] = []
        self._due = False
        self._closed = False

    # What we lend.

    def lend(
        self, message: AnyMessage, frames: Sequence[Buffer]
    ) -> tuple[AnyMessage, Sequence[Buffer]]:
        """Return the message, now with the slots of its arrays, and the frames that are left.

        An array that is shared already is only referred to; a large one is copied into a slot,
        if there is any; the others keep their frames.
        """
        assert isinstance(message, Request | Reply | Item), "the others have no arrays"
        slots = [self._lend(frame) for frame in frames]
        left = [frame for frame, slot in zip(frames, slots, strict=True) if slot is None]
        if len(left) < len(frames):
            message.frames = slots
        return message, left

    def _lend(self, frame: Buffer) -> SlotRecord | None:
        memory = self._memory
        record = memory.find(frame)
        if record is not None:
            memory.lend(record, self._peer)
            return record
        size = memoryview(frame).nbytes
        if size < MIN_SLOT_BYTES:
            return None
        slot = memory.put(frame)
        if slot is None:
            memory.fallbacks += 1
            return None
        memory.pool.lend(slot, self._peer)
        memory.pool.let_go(slot)
        return SlotRecord(slot.segment, slot.offset, size)

    def returned(self, message: Returned) -> None:
        """The peer gives slots back.

        Raises:
            ProtocolError: It was not lent one of them.
        """
        for segment, offset in message.slots:
            self._memory.pool.give_back(self._peer, segment, offset)

    # What we borrow.

    def borrow(self, slots: Sequence[SlotRecord | None], frames: Sequence[Buffer]) -> list[Buffer]:
        """Return where the bytes of a message's arrays are: in slots, and in its frames.

        Each slot is returned when the last array that lies in it is gone, whatever became of
        the message.
        """
        own = iter(frames)
        return [next(own) if slot is None else self._borrow(slot) for slot in slots]

    def _borrow(self, record: SlotRecord) -> Buffer:
        import numpy as np  # loaded only where arrays arrive

        segment, offset, size = record.segment, record.offset, record.size
        try:
            memory = self._memory.attached(self._writer, segment)
            check_slot(record, memory.nbytes)
        except ProtocolError as error:
            self._drop(segment, offset)
            return MissingFrame(str(error))
        # A memoryview would not do: arrays refer to the memory behind it, not to the view.
        owner = np.frombuffer(memory, np.uint8, size, offset)
        reference = weakref.ref(owner, self._collected)  # a finalizer costs three times as much
        self._borrowed[id(reference)] = (reference, segment, offset)
        return owner.data

    def _collected(self, owner: weakref.ref[np.ndarray]) -> None:
        """The last array in a slot is gone. Runs wherever that is collected."""
        borrowed = self._borrowed.pop(id(owner), None)
        if borrowed is not None:  # else the lane has been closed
            self._drop(*borrowed[1:])

    def _drop(self, segment: int, offset: int) -> None:
        """A slot is no longer read here, nor by any array."""
        if self._closed:
            return
        self._returns.append((segment, offset))
        if threading.get_ident() != self._thread:
            self._memory.soon(self._wake, self._context)
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
        self._borrowed.clear()


def writer_of(peer: Peer) -> str:
    """Return the name that the segments of one life of a node have."""
    return f"{peer[0]}.{peer[1]}"
