"""The seam to storage: what a durable actor needs of whatever keeps its records.

A store holds one journal per actor name. A journal is a small ordered map: records go in and out,
several in one transaction. What the records mean is not its business (`records.py` says that).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence


class RecordId(msgspec.Struct, frozen=True, order=True):
    """What a record is filed under.

    Attributes:
        kind: What it is, such as `inbox`; one word.
        key: Which of them, unique among its kind.
    """

    kind: str
    key: str


class Record(msgspec.Struct, frozen=True):
    """One entry of a journal."""

    id: RecordId
    value: bytes


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction: all of it happens, or nothing.

    Attributes:
        put: Records that are written, in place of those with the same ids.
        drop: Records that are removed; ids that are not there are no error.
    """

    put: tuple[Record, ...] = ()
    drop: tuple[RecordId, ...] = ()


class Journal(Protocol):
    """The records of one actor, open for one incarnation of it."""

    @property
    def records(self) -> Sequence[Record]:
        """What was there when the journal was opened, in order of the ids."""
        ...

    def commit(self, change: Change) -> asyncio.Future[None]:
        """Hand in a change; the future is resolved once no crash can undo it.

        Changes take effect in the order of the calls, and their futures are resolved in that
        order. Those that wait while the disk is busy may share one transaction. When one fails,
        so do all that were handed in after it, until the journal is opened again: none may
        build on what is not there.

        The future raises:
            StaleEpochError: The journal was opened for a later incarnation meanwhile.
            JournalError: It could not be written; nothing of the change is kept.
        """
        ...

    async def aclose(self) -> None:
        """Finish what was handed in and let go of the journal; called again it does nothing."""
        ...


class Store(Protocol):
    """Where the durable actors of one node keep what must outlive them."""

    async def open(self, actor: str, epoch: int) -> Journal:
        """Open the journal of an actor, empty if there is none, and shut out older incarnations.

        Args:
            actor: Name of the actor.
            epoch: Which incarnation of it this is, ever growing. From now on whatever a smaller
                one commits is refused, on whichever node it runs; the same one may open it
                again, as after a failed commit.

        Raises:
            StaleEpochError: A later incarnation has opened it already.
            CorruptJournalError: It was damaged; it is left as it was found.
            JournalError: It cannot be read or written.
        """
        ...

    async def aclose(self) -> None:
        """Let go of every journal that is open."""
        ...
