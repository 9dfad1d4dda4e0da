"""An index of passages in one SQLite file: words by FTS5, meanings by vectors."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import DocumentIndexError
from .fusion import fused
from .index_file import IndexFile
from .passages import passages_of
from .records import Hit, IndexProgress

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

    Embedding = Callable[[list[str]], Any]

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
"""Larger files are skipped."""

SUFFIXES: Final = (".md", ".rst", ".txt")
"""Files that are indexed if nothing else is said."""

_CANDIDATES: Final = 50
_SNIPPET_TOKENS: Final = 48
_WORD: Final = re.compile(r"\w+")


class DocumentIndex:
    """An index of text files. Every call blocks, and opens the file for itself.

    Args:
        path: The SQLite file.
        embed: Turns texts into vectors, one each; None searches by words alone. An index must be
            built and searched with the same.
    """

    def __init__(self, path: Path, embed: Embedding | None = None) -> None:
        self._path = path
        self._file = IndexFile(path)
        self._embed = embed

    def check(self) -> None:
        """Raise unless there is an index that can be searched.

        Raises:
            DocumentIndexError: There is none, or the file is something else.
        """
        if not self._path.exists():
            raise DocumentIndexError(
                str(self._path), reason="there is no such file; build it first"
            )
        with self._file.reading() as connection:
            if self._embed is not None and self._has_bare_passages(connection):
                raise DocumentIndexError(
                    str(self._path),
                    reason="it was built without vectors; build it anew with the embedding",
                )

    def build(
        self, folder: Path, suffixes: Sequence[str] = SUFFIXES, batch: int = 64
    ) -> Iterator[IndexProgress]:
        """Bring the index up to date with a folder, and yield how far it is.

        Files whose time and size have not changed are not read again; what is gone is taken out.
        Each batch is one transaction: what is cut short goes on where it was.

        Raises:
            DocumentIndexError: The folder is not there, or the file is no index.
        """
        if not folder.is_dir():
            raise DocumentIndexError(str(self._path), reason=f"{folder} is no folder")
        files = sorted(_files_in(folder, tuple(suffixes)))
        done = indexed = skipped = 0
        removed = self._remove_all_but({str(path.relative_to(folder)) for path in files})
        for start in range(0, len(files), batch):
            part = files[start : start + batch]
            with self._file.writing() as connection:
                for path in part:
                    read = self._index(connection, folder, path)
                    indexed += read is True
                    skipped += read is None
                done += len(part)
                count = connection.execute("SELECT count(*) FROM passages").fetchone()[0]
            yield IndexProgress(
                done=done, total=len(files), indexed=indexed, skipped=skipped, removed=removed,
                passages=count,
            )  # fmt: skip
        if not files:
            yield IndexProgress(done=0, total=0, removed=removed)

    def search(self, query: str, count: int) -> list[Hit]:
        """Return the best passages, best first.

        By words (BM25; a word in the heading counts threefold); with an embedding, by words and by
        meaning, fused by their ranks.

        Raises:
            DocumentIndexError: The file is gone or no index.
        """
        words = [f'"{word}"' for word in _WORD.findall(query)]
        with self._file.reading() as connection:
            found = self._by_words(connection, " OR ".join(words)) if words else {}
            rankings: list[list[int]] = [list(found)]
            if self._embed is not None:
                rankings.append(self._by_meaning(connection, query))
                scores = dict(fused(rankings)[:count])
            else:
                scores = {key: score for key, (score, _) in list(found.items())[:count]}
            return [
                self._hit(connection, key, score, found[key][1] if key in found else "")
                for key, score in scores.items()
            ]

    def _by_words(self, connection: sqlite3.Connection, match: str) -> dict[int, tuple[float, str]]:
        rows = connection.execute(
            "SELECT rowid, -bm25(words, 1.0, 3.0), snippet(words, 0, '', '', ' ... ', ?)"
            " FROM words WHERE words MATCH ? ORDER BY 2 DESC, rowid LIMIT ?",
            (_SNIPPET_TOKENS, match, _CANDIDATES),
        )
        return {key: (score, text) for key, score, text in rows}

    def _by_meaning(self, connection: sqlite3.Connection, query: str) -> list[int]:
        import numpy as np  # slow to import, and only needed with an embedding

        rows = connection.execute(
            "SELECT id, vector FROM passages WHERE vector NOT NULL"
        ).fetchall()
        if not rows:
            return []
        (wanted,) = self._vectors([query])
        try:
            vectors = np.frombuffer(b"".join(row[1] for row in rows), np.float32)
            nearness = vectors.reshape(len(rows), -1) @ np.frombuffer(wanted, np.float32)
        except ValueError:
            reason = "its vectors have another length than the embedding gives; build it anew"
            raise DocumentIndexError(str(self._path), reason=reason) from None
        order = np.argsort(-nearness, kind="stable")[:_CANDIDATES]
        return [rows[place][0] for place in order]

    def _vectors(self, texts: list[str]) -> list[bytes]:
        """Return vectors of length one, as they are kept."""
        import numpy as np  # slow to import, and only needed with an embedding

        assert self._embed is not None, "asked for only then"
        vectors = np.asarray(self._embed(texts), np.float32)
        if vectors.ndim != 2 or len(vectors) != len(texts):
            reason = f"the embedding gave an array of shape {vectors.shape} for {len(texts)} texts"
            raise DocumentIndexError(str(self._path), reason=reason)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return [row.tobytes() for row in vectors / np.maximum(lengths, 1e-12)]

    def _hit(self, connection: sqlite3.Connection, key: int, score: float, text: str) -> Hit:
        row = connection.execute(
            "SELECT path, heading, text FROM passages JOIN files ON files.id = file"
            " WHERE passages.id = ?",
            (key,),
        ).fetchone()
        return Hit(path=row[0], heading=row[1], text=text or row[2], score=score)

    def _index(self, connection: sqlite3.Connection, folder: Path, path: Path) -> bool | None:
        """Index one file; return whether it was read, None if it cannot be."""
        name = str(path.relative_to(folder))
        row = connection.execute("SELECT id, stamp FROM files WHERE path = ?", (name,)).fetchone()
        key, before = row or (None, "")
        try:
            status = _status(folder, path)
            stamp = f"{status.st_mtime_ns} {status.st_size}"
            if stamp == before:
                return False
            text = path.read_text(errors="replace") if status.st_size <= MAX_FILE_BYTES else None
        except OSError:
            text = None
        connection.execute("DELETE FROM passages WHERE file = ?", (key,))
        connection.execute("DELETE FROM files WHERE id = ?", (key,))
        if text is None:
            return None
        file = connection.execute(
            "INSERT INTO files (path, stamp) VALUES (?, ?)", (name, stamp)
        ).lastrowid
        passages = list(passages_of(text))
        vectors: list[bytes | None] = [None] * len(passages)
        if self._embed is not None and passages:
            vectors = list(self._vectors([passage.text for passage in passages]))
        connection.executemany(
            "INSERT INTO passages (file, heading, text, vector) VALUES (?, ?, ?, ?)",
            [(file, p.heading, p.text, v) for p, v in zip(passages, vectors, strict=True)],
        )
        return True

    def _remove_all_but(self, names: set[str]) -> int:
        with self._file.writing() as connection:
            rows = connection.execute("SELECT id, path FROM files").fetchall()
            gone = [(key,) for key, path in rows if path not in names]
            connection.executemany("DELETE FROM passages WHERE file = ?", gone)
            connection.executemany("DELETE FROM files WHERE id = ?", gone)
        return len(gone)

    def _has_bare_passages(self, connection: sqlite3.Connection) -> bool:
        row = connection.execute("SELECT 1 FROM passages WHERE vector IS NULL LIMIT 1").fetchone()
        return row is not None


def _status(folder: Path, path: Path) -> os.stat_result:
    """Return what is known of a regular file of the folder.

    Reading a named pipe could wait for ever, and what a link outside leads to is not the folder's.

    Raises:
        OSError: There is no such file, it is none, or it is a link that leaves the folder.
    """
    if path.is_symlink():
        there, top = os.path.realpath(path), os.path.realpath(folder)
        if not Path(there).is_relative_to(top):
            raise OSError(f"{path} leads out of {folder}")
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path} is no regular file")
    return status


def _files_in(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Yield what has one of the suffixes below a folder; links to folders are not followed."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in names if name.lower().endswith(suffixes))
