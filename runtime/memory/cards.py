"""The seam to the cards (CUDA devices) of a process: their memory, and the copies to and from it.

Nothing here, nor what stands on it, knows of torch or CUDA; `cuda` is behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocols.arrays import Buffer
    from ...protocols.cards import Card, CardBytes


class CardSegment(Protocol):
    """Memory on a card: of this process, or opened from another. It is let go of as garbage."""

    @property
    def address(self) -> int:
        """Where it begins on the card, as this process sees it."""
        ...

    @property
    def size(self) -> int:
        """Its bytes."""
        ...

    @property
    def handle(self) -> bytes:
        """What another process opens it with."""
        ...


class CardWork(Protocol):
    """Something that a card was told to do, and does in its time."""

    @property
    def done(self) -> bool:
        """Whether it is done; asking does not wait.

        Raises:
            RuntimeError: The card failed, and will not do it.
        """
        ...

    def wait(self) -> None:
        """Block until it is done.

        Raises:
            RuntimeError: The card failed.
        """
        ...


class Pin(Protocol):
    """Memory of this process that cards read and write directly, for as long as this is held."""

    def release(self) -> None:
        """Wait for copies under way, and let the system move the memory again."""
        ...


S = TypeVar("S", bound=CardSegment)


class Cards(Protocol[S]):
    """The cards of one process.

    "The order of the card" is that of the current stream of the calling thread: what was queued
    there before comes before, and what is queued afterwards comes after.
    """

    def capacity(self, uuid: str) -> int:
        """Return the bytes of a card of this process."""
        ...

    def create(self, uuid: str, size: int) -> S:
        """Return new memory on a card that other processes can open.

        Raises:
            OSError: There is no room, or memory cannot be shared here.
        """
        ...

    def attach(self, uuid: str, handle: bytes) -> S:
        """Open a segment of another process.

        Raises:
            OSError: This process does not see the card, or cannot open its memory.
        """
        ...

    def write(self, segment: S, slot: int, data: CardBytes) -> None:
        """Copy bytes, on their card, into the slot that begins at `slot`, in the card's order.

        What was written to the slot before is there before.

        Raises:
            RuntimeError: The card has failed.
        """
        ...

    def event_of(self, segment: S, slot: int) -> bytes:
        """Return what others open the event with that says when the last write to a slot is done.

        Raises:
            OSError: Events cannot be shared here.
        """
        ...

    def open_event(self, segment: S, event: bytes) -> None:
        """Open an event of another process's segment; it stays open with the segment.

        Raises:
            OSError: It cannot be opened.
        """
        ...

    def view(
        self,
        segment: S,
        offset: int,
        size: int,
        event: bytes,
        dropped: Callable[[], None],
    ) -> CardBytes:
        """Return bytes that lie in a segment.

        What is queued here from now on comes after the write that `event` stands for, if there
        is one. `dropped` is called, in whatever thread, when nothing lies in those bytes any more.

        Raises:
            OSError: The event cannot be opened.
        """
        ...

    def address_of(self, data: CardBytes) -> int:
        """Return where bytes begin on their card."""
        ...

    def stream(self, uuid: str) -> Any:
        """Return what stands for the order in which the calling thread queues work on a card."""
        ...

    def fence(self, uuid: str, stream: Any) -> CardWork:
        """Return what is done when all is done that was queued on `stream`, and by default.

        Raises:
            RuntimeError: The card has failed.
        """
        ...

    def fetch(self, data: CardBytes, into: memoryview | None) -> tuple[Buffer, CardWork]:
        """Begin to copy bytes from their card to this memory, in the card's order.

        Whoever writes to the tensor afterwards does so behind the copy. Neither the bytes nor
        `into` may be used for anything else before it is done.

        Args:
            data: The bytes.
            into: Where they go, as many bytes; None for memory made for it.

        Raises:
            RuntimeError: The card has failed.
        """
        ...

    def pin(self, memory: memoryview) -> Pin | None:
        """Let cards copy to memory directly; None where that cannot be: they copy all the same."""
        ...

    def place(self, tensor: Any, card: Card) -> Any:
        """Return a tensor on the card where it belongs, or as it is when there is none.

        That is the card it came from, if this process sees it; or else the one of that number.
        """
        ...
