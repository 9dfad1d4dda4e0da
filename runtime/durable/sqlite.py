"""The store on a local disk: one SQLite file per durable actor, committed to in groups.

One file per actor, and not one per node or runtime, because then nobody waits for a lock that
another process holds (a stopped one would hold it for ever), a damaged file concerns one actor,
and an actor that is started again on another node of the host opens the same file. What it costs
is that commits of different actors do not share a sync of the disk; they run side by side.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from ...protocols.errors import JournalError, StateError
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
        journal = self._open[actor] = SQLiteJournal(file, records, self._pool, loop)
        return journal

    async def aclose(self) -> None:
        """Close every journal, and end the threads."""
        while self._open:
            _, journal = self._open.popitem()
            await journal.aclose()
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True)


class SQLiteJournal:
    """One actor's journal. While one group is being written, the next one gathers."""

    def __init__(
        self,
        file: JournalFile,
        records: Sequence[Record],
        pool: ThreadPoolExecutor,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.records = records
        self._file = file
        self._pool = pool
        self._loop = loop
        self._waiting: list[tuple[Change, asyncio.Future[None]]] = []
        self._writing = False
        self._broken: StateError | None = None
        self._idle: asyncio.Future[None] | None = None
        self._closed = False

    def commit(self, change: Change) -> asyncio.Future[None]:
        """Hand in a change; see `Journal.commit`."""
        future: asyncio.Future[None] = self._loop.create_future()
        if self._closed:
            closed = JournalError(str(self._file.path), "it is closed", "open it again")
            future.set_exception(closed)
        elif self._broken is not None:
            future.set_exception(self._broken)
        else:
            self._waiting.append((change, future))
            if not self._writing:
                self._writing = True
                self._loop.call_soon(self._write)  # what this turn of the loop brings joins it
        return future

    async def aclose(self) -> None:
        """Finish what was handed in, then close the file."""
        if self._closed:
            return
        self._closed = True
        if self._writing:
            self._idle = self._loop.create_future()
            await self._idle
        await self._loop.run_in_executor(self._pool, self._file.close)

    def _write(self) -> None:
        group, self._waiting = self._waiting, []
        work = self._loop.run_in_executor(self._pool, self._file.write, [c for c, _ in group])
        work.add_done_callback(partial(self._written, [f for _, f in group]))

    def _written(self, group: list[asyncio.Future[None]], work: asyncio.Future[None]) -> None:
        error = work.exception()
        if error is None:
            _settle(group, None)
        else:
            if not isinstance(error, StateError):
                error = JournalError(
                    str(self._file.path), repr(error), "this is a defect of passel"
                )
            self._broken = error
            late, self._waiting = self._waiting, []
            _settle([*group, *(future for _, future in late)], error)
        if self._waiting:
            self._write()
            return
        self._writing = False
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)


def _settle(futures: list[asyncio.Future[Any]], error: StateError | None) -> None:
    for future in futures:
        if future.done():  # whoever waited was cancelled
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
