"""The SQLite file of an index of documents."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from ..errors import DocumentIndexError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_VERSION: Final = 1
_APPLICATION: Final = 0x50_53_4C_44  # PSLD

_SCHEMA: Final = f"""
CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, stamp TEXT NOT NULL);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, file INTEGER NOT NULL REFERENCES files, heading TEXT NOT NULL,
    text TEXT NOT NULL, vector BLOB);
CREATE INDEX passages_of_file ON passages (file);
CREATE VIRTUAL TABLE words USING fts5(
    text, heading, content='passages', content_rowid='id',
    tokenize='porter unicode61 remove_diacritics 2');
CREATE TRIGGER put AFTER INSERT ON passages BEGIN
    INSERT INTO words(rowid, text, heading) VALUES (new.id, new.text, new.heading); END;
CREATE TRIGGER taken AFTER DELETE ON passages BEGIN
    INSERT INTO words(words, rowid, text, heading)
    VALUES ('delete', old.id, old.text, old.heading); END;
PRAGMA user_version = {_VERSION};
PRAGMA application_id = {_APPLICATION};
"""  # noqa: S608  # numbers of ours


class IndexFile:
    """Opens the file for one piece of work at a time, from any thread.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open the file to read it.

        Raises:
            DocumentIndexError: It is not there, damaged, or something else.
        """
        with self._errors(), closing(self._open("?mode=ro")) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction, and make it if it is not there.

        Raises:
            DocumentIndexError: It cannot be written, or is something else.
        """
        with self._errors():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._open("")) as connection, connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise DocumentIndexError(str(self._path), reason=str(error)) from error

    def _open(self, mode: str) -> sqlite3.Connection:
        uri = self._path.resolve().as_uri() + mode
        connection = sqlite3.connect(uri, uri=True, timeout=10.0, isolation_level=None)
        try:
            if not mode:
                self._prepare(connection)
            self._check(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables in a file that is empty."""
        if not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")

    def _check(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if (application, version) != (_APPLICATION, _VERSION):
            reason = "it is no index of this version; build it anew in another file"
            raise DocumentIndexError(str(self._path), reason=reason)
