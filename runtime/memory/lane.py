"""The way of large arrays to one peer on this host: slots lent to it, and slots borrowed from it.

Arrays of this process's memory go through slots of shared memory. A tensor on a card goes through
a slot on that card, once the peer has opened what it was offered there; until then, and where the
peer does not see the card, the card copies it into a slot of shared memory.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Final

from ...protocols.arrays import MissingFrame
from ...protocols.cards import CardBytes
from ...protocols.envelope import Accepted, Item, Offered, Reply, Request, Returned
from ...protocols.errors import ProtocolError
from ...protocols.log import log
from ...protocols.slots import LOST_SLOT, SlotRecord, check_slot
from .node_cards import CARD_SEGMENTS
from .slots import MIN_SLOT_BYTES

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    import numpy as np

    from ...protocols.arrays import Buffer, Frame
    from ...protocols.envelope import AnyMessage
    from .copies import Copies
    from .memory import NodeMemory
    from .node_cards import NodeCards
    from .slots import Peer, Slot

CARD_FAILED: Final = "its sender's card failed before its bytes were copied"

RETURN_SECONDS: Final = 0.005
"""How long slots that are to be returned wait for a message that they can travel with."""


class Lane:
    """What two nodes that share memory keep of one another.

    Args:
        memory: This node's shared memory.
        peer: The other node's life.
        wake: Asks the link to flush, and what is to be said of slots with it.
        cards: This node's cards, if tensors on them may travel through slots.
    """

    def __init__(
        self,
        memory: NodeMemory,
        peer: Peer,
        *,
        loop: asyncio.AbstractEventLoop,
        wake: Callable[[], None],
        cards: NodeCards | None = None,
    ) -> None:
        self._memory = memory
        self._peer = peer
        self._cards = cards
        self._offered: set[str] = set()
        self._accepted: set[str] = set()
        self._offers: list[Offered | Accepted] = []
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
        self, message: AnyMessage, frames: Sequence[Frame], copies: Copies
    ) -> tuple[AnyMessage, Sequence[Frame]]:
        """Return the message, now with the slots of its arrays, and the frames that are left.

        An array that is shared already is only referred to; a large one, or a tensor on a card
        that the peer sees too, is copied into a slot, if there is any; the others keep their
        frames. The message must not leave before its `copies` are done.
        """
        assert isinstance(message, Request | Reply | Item), "the others have no arrays"
        slots: list[SlotRecord | None] = []
        for frame in frames:
            if isinstance(frame, CardBytes):
                slots.append(self._lend_card(frame, slots, message, copies))
            else:
                slots.append(self._lend(frame))
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

    def _lend_card(
        self,
        frame: CardBytes,
        slots: list[SlotRecord | None],
        message: AnyMessage,
        copies: Copies,
    ) -> SlotRecord | None:
        """Lend bytes on a card; of one that has failed the message says so instead."""
        try:
            return self._lend_or_fetch(frame, slots, message, copies)
        except (OSError, RuntimeError) as error:
            log.error("a card failed before a tensor was copied", error=str(error))
            return LOST_SLOT

    def _lend_or_fetch(
        self,
        frame: CardBytes,
        slots: list[SlotRecord | None],
        message: AnyMessage,
        copies: Copies,
    ) -> SlotRecord | None:
        """Lend bytes on a card there, or let the card copy them into shared memory.

        Raises:
            OSError: The card cannot say when they are there.
            RuntimeError: The card has failed.
        """
        cards, memory, peer = self._cards, self._memory, self._peer
        assert cards is not None, "else tensors are copied before they come here"
        if self._reads(frame.card.uuid):
            record = cards.lend(frame, peer)
            if record is not None:
                return record
        size = frame.nbytes
        if size < MIN_SLOT_BYTES:
            return None
        slot = memory.take(size)
        if slot is None:
            memory.fallbacks += 1
            return None
        try:
            _, work = cards.fetch(frame, memory.pinned(slot, size, cards.cards))
        except BaseException:
            memory.pool.let_go(slot)
            raise
        memory.pool.lend(slot, peer)
        copies.add(
            message,
            work,
            done=partial(memory.pool.let_go, slot),  # held until now: the peer may be gone before
            failed=partial(self._lost, slot, slots, len(slots)),
        )
        return SlotRecord(slot.segment, slot.offset, size)

    def _lost(self, slot: Slot, slots: list[SlotRecord | None], index: int) -> None:
        """A card failed while it copied into a slot: the message says so instead."""
        pool = self._memory.pool
        slots[index] = LOST_SLOT
        with contextlib.suppress(ProtocolError):  # the peer is gone, and its loans with it
            pool.give_back(self._peer, slot.segment, slot.offset)
        pool.let_go(slot)

    def _reads(self, uuid: str) -> bool:
        """Return whether the peer reads slots on a card; offer it one if it was not asked yet."""
        assert self._cards is not None, "it is asked for a tensor on one"
        if uuid in self._accepted or self._memory.peer == self._peer:
            return True
        if uuid not in self._offered:
            record = self._cards.offer(uuid, self._peer)
            if record is not None:
                assert record.card is not None, "it lies on a card"
                self._offered.add(uuid)
                self._offers.append(Offered(record.segment, record.card))
        return False

    def accepted(self, message: Accepted) -> None:
        """The peer reads slots on a card.

        Raises:
            ProtocolError: It was not offered any.
        """
        if message.uuid not in self._offered:
            raise ProtocolError(f"card {message.uuid} was not offered to it")
        self._accepted.add(message.uuid)

    def returned(self, message: Returned) -> None:
        """The peer gives slots back.

        Raises:
            ProtocolError: It was not lent one of them.
        """
        for segment, offset in message.slots:
            if segment < CARD_SEGMENTS or self._cards is None:
                self._memory.pool.give_back(self._peer, segment, offset)
            else:
                self._cards.give_back(self._peer, segment, offset)

    # What we borrow.

    def offered(self, message: Offered) -> None:
        """The peer asks whether its slots on a card can be read here: say so if they can."""
        if self._cards is not None and self._cards.accept(self._peer, message):
            self._offers.append(Accepted(message.card.uuid))
            self._wake()

    def borrow(self, slots: Sequence[SlotRecord | None], frames: Sequence[Buffer]) -> list[Frame]:
        """Return where the bytes of a message's arrays are: in slots, and in its frames.

        Each slot is returned when the last array that lies in it is gone, whatever became of
        the message.
        """
        own = iter(frames)
        return [next(own) if slot is None else self._borrow(slot) for slot in slots]

    def _borrow(self, record: SlotRecord) -> Frame:
        segment, offset, size = record.segment, record.offset, record.size
        if not segment and record == LOST_SLOT:
            return MissingFrame(CARD_FAILED)
        if record.card is not None:
            give_back = partial(self._drop, segment, offset)
            if self._cards is not None:
                return self._cards.borrow(self._peer, record, give_back)
            give_back()
            return MissingFrame("its bytes are on a card, and this node reads none")
        import numpy as np  # loaded only where arrays arrive

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

    def news(self) -> list[AnyMessage]:
        """Return what is to be said of slots: which are no longer read, and those on cards."""
        count = len(self._returns)  # another thread may append meanwhile
        if not count and not self._offers:
            return []
        said: list[AnyMessage] = [*self._offers]
        self._offers.clear()
        if count:
            said.append(Returned(self._returns[:count]))
            del self._returns[:count]
        return said

    def close(self) -> None:
        """The link is over: nothing can be returned, and the peer's death frees the rest."""
        self._closed = True
        self._borrowed.clear()


def writer_of(peer: Peer) -> str:
    """Return the name that the segments of one life of a node have."""
    return f"{peer[0]}.{peer[1]}"
