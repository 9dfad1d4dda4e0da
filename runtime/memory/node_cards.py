"""What one node does with cards: slots that it lends and borrows there, and copies to its memory."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict, deque
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ...protocols.arrays import MissingFrame, array_of, card_bytes
from ...protocols.control import MemoryStatistics
from ...protocols.errors import ProtocolError, SharedMemoryError
from ...protocols.log import log
from ...protocols.slots import CardSlot, SlotRecord, check_handles, check_slot
from .card_pool import CardPool

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ...protocols.arrays import Buffer
    from ...protocols.cards import Card, CardBytes
    from ...protocols.envelope import Offered
    from .cards import Cards, CardSegment, CardWork
    from .slots import Peer

CARD_SEGMENTS: Final = 1 << 32
"""Segments in shared memory are numbered below this; those of each card have as many numbers above."""

CARD_SHARE: Final = 16
"""A node's slots may take one part in this many of a card's memory."""

OPENED_KEPT: Final = 256
"""How many segments of other processes stay open when nothing lies in them."""

DRAIN_SECONDS: Final = 0.001
"""How long until a card is asked again whether it is done with what was dropped."""


class NodeCards:
    """The cards as one life of a node sees them; everything happens on its event loop.

    Args:
        cards: The cards of the process.
        peer: Name and life of the node.
        limit: Most bytes of its slots on each card; None for a sixteenth of the card.
        loop: The node's event loop.
        now: The node's clock.
    """

    def __init__(
        self,
        cards: Cards[Any],
        peer: Peer,
        *,
        loop: asyncio.AbstractEventLoop,
        now: Callable[[], float],
        limit: int | None = None,
    ) -> None:
        self.cards = cards
        self.fallbacks = 0
        self._peer = peer
        self._limit = limit
        self._loop = loop
        self._now = now
        self._thread = threading.get_ident()
        self._context = copy_context()
        self._pools: dict[str, CardPool] = {}
        self._opened: OrderedDict[tuple[Peer, int], CardSegment] = OrderedDict()
        self._dropped: deque[tuple[str, Any, Callable[[], None]]] = deque()
        self._draining: list[tuple[CardWork, Callable[[], None]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def statistics(self) -> MemoryStatistics:
        """What is in use, on all cards together."""
        pools = [pool.slots for pool in self._pools.values()]
        return MemoryStatistics(
            slots=sum(pool.slots for pool in pools),
            slots_used=sum(pool.slots_used for pool in pools),
            bytes=sum(pool.bytes for pool in pools),
            bytes_used=sum(pool.bytes_used for pool in pools),
            fallbacks=self.fallbacks,
        )

    # Slots of this node.

    def pool(self, uuid: str) -> CardPool:
        """Return this node's slots on a card of this process."""
        found = self._pools.get(uuid)
        if found is None:
            limit = self.cards.capacity(uuid) // CARD_SHARE if self._limit is None else self._limit
            first = (len(self._pools) + 1) * CARD_SEGMENTS
            found = CardPool(self.cards, uuid, limit=limit, first=first, now=self._now)
            self._pools[uuid] = found
        return found

    def lend(self, data: CardBytes, peer: Peer) -> SlotRecord | None:
        """Let a peer read bytes on their card; return where, or None when no slot is free.

        What is shared already is only referred to, the rest is copied into a slot.

        Raises:
            OSError: The card cannot say when the bytes are there.
            RuntimeError: The card has failed.
        """
        pool = self.pool(data.card.uuid)
        record = pool.find(data)
        if record is not None:
            pool.lend(record, peer)
            return record
        slot = pool.put(data)
        if slot is None:
            self.fallbacks += 1
            return None
        try:
            record = pool.record(slot, slot.offset, data.nbytes)
            pool.lend(record, peer)
        finally:
            pool.slots.let_go(slot)
        return record

    def give_back(self, peer: Peer, segment: int, offset: int) -> None:
        """A peer no longer reads what one message of ours referred to.

        Raises:
            ProtocolError: It was not lent that.
        """
        index = segment // CARD_SEGMENTS - 1
        pools = list(self._pools.values())
        if index >= len(pools):
            raise ProtocolError(f"segment {segment} is of no card")
        pools[index].slots.give_back(peer, segment, offset)

    def share(self, value: Any, card: Card) -> Any:
        """Return a tensor in a slot that is equal to the one given; messages refer to it.

        Raises:
            SharedMemoryError: There is no room.
            CodecError: It cannot travel.
        """
        dtype, data = card_bytes(value, card)
        pool = self.pool(card.uuid)
        if data.nbytes == 0 or pool.find(data) is not None:
            return value
        slot = pool.put(data)
        if slot is None:
            used = f"{pool.slots.bytes_used} of {pool.slots.limit} are in use on its card"
            raise SharedMemoryError(f"{data.nbytes} bytes", used)
        dropped = partial(self._drop, card.uuid, partial(pool.slots.let_go, slot))
        segment = pool.segment(slot.segment)
        there = self.cards.view(segment, slot.offset, data.nbytes, b"", dropped)
        return array_of("torch", dtype, tuple(value.shape), there)

    def offer(self, uuid: str, peer: Peer) -> SlotRecord | None:
        """Return what a peer can try to open, to see whether it can read slots on a card."""
        return self.pool(uuid).offer(peer)

    # Slots of others.

    def accept(self, peer: Peer, offered: Offered) -> bool:
        """Return whether what a peer offers can be read here."""
        try:
            segment = self._open(peer, offered.segment, offered.card)
            self.cards.open_event(segment, offered.card.event)
        except (ImportError, OSError, RuntimeError, ProtocolError) as error:
            log.debug("card not shared", peer=peer[0], card=offered.card.uuid, reason=str(error))
            return False
        return True

    def borrow(
        self, peer: Peer, record: SlotRecord, give_back: Callable[[], None]
    ) -> CardBytes | MissingFrame:
        """Return the bytes of an array in a slot of a peer's.

        `give_back` is called on the loop when nothing lies there any more, and the card is done
        with what was queued for it.
        """
        assert record.card is not None, "it lies on a card"
        uuid, event = record.card.uuid, record.card.event
        try:
            if peer == self._peer:
                segment, event = self._own(uuid, record.segment), b""
            else:
                segment = self._open(peer, record.segment, record.card)
            check_slot(record, segment.size)
            dropped = partial(self._drop, uuid, give_back)
            return self.cards.view(segment, record.offset, record.size, event, dropped)
        except (ImportError, OSError, RuntimeError, ProtocolError) as error:
            give_back()
            return MissingFrame(f"its bytes on a card cannot be read: {error}")

    def _own(self, uuid: str, serial: int) -> CardSegment:
        try:
            return self._pools[uuid].segment(serial)
        except KeyError:
            raise ProtocolError(f"segment {serial} is not on card {uuid}") from None

    def _open(self, peer: Peer, serial: int, card: CardSlot) -> CardSegment:
        """Return a segment of a peer's, opened.

        Raises:
            OSError: It cannot be opened.
            ProtocolError: What it is to be opened with is malformed.
        """
        check_handles(card)
        key = (peer, serial)
        segment = self._opened.get(key)
        if segment is not None and segment.handle == card.memory:
            self._opened.move_to_end(key)
            return segment
        opened: CardSegment = self.cards.attach(card.uuid, card.memory)
        self._opened[key] = opened
        if len(self._opened) > OPENED_KEPT:
            self._opened.popitem(last=False)
        return opened

    def peer_gone(self, peer: Peer) -> None:
        """A node's process has ended: it reads nothing any more."""
        for pool in self._pools.values():
            pool.peer_gone(peer)
        for key in [key for key in self._opened if key[0] == peer]:
            del self._opened[key]

    # What is dropped: the card may still read it.

    def _drop(self, uuid: str, then: Callable[[], None]) -> None:
        """Nothing lies in a slot any more. Runs wherever the last tensor is collected."""
        if self._closed:
            return
        self._dropped.append((uuid, self.cards.stream(uuid), then))
        with contextlib.suppress(RuntimeError):  # the loop is closed: so are all links
            if threading.get_ident() == self._thread:
                self._loop.call_soon(self._drain, context=self._context)
            else:
                self._loop.call_soon_threadsafe(self._drain, context=self._context)

    def _drain(self) -> None:
        """Give back what no card reads any more; ask again later for the rest."""
        while self._dropped:
            uuid, stream, then = self._dropped.popleft()
            try:
                self._draining.append((self.cards.fence(uuid, stream), then))
            except RuntimeError as error:  # a card that has failed reads nothing any more
                log.error("a card has failed", card=uuid, error=str(error))
                then()
        left: list[tuple[CardWork, Callable[[], None]]] = []
        for work, then in self._draining:
            if _over(work):
                then()
            else:
                left.append((work, then))
        self._draining = left
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if left and not self._closed:
            self._timer = self._loop.call_later(DRAIN_SECONDS, self._drain, context=self._context)

    # Copies to this process's memory, and back to a card.

    def fetch(self, data: CardBytes, into: memoryview | None = None) -> tuple[Buffer, CardWork]:
        """Begin to copy bytes from their card; see `Cards.fetch`.

        Raises:
            RuntimeError: The card has failed.
        """
        return self.cards.fetch(data, into)

    def place(self, tensor: Any, card: Card) -> Any:
        """Return a tensor on the card where it belongs, if this process sees one."""
        return self.cards.place(tensor, card)

    def close(self) -> None:
        """Let go of everything; tensors that lie in a segment keep its memory."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._draining.clear()
        self._dropped.clear()
        self._opened.clear()
        for pool in self._pools.values():
            pool.close()


def _over(work: CardWork) -> bool:
    """Return whether a card is done with something, or will never be: it has failed."""
    try:
        return work.done
    except RuntimeError as error:
        log.error("a card has failed", error=str(error))
        return True
