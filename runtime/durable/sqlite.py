"""The store on a local disk: one SQLite file per durable actor, committed to in groups.

One file per actor, and not one per node or runtime, because then nobody waits for a lock that
another process holds (a stopped one would hold it for ever), a damaged file concerns one actor,
and an actor that is started again on another node of the host opens the same file. What it costs
is that commits of different actors do not share a sync of the disk; they run side by side.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from ...protocols.errors import JournalError, StateError
from .grouping import GroupedJournal
from .journal_file import JournalFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .store import Change, Record

_THREADS: Final = 4
"""How many files of a node may be written at the same time."""


class SQLiteStore:
    """Keeps the journals of one node's durable actors in a directory.

    Files are written in threads. SQLite lets go of the interpreter while the disk is at work,
    so the event loop runs on.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._pool: ThreadPoolExecutor | None = None
        self._open: dict[str, SQLiteJournal] = {}

    def path_of(self, actor: str) -> Path:
        """Return the file that holds an actor's journal."""
        return self._directory / f"{quote(actor, safe='')}.db"

    async def open(self, actor: str, epoch: int) -> SQLiteJournal:
        """Open an actor's journal; see `Store.open`."""
        former = self._open.pop(actor, None)
        if former is not None:
            await former.aclose()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="passel-journal")
        loop = asyncio.get_running_loop()
        file = JournalFile(self.path_of(actor), actor, epoch)
        records = await loop.run_in_executor(self._pool, file.open)
        journal = self._open[actor] = SQLiteJournal(file, records, self._pool)
        return journal

    async def aclose(self) -> None:
        """Close every journal, and end the threads."""
        while self._open:
            _, journal = self._open.popitem()
            await journal.aclose()
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True)


class SQLiteJournal(GroupedJournal):
    """One actor's journal, written in the store's threads."""

    def __init__(
        self, file: JournalFile, records: Sequence[Record], pool: ThreadPoolExecutor
    ) -> None:
        super().__init__(str(file.path), records)
        self._file = file
        self._pool = pool

    def write(self, changes: Sequence[Change]) -> None:
        """Write changes in one transaction."""
        work = self._loop.run_in_executor(self._pool, self._file.write, changes)
        work.add_done_callback(self._finished)

    async def let_go(self) -> None:
        """Close the file."""
        await self._loop.run_in_executor(self._pool, self._file.close)

    def _finished(self, work: asyncio.Future[None]) -> None:
        error = work.exception()
        if error is not None and not isinstance(error, StateError):
            error = JournalError(self._name, repr(error), "this is a defect of passel: report it")
        self.written(error)
