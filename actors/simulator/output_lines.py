"""What a program writes, line by line, as its reader wants it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

LINE_BYTES: Final = 1 << 20
"""The longest line that is read."""

_AHEAD: Final = 4 * LINE_BYTES
"""How many bytes may wait to be taken before no more should be read."""


class OutputLines:
    """Lines that have come and were not taken; `news` is set when there is more to know.

    Attributes:
        ended: Whether nothing more will come.
        too_long: Whether a line was longer than `LINE_BYTES`; nothing after it is kept.
        news: Set with each change.
    """

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._waiting = 0
        self._rest = b""
        self.ended = False
        self.too_long = False
        self.news = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether so much waits that no more should be read."""
        return self._waiting >= _AHEAD

    def feed(self, chunk: bytes) -> None:
        """Take what has come; nothing means the end."""
        self.news.set()
        if self.too_long:
            return
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if not chunk:
            whole, self._rest, self.ended = [*whole, self._rest], b"", True
        self.too_long = any(len(line) > LINE_BYTES for line in [*whole, self._rest])
        if not self.too_long:
            lines = [line for line in whole if line.strip()]
            self._lines.extend(lines)
            self._waiting += sum(map(len, lines))

    def take(self) -> bytes | None:
        """Return the next line, or None if none waits."""
        if not self._lines:
            return None
        line = self._lines.popleft()
        self._waiting -= len(line)
        return line
