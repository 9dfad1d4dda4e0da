"""Slots on cards and copies from them, on cards that are memory of this process."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
import torch

from passel.protocols.arrays import MissingFrame
from passel.protocols.cards import Card, CardBytes
from passel.protocols.envelope import Accepted, Offered, Reply, Returned
from passel.protocols.errors import ProtocolError
from passel.protocols.slots import LOST_SLOT, CardSlot, SlotRecord
from passel.runtime.memory import Copies, CudaCards, HeapSegments, Lane, NodeCards, NodeMemory
from passel.runtime.memory.node_cards import CARD_SEGMENTS
from tests.runtime.memory.heap_cards import HeapCards, Rack

if TYPE_CHECKING:
    from passel.protocols.arrays import Buffer, Frame
    from passel.protocols.envelope import AnyMessage

KIB, MIB = 1 << 10, 1 << 20


class End:
    """One of two nodes of a host, and its lane to the other."""

    def __init__(
        self, name: str, other: str, store: HeapSegments, rack: Rack, cards: str, limit: int
    ) -> None:
        loop = asyncio.get_running_loop()
        memory = NodeMemory(store, (name, 1), loop=loop, now=loop.time, limit=16 * MIB)
        self.driver = HeapCards(rack, *cards.split())
        self.cards = NodeCards(self.driver, (name, 1), loop=loop, now=loop.time, limit=limit)
        self.woken = asyncio.Event()
        self.lane: Lane = memory.lane_to((other, 1), self.woken.set, self.cards)
        self.memory = memory
        self.left = asyncio.Event()
        self.copies = Copies(loop, self.left.set)

    def take(self, messages: list[AnyMessage]) -> None:
        """Take what the other node's lane has to say."""
        for message in messages:
            if isinstance(message, Offered):
                self.lane.offered(message)
            elif isinstance(message, Accepted):
                self.lane.accepted(message)
            elif isinstance(message, Returned):
                self.lane.returned(message)


class Pair:
    """A sender and a reader; both see the card `a` unless they are told otherwise."""

    def __init__(self, *, sees: str = "a", reads: str = "a", limit: int = 16 * MIB) -> None:
        store = HeapSegments("host", 64 * MIB)
        self.rack = Rack()
        self.one = End("one", "two", store, self.rack, sees, limit)
        self.two = End("two", "one", store, self.rack, reads, limit)

    def sent(self, *data: CardBytes) -> tuple[Reply, list[Frame]]:
        """Send bytes from `one`; return the message, and what of it would go as frames."""
        message, left = self.one.lane.lend(
            Reply(1, 0.0, len(data), msgspec.Raw()), data, self.one.copies
        )
        assert isinstance(message, Reply)
        return message, list(left)

    def arrived(self, message: Reply, frames: list[Buffer]) -> list[Frame]:
        """Return where the arrays of a message are for `two`."""
        assert isinstance(message.frames, list)
        return self.two.lane.borrow(message.frames, frames)

    def talk(self) -> None:
        """Carry what both lanes have to say."""
        self.two.take(self.one.lane.news())
        self.one.take(self.two.lane.news())

    def agreed(self) -> Pair:
        """Let the reader open what the sender offers with its first tensor."""
        self.sent(self.one.driver.bytes_on(np.zeros(1)))
        self.talk()
        return self

    async def settled(self) -> int:
        """Return how many slots on cards the sender has in use once all has been given back."""
        gc.collect()
        await asyncio.sleep(0)  # what was dropped is looked after on the loop
        self.talk()
        return self.one.cards.statistics.slots_used


async def test_until_the_reader_has_opened_an_offer_a_card_copies_into_shared_memory() -> None:
    pair = Pair()
    values = np.arange(100_000)

    message, left = pair.sent(pair.one.driver.bytes_on(values))

    assert not left
    assert isinstance(message.frames, list)
    assert message.frames[0] is not None
    assert message.frames[0].card is None
    (there,) = pair.arrived(message, [])
    assert bytes(there) == values.tobytes()
    (offer,) = pair.one.lane.news()
    assert isinstance(offer, Offered)
    assert offer.card.uuid == "a"
    assert pair.rack.pins == 1


async def test_a_tensor_goes_through_a_slot_on_a_card_that_both_see() -> None:
    pair = Pair().agreed()
    values = np.arange(100_000)

    message, left = pair.sent(pair.one.driver.bytes_on(values))
    (there,) = pair.arrived(message, left)  # type: ignore[arg-type]

    assert isinstance(there, CardBytes)
    assert bytes(there) == values.tobytes()
    assert pair.one.cards.statistics.slots_used == 1
    assert pair.one.memory.statistics.slots_used == 0
    part = there.data[10:20]
    del there
    assert await pair.settled() == 1
    del part
    assert await pair.settled() == 0


