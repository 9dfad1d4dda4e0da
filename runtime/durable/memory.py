"""A store in memory: for simulations and tests, where a disk is slow or fails on command."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import TYPE_CHECKING

from ...protocols.errors import StaleEpochError, StateError
from .grouping import GroupedJournal
from .store import Record, RecordId

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .store import Change


class MemoryDisk:
    """What outlives the processes that write to it: every actor's records, and their epoch."""

    def __init__(self) -> None:
        self._records: dict[str, dict[RecordId, bytes]] = {}
        self._epochs: dict[str, int] = {}

    @property
    def actors(self) -> list[str]:
        """Whose journals there are."""
        return list(self._records)

    def discard(self) -> None:
        """Remove all journals."""
        self._records.clear()
        self._epochs.clear()

    def take_over(self, actor: str, epoch: int) -> list[Record]:
        """Shut out incarnations before `epoch`, and return what is there.

        Raises:
            StaleEpochError: A later one has taken over.
        """
        latest = self._epochs.get(actor, epoch)
        if latest > epoch:
            raise StaleEpochError(actor, epoch, latest)
        self._epochs[actor] = epoch
        found = self._records.setdefault(actor, {})
        return [Record(id_, value) for id_, value in sorted(found.items())]

    def write(self, actor: str, epoch: int, changes: Sequence[Change]) -> None:
        """Carry out changes, all or none.

        Raises:
            StaleEpochError: A later incarnation has taken over.
        """
        latest = self._epochs[actor]
        if latest != epoch:
            raise StaleEpochError(actor, epoch, latest)
        records = self._records[actor]
        for change in changes:
            for id_ in change.drop:
                records.pop(id_, None)
            for record in change.put:
                records[record.id] = record.value


class MemoryStore:
    """One process's way to a disk in memory.

    Args:
        disk: The disk.
        seconds: Says how long the next commit takes.
        fault: Says what the next commit fails with, if it does.
        at_disk: Runs a function after some seconds even if the process is killed before.
        survives: Says whether a commit that is due is carried out; if not, nobody hears of it.
    """

    def __init__(
        self,
        disk: MemoryDisk,
        *,
        seconds: Callable[[], float] = lambda: 0.0,
        fault: Callable[[str], StateError | None] = lambda _actor: None,
        at_disk: Callable[[float, Callable[[], None]], object] | None = None,
        survives: Callable[[], bool] = lambda: True,
    ) -> None:
        self._disk = disk
        self._seconds = seconds
        self._fault = fault
        self._loop = asyncio.get_running_loop()
        self._at_disk = at_disk or self._loop.call_later
        self._survives = survives

    async def open(self, actor: str, epoch: int) -> MemoryJournal:
        """Open an actor's journal; see `Store.open`."""
        await asyncio.sleep(self._seconds())
        fault = self._fault(actor)
        if fault is not None:
            raise fault
        records = self._disk.take_over(actor, epoch)
        return MemoryJournal(self, actor, epoch, records)

    async def aclose(self) -> None:
        """There is nothing to let go of."""

    def write(
        self,
        actor: str,
        epoch: int,
        changes: Sequence[Change],
        then: Callable[[StateError | None], None],
    ) -> None:
        """Write at the disk, and tell of it after as long again."""
        seconds, fault = self._seconds(), self._fault(actor)
        context = copy_context()

        def at_disk() -> None:
            if not self._survives():
                return
            outcome: StateError | None = fault
            if outcome is None:
                try:
                    self._disk.write(actor, epoch, changes)
                except StateError as error:
                    outcome = error
            self._loop.call_later(seconds, then, outcome, context=context)

        self._at_disk(seconds, at_disk)


class MemoryJournal(GroupedJournal):
    """One actor's journal in memory."""

    def __init__(
        self, store: MemoryStore, actor: str, epoch: int, records: Sequence[Record]
    ) -> None:
        super().__init__(actor, records)
        self._store = store
        self._epoch = epoch

    def write(self, changes: Sequence[Change]) -> None:
        """Write changes in one transaction."""
        self._store.write(self._name, self._epoch, changes, self.written)

    async def let_go(self) -> None:
        """There is nothing to close."""
