"""What a server writes: its last lines, and what they say of its start. Pure."""

from __future__ import annotations

import re
from collections import deque
from typing import Final

LINES_KEPT: Final = 200
_LINE_BYTES: Final = 2_000
_END = re.compile(rb"[\r\n]")
_PHASES: Final = (
    (re.compile(r"Application startup complete"), "serving"),
    (re.compile(r"Starting vLLM (API )?server|Started server process"), "opening the server"),
    (re.compile(r"[Ww]arm(ing)? ?up"), "warming up"),
    (re.compile(r"[Cc]apturing .*graph"), "capturing graphs"),
    (re.compile(r"torch\.compile|Compiling|Dynamo bytecode"), "compiling"),
    (re.compile(r"KV cache size|# (GPU|CPU) blocks"), "sizing the cache"),
    (
        re.compile(r"[Ll]oading .*(weights|checkpoint|model)|Starting to load model"),
        "loading weights",
    ),
    (re.compile(r"Initializing a V\d LLM engine|Resolved architecture"), "starting the engine"),
)


def phase_of(line: str) -> str | None:
    """Return which part of a server's start a line of its log belongs to, if it says so."""
    return next((phase for pattern, phase in _PHASES if pattern.search(line)), None)


class ServerLines:
    """Takes a server's output as it comes, and keeps its last lines.

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
