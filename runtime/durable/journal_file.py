"""One journal as an SQLite file: opened with suspicion, written with a sync of the disk.

Beside `NAME.db` lies `NAME.commits`, which counts what was acknowledged. SQLite takes a damaged
write-ahead log for one that ends earlier, and would forget what stood behind without a word; the
count tells. It is written after the sync has returned, so it is never ahead of the disk.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import zlib
from typing import TYPE_CHECKING, Final

from ...protocols.errors import CorruptJournalError, JournalError, StaleEpochError
from .store import Record, RecordId

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .store import Change

_VERSION: Final = 1
_BUSY_SECONDS: Final = 5.0
_NAME_BYTES: Final = 200

_SCHEMA: Final = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE records (
  kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
"""

_PUT: Final = "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)"
_DROP: Final = "DELETE FROM records WHERE kind = ? AND key = ?"


class JournalFile:
    """The file of one actor's journal. For one thread at a time.

    Args:
        path: Where it is, or will be.
        actor: Whose it is.
        epoch: The incarnation that it is opened for.
    """

    def __init__(self, path: Path, actor: str, epoch: int) -> None:
        self.path = path
        self._actor = actor
        self._epoch = epoch
        self._count_path = path.with_suffix(".commits")
        self._database: sqlite3.Connection | None = None
        self._count: int | None = None
        self._commits = 0

    def open(self) -> list[Record]:
        """Check the file, take it over for this incarnation and return what is in it.

        Raises:
            StaleEpochError: A later incarnation has it.
            CorruptJournalError: It is damaged.
            JournalError: It cannot be opened or written.
        """
        if len(self.path.name.encode()) > _NAME_BYTES:
            raise self._failed("its name is too long for a file's", "choose a shorter actor name")
        try:
            self._check()
            return self._take_over()
        except sqlite3.Error as error:
            self.close()
            raise self._worded(error) from error
        except OSError as error:
            self.close()
            raise self._failed(str(error), _REMEDY_ACCESS) from error
        except BaseException:
            self.close()
            raise

    def write(self, changes: Sequence[Change]) -> None:
        """Write a group of changes in one transaction; return when the disk has it.

        Raises:
            StaleEpochError: A later incarnation has the journal.
            JournalError: It could not be written; nothing of the group is kept.
        """
        database = self._database
        assert database is not None, "it is open"
        try:
            database.execute("BEGIN IMMEDIATE")
            try:
                self._fence(database)
                for change in changes:
                    self._apply(database, change)
                self._commit(database)
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self._worded(error) from error
        except OSError as error:
            raise self._failed(str(error), _REMEDY_ACCESS) from error

    def close(self) -> None:
        """Close the file; called again it does nothing."""
        database, self._database = self._database, None
        count, self._count = self._count, None
        if database is not None:
            database.close()
        if count is not None:
            os.close(count)

    # Opening.

    def _check(self) -> None:
        """Look for damage, through a connection that changes nothing.

        An ordinary one would tidy up the write-ahead log when it is closed, and with it what a
        person might still save.
        """
        acknowledged = self._acknowledged()
        if not self.path.exists():
            if acknowledged:
                raise self._corrupt("it is gone, only its count of commits is left")
            return
        database = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            if not _is_ready(database):
                if acknowledged:
                    raise self._corrupt("it is empty")
                return  # its first transaction was cut short
            database.execute("BEGIN")
            findings = [row[0] for row in database.execute("PRAGMA quick_check(3)")]
            if findings != ["ok"]:
                raise self._corrupt("; ".join(findings))
            commits = self._fact(database, "commits")
            if commits < acknowledged:
                missing = acknowledged - commits
                raise self._corrupt(f"{missing} acknowledged commits are missing from it")
            self._read(database)
        finally:
            database.close()

    def _take_over(self) -> list[Record]:
        fresh = not self.path.exists()
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        self._database = database = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC
        self._count = os.open(self._count_path, flags, 0o600)
        database.execute("BEGIN IMMEDIATE")
        if not _is_ready(database):
            self._create(database)
        if self._fact(database, "version") != _VERSION:
            raise self._failed("another version of passel wrote it", "run it with that version")
        latest = self._fact(database, "epoch")
        if latest > self._epoch:
            raise StaleEpochError(self._actor, self._epoch, latest)
        self._commits = self._fact(database, "commits")
        records = self._read(database)
        if latest < self._epoch:
            database.execute("UPDATE facts SET value = ? WHERE name = 'epoch'", (self._epoch,))
            self._commit(database)
        else:
            database.execute("ROLLBACK")
        if fresh:
            _sync_directory(self.path.parent)
        return records

    def _create(self, database: sqlite3.Connection) -> None:
        for statement in filter(str.strip, _SCHEMA.split(";")):
            database.execute(statement)
        facts = [("version", _VERSION), ("epoch", -1), ("commits", 0)]
        database.executemany("INSERT INTO facts VALUES (?, ?)", facts)

    def _read(self, database: sqlite3.Connection) -> list[Record]:
        rows = database.execute("SELECT kind, key, value, crc FROM records ORDER BY kind, key")
        records = []
        for kind, key, value, crc in rows:
            if _checksum(kind, key, value) != crc:
                raise self._corrupt(f"the checksum of record {kind}/{key} is wrong")
            records.append(Record(RecordId(kind, key), value))
        return records

    def _acknowledged(self) -> int:
        """Return how many commits were acknowledged, as far as the count file still knows."""
        try:
            number, _, crc = self._count_path.read_bytes().partition(b" ")
        except FileNotFoundError:
            return 0
        if crc.strip() != b"%08x" % zlib.crc32(number):  # a power cut can leave it torn
            return 0
        return int(number)

    # Writing.

    def _apply(self, database: sqlite3.Connection, change: Change) -> None:
        if change.drop:
            database.executemany(_DROP, [(i.kind, i.key) for i in change.drop])
        for record in change.put:
            kind, key = record.id.kind, record.id.key
            database.execute(_PUT, (kind, key, record.value, _checksum(kind, key, record.value)))

    def _fence(self, database: sqlite3.Connection) -> None:
        latest = self._fact(database, "epoch")
        if latest != self._epoch:
            raise StaleEpochError(self._actor, self._epoch, latest)

    def _commit(self, database: sqlite3.Connection) -> None:
        number = self._commits + 1
        database.execute("UPDATE facts SET value = ? WHERE name = 'commits'", (number,))
        database.execute("COMMIT")
        self._commits = number
        assert self._count is not None, "it is open"
        text = b"%020d" % number
        with contextlib.suppress(OSError):  # the commit holds all the same; an old count is no lie
            os.pwrite(self._count, b"%s %08x\n" % (text, zlib.crc32(text)), 0)

    def _fact(self, database: sqlite3.Connection, name: str) -> int:
        row = database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise self._corrupt(f"it lacks its {name}")
        return int(row[0])

    # Errors.

    def _worded(self, error: sqlite3.Error) -> JournalError:
        """Return SQLite's error with what mends it."""
        code = getattr(error, "sqlite_errorcode", 0)
        primary = code & 0xFF
        if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return self._corrupt(str(error))
        reason = f"{error} ({getattr(error, 'sqlite_errorname', 'no code')})"
        return self._failed(reason, _REMEDIES.get(primary, _REMEDY_ACCESS))

    def _failed(self, reason: str, remedy: str) -> JournalError:
        return JournalError(str(self.path), reason, remedy)

    def _corrupt(self, reason: str) -> CorruptJournalError:
        own = f"{self.path.with_suffix('')}.*"
        remedy = (
            f"restore {own} from a backup, or try the .recover command of sqlite3 on a copy; "
            "to give this actor's state up, move these files away"
        )
        return CorruptJournalError(str(self.path), reason, remedy)


_REMEDY_ACCESS: Final = "look at the permissions of the directory and the health of the disk"

_REMEDIES: Final = {
    sqlite3.SQLITE_FULL: "free space on its disk; the actor goes on by itself",
    sqlite3.SQLITE_IOERR: "look at the space on its disk, file-size limits and the disk's health",
    sqlite3.SQLITE_READONLY: "make the file and its directory writable for this user",
    sqlite3.SQLITE_CANTOPEN: "make its directory writable for this user, or choose another (--state)",
    sqlite3.SQLITE_BUSY: "another process holds it locked: end that first",
}


def _is_ready(database: sqlite3.Connection) -> bool:
    """Return whether the tables are there."""
    row = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'facts'").fetchone()
    return bool(row[0])


def _checksum(kind: str, key: str, value: bytes) -> int:
    return zlib.crc32(value, zlib.crc32(f"{kind}/{key}".encode()))


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
