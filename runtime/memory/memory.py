"""One node's shared memory: the segments that it writes, and those of others that it reads."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections import OrderedDict, deque
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

from ...protocols.arrays import array_bytes, array_of
from ...protocols.control import MemoryStatistics
from ...protocols.errors import SharedMemoryError
from ...protocols.log import log
from ...protocols.slots import SlotRecord
from .lane import Lane, writer_of
from .slots import SlotPool

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from contextvars import Context

    from ...protocols.arrays import Buffer
    from .cards import Cards, Pin
    from .node_cards import NodeCards
    from .segments import SegmentStore
    from .slots import Peer, Slot

ATTACHED_KEPT: Final = 256
"""How many segments of others stay mapped: mapping one anew costs more than a copy."""

DEFAULT_SHARE: Final = 4
"""A node's slots may take one part in this many of the shared memory that there is."""

_RETRY_SECONDS: Final = 1.0


class NodeMemory:
    """What a node lends, shares and reads through shared memory.

    Args:
        store: What segments are made of.
        peer: Name and life of the node.
        limit: Most bytes of its own segments; None for a quarter of what there is.
        loop: The node's event loop; everything happens on it, but what collects arrays.
        now: The node's clock.

    Attributes:
        pool: The slots of this node.
        fallbacks: Arrays that found no slot.
        peer: Name and life of the node.
    """

    def __init__(
        self,
        store: SegmentStore,
        peer: Peer,
        *,
        loop: asyncio.AbstractEventLoop,
        now: Callable[[], float],
        limit: int | None = None,
    ) -> None:
        self.pool = SlotPool(store.capacity // DEFAULT_SHARE if limit is None else limit)
        self.fallbacks = 0
        self.peer = peer
        self._store = store
        self._writer = writer_of(peer)
        self._loop = loop
        self._now = now
        self._thread = threading.get_ident()
        self._own: dict[int, memoryview] = {}
        self._pins: dict[int, Pin | None] = {}
        self._views: dict[int, tuple[int, memoryview]] = {}
        self._attached: OrderedDict[tuple[str, int], memoryview] = OrderedDict()
        self._dropped: deque[Slot] = deque()
        self._context = copy_context()
        self._retry_at = 0.0
        self._closed = False

    @property
    def key(self) -> str:
        """What a peer must have too, to read what is written here."""
        return self._store.key

    @property
    def statistics(self) -> MemoryStatistics:
        """What is in use."""
        self._settle()
        pool = self.pool
        return MemoryStatistics(
            slots=pool.slots,
            slots_used=pool.slots_used,
            bytes=pool.bytes,
            bytes_used=pool.bytes_used,
            fallbacks=self.fallbacks,
        )

    def lane_to(self, peer: Peer, wake: Callable[[], None], cards: NodeCards | None = None) -> Lane:
        """Return the lane to a peer that shares this memory, and perhaps `cards`."""
        return Lane(self, peer, loop=self._loop, wake=wake, cards=cards)

    # Slots of this node.

    def put(self, data: Buffer) -> Slot | None:
        """Copy bytes into a free slot and return it, held by the caller; None if there is none."""
        size = memoryview(data).nbytes
        slot = self.take(size)
        if slot is not None:
            self._own[slot.segment][slot.offset : slot.offset + size] = data
        return slot

    def take(self, size: int) -> Slot | None:
        """Return a free slot for `size` bytes, held by the caller; None if there is none."""
        self._settle()
        slot = self.pool.take(size)
        if slot is None and self._grow(size):
            slot = self.pool.take(size)
        return slot

    def pinned(self, slot: Slot, size: int, cards: Cards[Any]) -> memoryview:
        """Return the memory of a slot for a card to copy to, directly if that can be."""
        memory = self._own[slot.segment]
        if slot.segment not in self._pins:
            self._pins[slot.segment] = cards.pin(memory)
        return memory[slot.offset : slot.offset + size]

    def _unpin(self, serial: int) -> None:
        pin = self._pins.pop(serial, None)
        if pin is not None:
            pin.release()

    def share(self, value: Any) -> Any:
        """Return a read-only copy of an array in a slot; messages refer to it.

        Raises:
            SharedMemoryError: There is no room.
            CodecError: It is no array that can travel.
        """
        library, dtype, data = array_bytes(value)
        if data.nbytes == 0 or self.find(data) is not None:
            return value
        slot = self.put(data)
        if slot is None:
            raise SharedMemoryError(
                f"{data.nbytes} bytes", f"{self.pool.bytes_used} of {self.pool.limit} are in use"
            )
        return array_of(library, dtype, tuple(value.shape), self._view(slot, data.nbytes))

    def find(self, data: Buffer) -> SlotRecord | None:
        """Return where bytes are that lie in a slot of this node already."""
        if not self._views:
            return None
        import numpy as np  # loaded already: it made the view

        view = memoryview(data)
        start: int = np.frombuffer(view, np.uint8).__array_interface__["data"][0]
        size = view.nbytes
        for serial, (begin, memory) in self._views.items():
            if begin <= start and start + size <= begin + memory.nbytes:
                return SlotRecord(serial, start - begin, size)
        return None

    def lend(self, record: SlotRecord, peer: Peer) -> None:
        """A message to `peer` refers to bytes that lie in a slot."""
        slot = self.pool.slot_at(record.segment, record.offset)
        assert slot is not None, "it was found there"
        self.pool.lend(slot, peer)

    def _grow(self, size: int) -> bool:
        """Make a segment for `size` bytes; return whether there is one."""
        growth = self.pool.growth(size)
        if growth is None or self._closed or self._now() < self._retry_at:
            return False
        for serial in growth.retired:
            self.pool.retire(serial)
            self._views.pop(serial, None)
            self._unpin(serial)
            del self._own[serial]
            self._store.discard(self._writer, serial)
        try:
            memory = self._store.create(self._writer, growth.segment, growth.size)
        except OSError as error:
            self._retry_at = self._now() + _RETRY_SECONDS
            log.warning("no shared memory", size=growth.size, error=str(error))
            return False
        self._own[growth.segment] = memory
        self.pool.grow(growth)
        return True

    def _view(self, slot: Slot, size: int) -> memoryview:
        """Return the bytes in a slot to be read only; the slot is let go of with them."""
        import numpy as np  # an array of its own is at hand

        memory = self.attached(self._writer, slot.segment)
        owner = np.frombuffer(memory, np.uint8, size, slot.offset)
        weakref.finalize(owner, self._drop, slot).atexit = False
        return owner.data

    def _drop(self, slot: Slot) -> None:
        """A shared array is gone from this process. Runs wherever it is collected."""
        if not self._closed:
            self._dropped.append(slot)  # the pool may be at work further up this very stack
            self.soon(self._settle, self._context)

    def _settle(self) -> None:
        while self._dropped:
            self.pool.let_go(self._dropped.popleft())

    # Segments to read.

    def attached(self, writer: str, serial: int) -> memoryview:
        """Return the memory of a segment, mapped for reading.

        Raises:
            ProtocolError: There is none that may be read.
        """
        if writer == self._writer and serial in self._own:
            return self._attach_own(serial)
        key = (writer, serial)
        memory = self._attached.get(key)
        if memory is not None:
            self._attached.move_to_end(key)
            return memory
        memory = self._attached[key] = self._store.attach(writer, serial)
        if len(self._attached) > ATTACHED_KEPT:
            self._attached.popitem(last=False)
        return memory

    def _attach_own(self, serial: int) -> memoryview:
        if serial not in self._views:
            import numpy as np  # whoever attaches makes arrays

            memory = self._store.attach(self._writer, serial)
            start: int = np.frombuffer(memory, np.uint8).__array_interface__["data"][0]
            self._views[serial] = (start, memory)
        return self._views[serial][1]

    def peer_gone(self, peer: Peer) -> None:
        """A node's process has ended: it reads nothing any more, and nobody attaches what it wrote."""
        self.pool.peer_gone(peer)
        writer = writer_of(peer)
        for key in [key for key in self._attached if key[0] == writer]:
            del self._attached[key]
        self._store.sweep(writer)

    def soon(self, action: Callable[[], None], context: Context) -> None:
        """Run `action` on the loop, from whatever thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: so are all links
            if threading.get_ident() == self._thread:
                self._loop.call_soon(action, context=context)
            else:
                self._loop.call_soon_threadsafe(action, context=context)

    def close(self) -> None:
        """Remove this node's segments; arrays that lie in one keep its memory."""
        if self._closed:
            return
        self._closed = True
        for serial in self._own:
            self._unpin(serial)
            self._store.remove(self._writer, serial)
        self._own.clear()
        self._views.clear()
        self._attached.clear()
