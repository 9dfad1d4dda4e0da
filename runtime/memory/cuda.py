"""Cards as torch and the CUDA driver show them. Neither is loaded before a tensor needs it."""

from __future__ import annotations

import contextlib
import weakref
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from ...protocols.cards import Card, CardBytes, uuid_of
from ...protocols.log import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from ...protocols.arrays import Buffer
    from .cuda_driver import CudaDriver

SNAPSHOT_BYTES: Final = 256 << 20
"""Up to here a tensor that goes to this memory is copied on its card first.

Work that is queued afterwards then waits for a copy within the card, not for one to this memory.
"""

_PAGE: Final = 2 << 20  # what CUDA shares at the least; smaller pieces would share one handle


@dataclass(slots=True, weakref_slot=True, eq=False)
class CudaSegment:
    """Memory on a card.

    Attributes:
        number: N of its `cuda:N`.
        address: Where it begins.
        size: Its bytes.
        handle: What another process opens it with.
        written: The event of each slot that was written to, by offset; of an own segment.
        opened: Events of its owner, by handle; of a segment of another process.
    """

    number: int
    address: int
    size: int
    handle: bytes
    written: dict[int, Any] = field(default_factory=dict)
    opened: dict[bytes, Any] = field(default_factory=dict)


class CudaWork:
    """Work that is done when all of some events are reached.

    Args:
        cards: Whose it is.
        events: The events, recorded.
        held: What must not be collected before.
    """

    __slots__ = ("_cards", "_events", "_held")

    def __init__(self, cards: CudaCards, events: list[Any], held: tuple[Any, ...] = ()) -> None:
        self._cards = cards
        self._events = events
        self._held = held

    @property
    def done(self) -> bool:
        """Whether it is done.

        Raises:
            RuntimeError: The card failed.
        """
        with self._cards.undisturbing():
            while self._events and self._events[-1].query():
                self._events.pop()
        if not self._events:
            self._held = ()
        return not self._events

    def wait(self) -> None:
        """Block until it is done.

        Raises:
            RuntimeError: The card failed.
        """
        with self._cards.undisturbing():
            for event in self._events:
                event.synchronize()
        self._events.clear()
        self._held = ()


class CudaPin:
    """Memory that the CUDA driver has pinned."""

    __slots__ = ("_address", "_cards", "_memory", "_number")

    def __init__(self, cards: CudaCards, number: int, memory: Any) -> None:
        self._cards = cards
        self._number = number
        self._memory = memory
        self._address = int(memory.data_ptr())

    def release(self) -> None:
        """Wait for copies under way, and give the memory back."""
        with contextlib.suppress(RuntimeError):  # a card that has failed copies nothing any more
            self._cards.finish()
        self._cards.driver.unpin(self._number, self._address)
        self._memory = None


class _Bytes:
    """What torch makes a tensor of without a copy, and keeps while anything lies in it."""

    __slots__ = ("__cuda_array_interface__", "__weakref__", "segment")

    def __init__(self, segment: CudaSegment, offset: int, size: int) -> None:
        self.segment = segment
        self.__cuda_array_interface__ = {
            "shape": (size,),
            "typestr": "|u1",
            "data": (segment.address + offset, False),
            "version": 2,
        }


