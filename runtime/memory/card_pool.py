"""The slots that a node has on one card, and the memory they lie in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...protocols.log import log
from ...protocols.slots import CardSlot, SlotRecord
from .slots import MIN_SLOT_BYTES, SlotPool

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocols.cards import CardBytes
    from .cards import Cards, CardSegment
    from .slots import Peer, Slot

_RETRY_SECONDS: Final = 1.0


class CardPool:
    """One card's slots of one life of a node.

    A segment that another process may have opened stays until that process has ended: to free
    memory that somebody has open is undefined in CUDA.

    Args:
        cards: The cards.
        uuid: Which of them.
        limit: Most bytes of all segments together.
        first: Number of the first segment, less one.
        now: The node's clock.
    """

    def __init__(
        self, cards: Cards[Any], uuid: str, *, limit: int, first: int, now: Callable[[], float]
    ) -> None:
        self.uuid = uuid
        self.slots = SlotPool(limit, first=first)
        self._cards = cards
        self._now = now
        self._segments: dict[int, CardSegment] = {}
        self._openers: dict[int, set[Peer]] = {}
        self._retry_at = 0.0

    def put(self, data: CardBytes) -> Slot | None:
        """Copy bytes into a free slot and return it, held by the caller; None if there is none.

        Raises:
            RuntimeError: The card has failed.
        """
        slot = self.slots.take(data.nbytes)
        if slot is None and self._grow(data.nbytes):
            slot = self.slots.take(data.nbytes)
        if slot is None:
            return None
        try:
            self._cards.write(self._segments[slot.segment], slot.offset, data)
        except BaseException:
            self.slots.let_go(slot)
            raise
        return slot

    def find(self, data: CardBytes) -> SlotRecord | None:
        """Return where bytes are that lie in a slot of this card already."""
        start = self._cards.address_of(data)
        for serial, segment in self._segments.items():
            offset = start - segment.address
            if 0 <= offset <= segment.size - data.nbytes:
                slot = self.slots.slot_at(serial, offset)
                assert slot is not None, "a segment is full of slots"
                return self.record(slot, offset, data.nbytes)
        return None

    def record(self, slot: Slot, offset: int, size: int) -> SlotRecord:
        """Return what a message says of bytes in a slot."""
        return SlotRecord(slot.segment, offset, size, self._key(slot))

    def lend(self, record: SlotRecord, peer: Peer) -> None:
        """A message to `peer` refers to bytes that lie in a slot."""
        slot = self.slots.slot_at(record.segment, record.offset)
        assert slot is not None, "it was put or found there"
        self.slots.lend(slot, peer)
        self._openers.setdefault(record.segment, set()).add(peer)

    def offer(self, peer: Peer) -> SlotRecord | None:
        """Return the first slot of some segment, for a peer to try to open; None if there is none."""
        if not self._segments and not self._grow(MIN_SLOT_BYTES):
            return None
        serial = next(iter(self._segments))
        slot = self.slots.slot_at(serial, 0)
        assert slot is not None, "a segment has a slot"
        try:
            record = self.record(slot, 0, slot.size)
        except OSError as error:
            log.warning("a card cannot be shared", card=self.uuid, error=str(error))
            return None
        self._openers.setdefault(serial, set()).add(peer)
        return record

    def segment(self, serial: int) -> CardSegment:
        """Return a segment."""
        return self._segments[serial]

    def peer_gone(self, peer: Peer) -> None:
        """A process has ended: it reads nothing, and has nothing open."""
        self.slots.peer_gone(peer)
        for openers in self._openers.values():
            openers.discard(peer)

    def close(self) -> None:
        """Let go of the segments; tensors that lie in one keep its memory."""
        self._segments.clear()

    def _key(self, slot: Slot) -> CardSlot:
        segment = self._segments[slot.segment]
        return CardSlot(self.uuid, segment.handle, self._cards.event_of(segment, slot.offset))

    def _grow(self, size: int) -> bool:
        """Make a segment for `size` bytes; return whether there is one."""
        opened = {serial for serial, peers in self._openers.items() if peers}
        growth = self.slots.growth(size, kept=opened)
        if growth is None or self._now() < self._retry_at:
            return False
        for serial in growth.retired:
            self.slots.retire(serial)
            self._openers.pop(serial, None)
            del self._segments[serial]
        try:
            segment = self._cards.create(self.uuid, growth.size)
        except OSError as error:
            self._retry_at = self._now() + _RETRY_SECONDS
            log.warning("no memory on a card to share", size=growth.size, error=str(error))
            return False
        self._segments[growth.segment] = segment
        self.slots.grow(growth)
        return True
