"""Which slots of shared memory, or of a card, there are, who reads them, and which are free.

The pure core: it knows numbers and names, no memory, no files and no time. A slot is free when
nobody in this process holds it and every peer that it was lent to gave it back, or is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ...protocols.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Container

Peer = tuple[str, int]
"""One life of one node."""

MIN_SLOT_BYTES: Final = 64 << 10
"""Size of the smallest slot; smaller arrays are cheaper as a frame."""

SEGMENT_BYTES: Final = 4 << 20
"""What a segment of small slots has in all; a larger slot has a segment of its own."""

_STEPS: Final = 4


@dataclass(slots=True, eq=False)
class Slot:
    """One piece of a segment.

    Attributes:
        segment: Serial number of its segment.
        offset: Where it begins there.
        size: Its bytes.
        uses: Holds of this process and loans to peers, together.
    """

    segment: int
    offset: int
    size: int
    uses: int = 0


@dataclass(frozen=True, slots=True)
class Growth:
    """A segment that is to be made: `count` slots of `slot_size` bytes.

    Attributes:
        retired: Segments to retire first, which make room for it: nobody uses them.
    """

    segment: int
    slot_size: int
    count: int
    retired: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the segment."""
        return self.slot_size * self.count


@dataclass(slots=True)
class _Segment:
    slot_size: int
    slots: list[Slot] = field(default_factory=list)

    @property
    def size(self) -> int:
        return self.slot_size * len(self.slots)

    @property
    def idle(self) -> bool:
        return not any(slot.uses for slot in self.slots)


class SlotPool:
    """The slots that one life of a node lends.

    Args:
        limit: Most bytes of all segments together.
        first: Number of the first segment, less one: pools of one node number theirs apart.
    """

    def __init__(self, limit: int, *, first: int = 0) -> None:
        self.limit = limit
        self.bytes = 0
        self.bytes_used = 0
        self.slots_used = 0
        self._serial = first
        self._segments: dict[int, _Segment] = {}
        self._free: dict[int, list[Slot]] = {}
        self._loans: dict[Peer, dict[Slot, int]] = {}

    @property
    def slots(self) -> int:
        """How many slots there are."""
        return sum(len(segment.slots) for segment in self._segments.values())

    def take(self, size: int) -> Slot | None:
        """Return a free slot that `size` bytes fit into, held by this process now, or None.

        The one that was freed last comes first: its memory is the likeliest to be in a cache.
        """
        free = self._free.get(slot_size(size))
        if not free:
            return None
        slot = free.pop()
        self._use(slot)
        return slot

    def growth(self, size: int, *, kept: Container[int] = ()) -> Growth | None:
        """Return the segment to make for `size` bytes, or None when that is beyond the limit.

        Idle segments make room, oldest first, but for those that must be `kept`. Nothing has
        changed until `grow` is called.
        """
        wanted = slot_size(size)
        count = max(1, SEGMENT_BYTES // wanted)
        room = self.limit - self.bytes
        retired: list[int] = []
        if wanted > room:
            for serial, segment in self._segments.items():
                if segment.idle and serial not in kept:
                    retired.append(serial)
                    room += segment.size
                    if wanted <= room:
                        break
            else:
                return None
        return Growth(self._serial + 1, wanted, min(count, room // wanted), tuple(retired))

    def grow(self, growth: Growth) -> None:
        """The segment is there; those that make room for it were retired before."""
        self._serial = growth.segment
        segment = self._segments[growth.segment] = _Segment(growth.slot_size)
        for index in range(growth.count):
            segment.slots.append(Slot(growth.segment, index * growth.slot_size, growth.slot_size))
        self._free.setdefault(growth.slot_size, []).extend(reversed(segment.slots))
        self.bytes += growth.size

    def retire(self, serial: int) -> None:
        """An idle segment is gone."""
        segment = self._segments.pop(serial)
        assert segment.idle, "a segment that somebody uses stays"
        free = self._free[segment.slot_size]
        self._free[segment.slot_size] = [slot for slot in free if slot.segment != serial]
        self.bytes -= segment.size

    def hold(self, slot: Slot) -> None:
        """This process uses a slot in one more place."""
        self._use(slot)

    def let_go(self, slot: Slot) -> None:
        """One use of a slot by this process has ended."""
        self._unuse(slot, 1)

    def lend(self, slot: Slot, peer: Peer) -> None:
        """A message to `peer` refers to a slot that this process holds."""
        assert slot.uses, "only what is held can be lent"
        loans = self._loans.setdefault(peer, {})
        loans[slot] = loans.get(slot, 0) + 1
        self._use(slot)

    def give_back(self, peer: Peer, segment: int, offset: int) -> None:
        """A peer no longer reads what one message of ours referred to.

        Raises:
            ProtocolError: It has no such loan.
        """
        slot = self.slot_at(segment, offset)
        loans = self._loans.get(peer, {})
        if slot is None or slot not in loans:
            raise ProtocolError(f"segment {segment} at {offset} is not lent to {peer[0]}/{peer[1]}")
        loans[slot] -= 1
        if not loans[slot]:
            del loans[slot]
        self._unuse(slot, 1)

    def peer_gone(self, peer: Peer) -> None:
        """The peer's process has ended: nobody reads there any more."""
        for slot, count in self._loans.pop(peer, {}).items():
            self._unuse(slot, count)

    def lent_to(self, peer: Peer) -> int:
        """Return how many loans a peer has."""
        return sum(self._loans.get(peer, {}).values())

    def slot_at(self, segment: int, offset: int) -> Slot | None:
        """Return the slot that an offset of a segment lies in."""
        found = self._segments.get(segment)
        if found is None or not 0 <= offset < found.size:
            return None
        return found.slots[offset // found.slot_size]

    def _use(self, slot: Slot) -> None:
        if slot.uses == 0:
            self.slots_used += 1
            self.bytes_used += slot.size
        slot.uses += 1

    def _unuse(self, slot: Slot, count: int) -> None:
        slot.uses -= count
        assert slot.uses >= 0, "each use ends once"
        if slot.uses == 0:
            self.slots_used -= 1
            self.bytes_used -= slot.size
            self._free[slot.size].append(slot)


def slot_size(size: int) -> int:
    """Return the size class of `size` bytes: a power of two, or a quarter step below it."""
    if size <= MIN_SLOT_BYTES:
        return MIN_SLOT_BYTES
    power = 1 << (size - 1).bit_length()
    step = power // (2 * _STEPS)
    return -(-size // step) * step