async def test_few_bytes_go_through_a_slot_on_a_card_too() -> None:
    pair = Pair().agreed()
    message, left = pair.sent(pair.one.driver.bytes_on(np.ones(1)))
    (there,) = pair.arrived(message, left)  # type: ignore[arg-type]
    assert bytes(there) == np.ones(1).tobytes()
    assert isinstance(there, CardBytes)


async def test_a_slot_comes_back_only_when_the_card_has_read_it() -> None:
    pair = Pair().agreed()
    message, _ = pair.sent(pair.one.driver.bytes_on(np.ones(10)))
    there = pair.arrived(message, [])
    pair.rack.lazy = True
    there.clear()
    assert await pair.settled() == 1
    pair.rack.run()
    pair.two.cards._drain()
    assert await pair.settled() == 0


async def test_a_reader_that_does_not_see_the_card_is_asked_once_and_stays_with_copies() -> None:
    pair = Pair(reads="b")
    for _ in range(3):
        message, left = pair.sent(pair.one.driver.bytes_on(np.ones(100_000)))
        pair.talk()
        assert isinstance(message.frames, list)
        assert message.frames[0] is not None
        assert message.frames[0].card is None
        assert not left
    assert pair.one.cards.statistics.slots_used == 0
    assert not pair.two.woken.is_set()


async def test_cards_are_agreed_on_one_by_one() -> None:
    pair = Pair(sees="a b", reads="b c").agreed()
    pair.sent(pair.one.driver.bytes_on(np.ones(1), 1))
    pair.talk()
    message, _ = pair.sent(
        pair.one.driver.bytes_on(np.ones(100_000), 0), pair.one.driver.bytes_on(np.ones(1), 1)
    )
    assert isinstance(message.frames, list)
    first, second = message.frames
    assert first is not None
    assert second is not None
    assert first.card is None
    assert second.card is not None
    assert second.card.uuid == "b"
    assert second.segment > CARD_SEGMENTS
    (_, there) = pair.arrived(message, [])
    assert isinstance(there, CardBytes)
    assert there.card.number == 0  # as the reader sees it


async def test_without_room_on_the_card_tensors_are_copied_and_counted() -> None:
    pair = Pair(limit=64 * KIB).agreed()
    kept = [pair.sent(pair.one.driver.bytes_on(np.ones(100))) for _ in range(2)]
    assert [len(left) for _, left in kept] == [0, 1]
    assert pair.one.cards.statistics.fallbacks == 1


async def test_without_slots_on_cards_nothing_is_offered() -> None:
    pair = Pair(limit=0).agreed()
    _, left = pair.sent(pair.one.driver.bytes_on(np.ones(1)))
    assert len(left) == 1
    assert pair.one.lane.news() == []


async def test_a_reader_that_is_gone_frees_its_slots_and_what_it_had_open() -> None:
    pair = Pair(limit=4 * MIB).agreed()
    pair.sent(pair.one.driver.bytes_on(np.ones(100)))
    large = pair.one.driver.bytes_on(np.ones(4 * MIB, np.uint8))
    assert pair.one.cards.lend(large, ("other", 1)) is None  # the segment may be open there
    pair.one.cards.peer_gone(("two", 1))
    assert pair.one.cards.statistics.slots_used == 0
    assert pair.one.cards.lend(large, ("other", 1)) is not None  # another segment took its place


async def test_a_shared_tensor_is_referred_to_with_all_its_parts() -> None:
    pair = Pair().agreed()
    card = pair.one.driver.bytes_on(np.ones(1)).card
    tensor = pair.one.driver.bytes_on(np.arange(100_000, dtype=np.uint8)).data

    shared = pair.one.cards.share(tensor, card)
    whole, _ = pair.sent(CardBytes(shared, card))
    part, _ = pair.sent(CardBytes(shared[500:600], card))

    assert pair.one.cards.share(shared, card) is shared
    assert pair.one.cards.statistics.slots_used == 1
    read = [*pair.arrived(whole, []), *pair.arrived(part, [])]
    assert bytes(read[1]) == bytes(range(244, 256)) + bytes(range(88))
    del shared
    assert await pair.settled() == 1
    read.clear()
    assert await pair.settled() == 0


async def test_what_cannot_be_opened_fails_where_it_is_decoded_and_is_given_back() -> None:
    pair = Pair().agreed()
    message, _ = pair.sent(pair.one.driver.bytes_on(np.ones(10)))
    assert isinstance(message.frames, list)
    (record,) = message.frames
    assert record is not None
    assert record.card is not None
    for memory in (bytes(64), b"short"):
        forged = SlotRecord(record.segment + 1, 0, 80, CardSlot("a", memory, record.card.event))
        (missing,) = pair.two.lane.borrow([forged], [])
        assert isinstance(missing, MissingFrame)
    beyond = SlotRecord(record.segment, 4 * MIB, 80, record.card)
    (missing,) = pair.two.lane.borrow([beyond], [])
    assert isinstance(missing, MissingFrame)
    with pytest.raises(ProtocolError, match="not lent"):
        pair.talk()