class CudaCards:
    """The CUDA devices that torch finds in this process; AMD's, too, but for sharing them."""

    def __init__(self) -> None:
        self._sides: dict[int, Any] = {}
        self._pins_fail = False

    @cached_property
    def torch(self) -> Any:
        """The module; loaded where the first CUDA tensor arrives or leaves."""
        import torch

        return torch

    @cached_property
    def driver(self) -> CudaDriver:
        """The driver.

        Raises:
            OSError: There is none.
        """
        from .cuda_driver import CudaDriver  # ctypes is of no use to a node without a card

        return CudaDriver()

    @cached_property
    def numbers(self) -> dict[str, int]:
        """N of `cuda:N` by the card's own name."""
        cuda = self.torch.cuda
        count = cuda.device_count() if cuda.is_available() else 0
        return {uuid_of(number): number for number in range(count)}

    def capacity(self, uuid: str) -> int:
        """Return the bytes of a card of this process."""
        properties = self.torch.cuda.get_device_properties(self.numbers[uuid])
        return int(properties.total_memory)

    # Memory that others can open.

    def create(self, uuid: str, size: int) -> CudaSegment:
        """Return new memory on a card that other processes can open.

        It is not torch's: an allocation can only be opened as a whole, and in one of torch's lie
        other tensors as well.

        Raises:
            OSError: There is no room, or memory cannot be shared here.
        """
        number = self._number(uuid)
        size = -(-size // _PAGE) * _PAGE
        address = self.driver.allocate(number, size)
        try:
            handle = self.driver.export(number, address)
        except OSError:
            self.driver.free(number, address)
            raise
        segment = CudaSegment(number, address, size, handle)
        weakref.finalize(segment, self.driver.free, number, address).atexit = False
        return segment

    def attach(self, uuid: str, handle: bytes) -> CudaSegment:
        """Open a segment of another process.

        Raises:
            OSError: This process does not see the card, or cannot open its memory.
        """
        number = self._number(uuid)
        address, size = self.driver.open(number, handle)
        segment = CudaSegment(number, address, size, handle)
        weakref.finalize(segment, self.driver.close, number, address).atexit = False
        return segment

    def write(self, segment: CudaSegment, slot: int, data: CardBytes) -> None:
        """Copy bytes, on their card, into the slot that begins at `slot`."""
        memory = _Bytes(segment, slot, data.nbytes)
        with self._using(segment.number) as stream:
            into = self.torch.as_tensor(memory, device=f"cuda:{segment.number}")
            event = segment.written.get(slot)
            if event is not None:
                event.wait(stream)  # nobody may have waited for what is overwritten
            into.copy_(data.data, non_blocking=True)
            self._record(segment, slot, stream)

    def event_of(self, segment: CudaSegment, slot: int) -> bytes:
        """Return what others open the event of the last write to a slot with.

        Raises:
            OSError: Events cannot be shared here.
        """
        with self._using(segment.number) as stream:
            event = segment.written.get(slot)
            if event is None:
                event = self._record(segment, slot, stream)
            try:
                return bytes(event.ipc_handle())
            except RuntimeError as error:
                raise OSError(str(error)) from None

    def open_event(self, segment: CudaSegment, event: bytes) -> None:
        """Open an event of another process's segment.

        Raises:
            OSError: It cannot be opened.
        """
        if event in segment.opened:
            return
        cuda = self.torch.cuda
        device = self.torch.device("cuda", segment.number)
        try:
            with self._using(segment.number):
                segment.opened[event] = cuda.Event.from_ipc_handle(device, event)
        except RuntimeError as error:
            raise OSError(f"an event of cuda:{segment.number} cannot be opened: {error}") from None

    def view(
        self,
        segment: CudaSegment,
        offset: int,
        size: int,
        event: bytes,
        dropped: Callable[[], None],
    ) -> CardBytes:
        """Return bytes that lie in a segment.

        Raises:
            OSError: The event cannot be opened.
        """
        owner = _Bytes(segment, offset, size)
        with self._using(segment.number) as stream:
            if event:
                self.open_event(segment, event)
                segment.opened[event].wait(stream)
            tensor = self.torch.as_tensor(owner, device=f"cuda:{segment.number}")
        weakref.finalize(owner, dropped).atexit = False
        return CardBytes(tensor, Card(segment.number, uuid_of(segment.number)))

    def address_of(self, data: CardBytes) -> int:
        """Return where bytes begin on their card."""
        return int(data.data.data_ptr())

    def stream(self, uuid: str) -> Any:
        """Return the current stream of the calling thread, or None while it captures a graph."""
        cuda = self.torch.cuda
        return (
            None if cuda.is_current_stream_capturing() else cuda.current_stream(self.numbers[uuid])
        )

    def fence(self, uuid: str, stream: Any) -> CudaWork:
        """Return what is done when all is done that was queued on `stream` and the default one."""
        cuda = self.torch.cuda
        number = self.numbers[uuid]
        streams = {cuda.default_stream(number), *([] if stream is None else [stream])}
        events = []
        with self._using(number):
            for each in streams:
                event = cuda.Event()
                event.record(each)
                events.append(event)
        return CudaWork(self, events)

    # Copies between cards and this memory.

    def fetch(self, data: CardBytes, into: memoryview | None) -> tuple[Buffer, CudaWork]:
        """Begin to copy bytes from their card to this memory, beside what else the card does."""
        torch = self.torch
        source, number = data.data, data.card.number
        host = (
            self._pinned(data.nbytes) if into is None else torch.frombuffer(into, dtype=torch.uint8)
        )
        with self._using(number) as stream:
            own = self._snapshot(source)
            side = self._side(number)
            side.wait_stream(stream)
            event = torch.cuda.Event()
            with torch.cuda.stream(side):
                host.copy_(source if own is None else own, non_blocking=True)
                event.record(side)
            if own is None:
                stream.wait_event(event)
        return host.numpy().data, CudaWork(self, [event], (host, own, source))

    def pin(self, memory: memoryview) -> CudaPin | None:
        """Let cards copy to memory directly; None, and said once, where that cannot be."""
        if self._pins_fail:
            return None
        torch = self.torch
        tensor = torch.frombuffer(memory, dtype=torch.uint8)
        number = torch.cuda.current_device()
        try:
            self.driver.pin(number, tensor.data_ptr(), tensor.nbytes)
        except OSError as error:
            self._pins_fail = True
            log.warning("shared memory cannot be pinned", error=str(error))
            return None
        return CudaPin(self, number, tensor)

    def place(self, tensor: Any, card: Card) -> Any:
        """Return a tensor on the card it came from, or on the one of that number, if there is one."""
        number = self.numbers.get(card.uuid, card.number)
        if not 0 <= number < len(self.numbers):
            return tensor
        with self.undisturbing():
            return tensor.to(f"cuda:{number}")

    def finish(self) -> None:
        """Wait until no copy to this memory is under way.

        Raises:
            RuntimeError: The card failed.
        """
        with self.undisturbing():
            for side in self._sides.values():
                side.synchronize()

    def undisturbing(self) -> AbstractContextManager[None]:
        """Return the context in which calls do not disturb a capture in another thread."""
        if self.torch.version.cuda is None:  # an AMD card: there is no such driver
            return contextlib.nullcontext()
        return self.driver.relaxed()

    @contextlib.contextmanager
    def _using(self, number: int) -> Iterator[Any]:
        """Make a card the current one, and give the current stream there."""
        cuda = self.torch.cuda
        with self.undisturbing(), cuda.device(number):
            yield cuda.current_stream(number)

    def _record(self, segment: CudaSegment, slot: int, stream: Any) -> Any:
        event = segment.written.get(slot)
        if event is None:
            event = self.torch.cuda.Event(interprocess=True)
            segment.written[slot] = event
        event.record(stream)
        return event

    def _number(self, uuid: str) -> int:
        number = self.numbers.get(uuid)
        if number is None:
            raise OSError(f"card {uuid} is not one of this process's")
        return number

    def _side(self, number: int) -> Any:
        side = self._sides.get(number)
        if side is None:
            side = self._sides[number] = self.torch.cuda.Stream(number)
        return side

    def _snapshot(self, source: Any) -> Any:
        """Return a copy on the card, or None where the original has to do."""
        if source.nbytes > SNAPSHOT_BYTES:
            return None
        try:
            return source.clone()
        except self.torch.cuda.OutOfMemoryError:
            return None

    def _pinned(self, size: int) -> Any:
        """Return pinned memory that torch keeps and uses again, or what there is."""
        torch = self.torch
        try:
            return torch.empty(size, dtype=torch.uint8, device="cpu", pin_memory=True)
        except RuntimeError as error:
            log.warning("no pinned memory", size=size, error=str(error))
            return torch.empty(size, dtype=torch.uint8, device="cpu")
