"""A file to which one writer at a time appends, whole pieces or nothing."""

from __future__ import annotations

import fcntl
import os
from os.path import samestat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path


class LockedFile:
    """A file that is locked while it is written; blocks.

    Args:
        path: Where.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None
        self._size = 0

    def replace(self, content: bytes) -> None:
        """Write the file anew and keep it locked; whoever reads it sees the old one or the new one.

        Raises:
            BlockingIOError: Another writer has it.
            OSError: It cannot be written.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_name(f"{self._path.name}.new")
        with self._taken():
            self._file = beside.open("wb", buffering=0)
            _lock(self._file)
            self.append(content)
            beside.replace(self._path)

    def append(self, content: bytes) -> None:
        """Add to the file. What fails leaves nothing behind, and may be tried again.

        Raises:
            OSError: It cannot be written.
        """
        assert self._file is not None, "it was written anew"
        self._file.seek(self._size)
        self._file.truncate()  # what an earlier attempt has left
        rest = memoryview(content)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._size += len(content)

    def close(self) -> None:
        """Let others write to it."""
        if self._file is not None:
            self._file.close()

    def _taken(self) -> FileIO:
        """Return the file that stands there, locked; or an empty one."""
        while True:
            file = self._path.open("ab", buffering=0)
            try:
                _lock(file)
                if samestat(os.fstat(file.fileno()), self._path.stat()):
                    return file
            except FileNotFoundError:  # it was removed meanwhile
                pass
            except OSError:
                file.close()
                raise
            file.close()  # it was replaced meanwhile


def _lock(file: FileIO) -> None:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
