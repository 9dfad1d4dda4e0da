"""Group commit: while one group of changes is being written, the next one gathers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ...protocols.errors import JournalError, StateError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .store import Change, Record


class GroupedJournal:
    """A journal that writes whatever waits in one transaction; its subclass says how.

    Args:
        name: What it is called in errors.
        records: What was there when it was opened.
    """

    def __init__(self, name: str, records: Sequence[Record]) -> None:
        self.records = records
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[Change, asyncio.Future[None]]] = []
        self._group: list[asyncio.Future[None]] = []
        self._scheduled = False
        self._broken: StateError | None = None
        self._idle: asyncio.Future[None] | None = None
        self._closed = False

    def commit(self, change: Change) -> asyncio.Future[None]:
        """Hand in a change; see `Journal.commit`."""
        future: asyncio.Future[None] = self._loop.create_future()
        if self._closed:
            future.set_exception(JournalError(self._name, "it is closed", "open it again"))
        elif self._broken is not None:
            future.set_exception(self._broken)
        else:
            self._waiting.append((change, future))
            if not (self._group or self._scheduled):
                self._scheduled = True
                self._loop.call_soon(self._write)  # what this turn of the loop brings joins it
        return future

    async def aclose(self) -> None:
        """Finish what was handed in, then let go; called again it does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._group or self._scheduled:
            self._idle = self._loop.create_future()
            await self._idle
        await self.let_go()

    def _write(self) -> None:
        self._scheduled = False
        waiting, self._waiting = self._waiting, []
        self._group = [future for _, future in waiting]
        self.write([change for change, _ in waiting])

    def written(self, error: StateError | None) -> None:
        """The group was written, or could not be; then neither can what waits behind it."""
        group, self._group = self._group, []
        if error is not None:
            self._broken = error
            group += (future for _, future in self._waiting)
            self._waiting = []
        for future in group:
            if future.done():  # whoever waited was cancelled
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
        if self._waiting:
            self._write()
        elif self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def write(self, changes: Sequence[Change]) -> None:
        """Write changes in one transaction, and call `written` when that is over."""
        raise NotImplementedError

    async def let_go(self) -> None:
        """Nothing is under way any more: close what is open."""
        raise NotImplementedError
