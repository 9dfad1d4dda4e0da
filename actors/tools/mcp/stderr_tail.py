"""The last that a process has written to its standard error."""

from __future__ import annotations

import asyncio
import os
from typing import Final, TextIO

_KEPT: Final = 8192
_CHUNK: Final = 65_536
_LINES: Final = 5


class StderrTail:
    """A pipe that a process may write to, of which the end is kept. Belongs to one event loop.

    Attributes:
        file: What the process gets; closed by `handed_over`.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        self.file: TextIO = os.fdopen(writer, "w")
        self._kept = bytearray()
        self._loop.add_reader(self._reader, self._read)

    def handed_over(self) -> None:
        """The process has its end of the pipe."""
        self.file.close()

    def close(self) -> None:
        """Read no more."""
        self.file.close()
        if self._reader >= 0:
            self._read()
        if self._reader >= 0:
            self._forget()

    def lines(self) -> str:
        """Return the last lines, or nothing."""
        if self._reader >= 0:
            self._read()
        lines = self._kept.decode(errors="replace").strip().splitlines()[-_LINES:]
        return "".join(f"\n    {line}" for line in lines)

    def _read(self) -> None:
        try:
            while chunk := os.read(self._reader, _CHUNK):
                self._kept += chunk
                del self._kept[:-_KEPT]
        except BlockingIOError:
            return
        self._forget()

    def _forget(self) -> None:
        self._loop.remove_reader(self._reader)
        os.close(self._reader)
        self._reader = -1
