"""Cards that are memory of this process: what the bookkeeping of slots on cards is tested with."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from passel.protocols.cards import HANDLE_BYTES, Card, CardBytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from passel.protocols.arrays import Buffer


@dataclass(eq=False)
class HeapSegment:
    """A piece of a card: bytes of this process."""

    memory: bytearray
    handle: bytes
    uuid: str

    @property
    def address(self) -> int:
        """Where it begins."""
        return int(np.frombuffer(self.memory, np.uint8).ctypes.data)

    @property
    def size(self) -> int:
        """Its bytes."""
        return len(self.memory)


class Work:
    """Something that a card does when it is told that time has passed."""

    def __init__(self, action: Callable[[], None] = lambda: None) -> None:
        self._action = action
        self._done = False
        self.failure = ""

    @property
    def done(self) -> bool:
        """Whether it was done."""
        if self.failure:
            raise RuntimeError(self.failure)
        return self._done

    def do(self) -> None:
        """Do it."""
        if not self._done and not self.failure:
            self._action()
            self._done = True

    def wait(self) -> None:
        """Do it now, if nobody told the card."""
        self.do()
        if self.failure:
            raise RuntimeError(self.failure)


class Pinned:
    """Memory that cards write to."""

    def __init__(self, rack: Rack) -> None:
        self._rack = rack
        rack.pins += 1

    def release(self) -> None:
        """Take it back."""
        self._rack.pins -= 1


class Rack:
    """The cards of a host, which several processes see.

    Attributes:
        work: What the cards were told to do to the memory of processes, and have not done.
        lazy: Whether that waits until `run`; else it is done at once.
        broken: Whether the cards have failed: they refuse whatever they are told.
    """

    def __init__(self, room: int = 64 << 20) -> None:
        self.room = room
        self.lazy = False
        self.broken = False
        self.pins = 0
        self.work: list[Work] = []
        self.segments: weakref.WeakValueDictionary[bytes, HeapSegment] = (
            weakref.WeakValueDictionary()
        )
        self._made = 0

    def queue(self, action: Callable[[], None] = lambda: None) -> Work:
        """Let a card do something in its time."""
        if self.broken:
            raise RuntimeError("the card fell off the bus")
        work = Work(action)
        self.work.append(work)
        if not self.lazy:
            self.run()
        return work

    def run(self) -> None:
        """Let the cards do all that they were told."""
        for work in self.work:
            work.do()
        self.work.clear()

    def fail(self) -> None:
        """Let the cards fail in all that they were told."""
        for work in self.work:
            work.failure = "the card fell off the bus"
        self.work.clear()

    def create(self, uuid: str, size: int) -> HeapSegment:
        """Return new memory."""
        used = sum(segment.size for segment in self.segments.values())
        if used + size > self.room:
            raise OSError("no room on the card")
        self._made += 1
        handle = self._made.to_bytes(HANDLE_BYTES, "big")
        segment = self.segments[handle] = HeapSegment(bytearray(size), handle, uuid)
        return segment


class HeapCards:
    """The cards of a rack that one process sees, by number."""

    def __init__(self, rack: Rack, *visible: str) -> None:
        self._rack = rack
        self._visible = visible

    def bytes_on(self, values: Any, number: int = 0) -> CardBytes:
        """Return the bytes of numpy values as if they lay on a card."""
        data = torch.from_numpy(np.ascontiguousarray(values).reshape(-1).view(np.uint8))
        return CardBytes(data, Card(number, self._visible[number]))

    def capacity(self, uuid: str) -> int:
        """Return the bytes of a card."""
        assert uuid in self._visible
        return self._rack.room

    def create(self, uuid: str, size: int) -> HeapSegment:
        """Return new memory on a card."""
        return self._rack.create(uuid, size)

    def attach(self, uuid: str, handle: bytes) -> HeapSegment:
        """Open a segment of another process."""
        segment = self._rack.segments.get(handle)
        if uuid not in self._visible or segment is None or segment.uuid != uuid:
            raise OSError(f"card {uuid} is not one of this process's")
        return segment

    def write(self, segment: Any, slot: int, data: CardBytes) -> None:
        """Copy bytes within the card."""
        self._rack.queue()
        segment.memory[slot : slot + data.nbytes] = bytes(data)

    def event_of(self, segment: Any, slot: int) -> bytes:
        """Return what stands for the event of a slot."""
        return bytes(segment.handle[:-8]) + slot.to_bytes(8, "big")

    def open_event(self, segment: Any, event: bytes) -> None:
        """Open an event."""
        assert len(event) == HANDLE_BYTES
        assert segment.size

    def view(
        self, segment: Any, offset: int, size: int, event: bytes, dropped: Callable[[], None]
    ) -> CardBytes:
        """Return bytes in a segment."""
        del event
        owner = np.frombuffer(segment.memory, np.uint8, size, offset)
        weakref.finalize(owner, dropped).atexit = False
        number = self._visible.index(segment.uuid)
        return CardBytes(
            torch.frombuffer(owner.data, dtype=torch.uint8), Card(number, segment.uuid)
        )

    def address_of(self, data: CardBytes) -> int:
        """Return where bytes begin."""
        return int(data.data.data_ptr())

    def stream(self, uuid: str) -> str:
        """Return what stands for the order of the calling thread."""
        return uuid

    def fence(self, uuid: str, stream: Any) -> Work:
        """Return what is done with all that was queued before."""
        assert stream == uuid
        return self._rack.queue()

    def fetch(self, data: CardBytes, into: memoryview | None) -> tuple[Buffer, Work]:
        """Begin to copy bytes to memory; as they are now, whoever writes to them afterwards."""
        host = memoryview(bytearray(data.nbytes)) if into is None else into
        now = bytes(data)

        def copy() -> None:
            host[:] = now

        return host, self._rack.queue(copy)

    def pin(self, memory: memoryview) -> Pinned:
        """Let cards write to memory."""
        assert not memory.readonly
        return Pinned(self._rack)

    def place(self, tensor: Any, card: Card) -> Any:
        """Return a tensor on a card: it is marked with the number there."""
        known = card.uuid in self._visible
        number = self._visible.index(card.uuid) if known else card.number
        if number >= len(self._visible):
            return tensor
        placed = tensor.clone()
        placed.card = number
        return placed