async def test_only_what_was_offered_can_be_accepted() -> None:
    pair = Pair()
    with pytest.raises(ProtocolError, match="was not offered"):
        pair.one.lane.accepted(Accepted("a"))
    with pytest.raises(ProtocolError, match="of no card"):
        pair.one.lane.returned(Returned([(CARD_SEGMENTS + 1, 0)]))


# Copies to this process's memory.


async def test_a_message_waits_until_its_copy_is_done_and_holds_those_behind_it() -> None:
    pair = Pair(limit=0)
    pair.rack.lazy = True
    message, _ = pair.sent(pair.one.driver.bytes_on(np.ones(100_000)))
    assert pair.one.copies.held() is message
    assert not pair.one.left.is_set()
    pair.rack.run()
    await pair.one.left.wait()
    assert pair.one.copies.held() is None
    (there,) = pair.arrived(message, [])
    assert bytes(there) == np.ones(100_000).tobytes()


async def test_a_slot_is_not_used_again_while_a_card_still_writes_to_it() -> None:
    pair = Pair(limit=0)
    pair.rack.lazy = True
    pair.sent(pair.one.driver.bytes_on(np.ones(100_000)))
    pair.one.memory.peer_gone(("two", 1))
    assert pair.one.memory.statistics.slots_used == 1
    pair.rack.run()
    await pair.one.left.wait()
    assert pair.one.memory.statistics.slots_used == 0


async def test_when_a_card_fails_the_message_leaves_and_says_so() -> None:
    pair = Pair(limit=0)
    pair.rack.lazy = True
    message, _ = pair.sent(pair.one.driver.bytes_on(np.ones(100_000)))
    pair.rack.fail()
    await pair.one.left.wait()
    assert message.frames == [LOST_SLOT]
    (missing,) = pair.arrived(message, [])
    assert isinstance(missing, MissingFrame)
    assert "card failed" in missing.reason
    assert pair.one.memory.statistics.slots_used == 0


@pytest.mark.parametrize("limit", [0, 16 * MIB])
async def test_a_card_that_has_failed_before_costs_its_tensor_and_no_slot(limit: int) -> None:
    pair = Pair(limit=limit).agreed()
    kept = np.arange(100_000).tobytes()
    pair.rack.broken = True
    message, left = pair.sent(pair.one.driver.bytes_on(np.ones(100_000)), kept)  # type: ignore[arg-type]
    assert isinstance(message.frames, list)
    assert message.frames[0] == LOST_SLOT
    missing, there = pair.arrived(message, left)  # type: ignore[arg-type]
    assert isinstance(missing, MissingFrame)
    assert bytes(there) == kept
    del there
    assert await pair.settled() == 0
    assert pair.one.memory.statistics.slots_used == 0
    assert pair.one.copies.held() is None


async def test_a_reader_whose_card_has_failed_gives_its_slots_back() -> None:
    pair = Pair().agreed()
    messages = [pair.sent(pair.one.driver.bytes_on(np.ones(10)))[0] for _ in range(2)]
    there = [pair.arrived(message, []) for message in messages]
    pair.rack.broken = True
    there.clear()
    assert await pair.settled() == 0


async def test_a_link_that_closes_waits_for_its_copies() -> None:
    pair = Pair(limit=0)
    pair.rack.lazy = True
    message, _ = pair.sent(pair.one.driver.bytes_on(np.ones(100_000)))
    pair.one.copies.wait()
    assert pair.one.copies.held() is None
    (there,) = pair.arrived(message, [])
    assert bytes(there) == np.ones(100_000).tobytes()


async def test_pinned_memory_is_given_back_with_its_segment() -> None:
    pair = Pair(limit=0)
    pair.sent(pair.one.driver.bytes_on(np.ones(100_000)))
    await pair.one.left.wait()
    assert pair.rack.pins == 1
    pair.one.memory.close()
    assert pair.rack.pins == 0


# Where a tensor goes in a process that sees no card.


def test_a_tensor_stays_in_memory_where_there_is_no_such_card() -> None:
    cards = CudaCards()
    tensor = torch.ones(3)
    assert cards.place(tensor, Card(torch.cuda.device_count(), "of another host")) is tensor


async def test_what_lies_on_a_card_that_is_not_seen_is_not_accepted() -> None:
    loop = asyncio.get_running_loop()
    cards = NodeCards(CudaCards(), ("here", 1), loop=loop, now=loop.time)
    offered = Offered(CARD_SEGMENTS + 1, CardSlot("of another host", bytes(64), bytes(64)))
    assert not cards.accept(("there", 1), offered)
    record = SlotRecord(CARD_SEGMENTS + 1, 0, 8, offered.card)
    given_back: list[int] = []
    missing = cards.borrow(("there", 1), record, lambda: given_back.append(1))
    assert isinstance(missing, MissingFrame)
    assert "not one of this process's" in missing.reason
    assert given_back == [1]
