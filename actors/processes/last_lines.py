"""The last lines that a program has written."""

from __future__ import annotations

import re
from collections import deque
from typing import Final

LINES_KEPT: Final = 200
_LINE_BYTES: Final = 2_000
_END: Final = re.compile(rb"[\r\n]")


class LastLines:
    """Takes a program's output as it comes, and keeps its last lines.

    A carriage return ends a line too: progress bars are written with them.

    Attributes:
        last: The latest lines, the oldest first.
    """

    def __init__(self, kept: int = LINES_KEPT) -> None:
        self.last: deque[str] = deque(maxlen=kept)
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Return the lines that `chunk` completes; empty ones are left out, long ones cut."""
        *whole, self._rest = _END.split(self._rest + chunk)
        self._rest = self._rest[:_LINE_BYTES]
        lines = [line[:_LINE_BYTES].decode(errors="replace") for line in whole if line.strip()]
        self.last.extend(lines)
        return lines

    def tail(self, count: int) -> list[str]:
        """Return the last lines, the unfinished one included."""
        rest = self._rest.decode(errors="replace")
        return [*self.last, *([rest] if rest.strip() else [])][-count:]
