"""The bookkeeping of slots: none is taken again while somebody uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from passel.protocols.errors import ProtocolError
from passel.runtime.memory.slots import MIN_SLOT_BYTES, SEGMENT_BYTES, Slot, SlotPool, slot_size

if TYPE_CHECKING:
    from passel.runtime.memory.slots import Growth, Peer

KIB, MIB = 1 << 10, 1 << 20
A: Peer = ("a", 1)
B: Peer = ("b", 1)


def grown(pool: SlotPool, growth: Growth) -> None:
    """Carry out a growth, as the shell does."""
    for serial in growth.retired:
        pool.retire(serial)
    pool.grow(growth)


def taken(pool: SlotPool, size: int) -> Slot | None:
    """Take a slot, growing the pool if there is none."""
    slot = pool.take(size)
    if slot is None and (growth := pool.growth(size)) is not None:
        grown(pool, growth)
        slot = pool.take(size)
    return slot


def lent(pool: SlotPool, size: int, *peers: Peer) -> Slot:
    """Take a slot, lend it and let go of it."""
    slot = taken(pool, size)
    assert slot is not None
    for peer in peers:
        pool.lend(slot, peer)
    pool.let_go(slot)
    return slot


@given(st.integers(1, 8 << 30))
def test_a_size_class_fits_wastes_at_most_a_quarter_and_keeps_pages_whole(size: int) -> None:
    found = slot_size(size)
    assert found >= size
    assert found % 4096 == 0
    assert found == MIN_SLOT_BYTES or found <= 1.25 * size
    assert slot_size(found) == found


def test_a_slot_is_free_again_when_every_reader_gave_it_back() -> None:
    pool = SlotPool(MIB)
    slot = lent(pool, MIB, A, B, B)
    assert taken(pool, MIB) is None
    for peer in (A, B):
        pool.give_back(peer, slot.segment, slot.offset)
        assert taken(pool, MIB) is None
    pool.give_back(B, slot.segment, slot.offset)
    assert taken(pool, MIB) is slot


def test_the_death_of_a_reader_frees_what_it_alone_read() -> None:
    pool = SlotPool(2 * MIB)
    both, one = lent(pool, MIB, A, B), lent(pool, MIB, A, A)
    pool.peer_gone(A)
    assert taken(pool, MIB) is one
    assert taken(pool, MIB) is None
    pool.give_back(B, both.segment, both.offset)
    assert taken(pool, MIB) is both


def test_another_life_of_the_reader_frees_nothing() -> None:
    pool = SlotPool(MIB)
    lent(pool, MIB, A)
    pool.peer_gone(("a", 2))
    assert taken(pool, MIB) is None


def test_a_peer_gives_back_only_what_it_was_lent() -> None:
    pool = SlotPool(MIB)
    slot = lent(pool, MIB, A)
    for peer, segment, offset in ((B, slot.segment, 0), (A, 99, 0), (A, 1, MIB), (A, 1, -1)):
        with pytest.raises(ProtocolError):
            pool.give_back(peer, segment, offset)
    pool.give_back(A, slot.segment, 12_345)  # anywhere within the slot
    with pytest.raises(ProtocolError):
        pool.give_back(A, slot.segment, 0)


def test_small_slots_share_a_segment_and_large_ones_have_one_each() -> None:
    pool = SlotPool(1 << 30)
    small, large = pool.growth(100 * KIB), pool.growth(64 * MIB)
    assert small is not None
    assert small.size <= SEGMENT_BYTES
    assert small.count > 1
    assert large is not None
    assert (large.count, large.size) == (1, 64 * MIB)


def test_what_is_beyond_the_limit_gets_no_slot() -> None:
    pool = SlotPool(3 * MIB)
    assert pool.growth(4 * MIB) is None
    first = pool.growth(MIB)
    assert first is not None
    assert first.count == 3


def test_idle_segments_make_room_and_used_ones_stay() -> None:
    pool = SlotPool(4 * MIB)
    slot = lent(pool, 2 * MIB, A)
    assert pool.growth(4 * MIB) is None
    pool.give_back(A, slot.segment, 0)
    growth = pool.growth(4 * MIB)
    assert growth is not None
    assert growth.retired == (slot.segment,)
    grown(pool, growth)
    assert pool.bytes == 4 * MIB
    assert pool.slot_at(slot.segment, 0) is None
    assert pool.take(2 * MIB) is None


PEERS = st.sampled_from([A, B, ("a", 2)])


class Lending(RuleBasedStateMachine):
    """Writers, readers and deaths in any order, beside a plain model of who uses which slot."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = SlotPool(8 * MIB)
        self.held: list[Slot] = []
        self.loans: list[tuple[Peer, Slot]] = []

    @rule(size=st.sampled_from([64 * KIB, 70 * KIB, MIB, 3 * MIB]))
    def take(self, size: int) -> None:
        slot = taken(self.pool, size)
        if slot is None:
            return
        assert slot not in self.held, "taken while it is held"
        assert slot not in [lent for _, lent in self.loans], "taken under a reader"
        assert slot.size >= size
        self.held.append(slot)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), peer=PEERS)
    def lend(self, data: st.DataObject, peer: Peer) -> None:
        slot = data.draw(st.sampled_from(self.held))
        self.pool.lend(slot, peer)
        self.loans.append((peer, slot))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def let_go(self, data: st.DataObject) -> None:
        slot = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        self.pool.let_go(slot)

    @precondition(lambda self: self.loans)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        peer, slot = self.loans.pop(data.draw(st.integers(0, len(self.loans) - 1)))
        self.pool.give_back(peer, slot.segment, slot.offset + slot.size - 1)

    @rule(peer=PEERS)
    def die(self, peer: Peer) -> None:
        self.pool.peer_gone(peer)
        self.loans = [(reader, slot) for reader, slot in self.loans if reader != peer]

    @invariant()
    def the_counts_agree(self) -> None:
        used = {id(s): s for s in [*self.held, *(slot for _, slot in self.loans)]}
        assert self.pool.slots_used == len(used)
        assert self.pool.bytes_used == sum(slot.size for slot in used.values())
        assert self.pool.bytes <= self.pool.limit
        for slot in used.values():
            assert self.pool.slot_at(slot.segment, slot.offset) is slot, "retired in use"


TestLending = Lending.TestCase
TestLending.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
