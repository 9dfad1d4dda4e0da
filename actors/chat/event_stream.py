"""Server-sent events out of bytes: https://html.spec.whatwg.org/multipage/server-sent-events.html.

Pure, and indifferent to where the bytes are cut: into lines, fields or characters.
"""

from __future__ import annotations

import re

from ...protocols.errors import LimitError

MAX_EVENT_BYTES = 4 << 20
"""Most bytes of one event, so that a server cannot fill the memory with one."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventReader:
    """Takes the bytes of a stream as they come, and gives the data of its events.

    Comments, and fields other than `data`, are read over.

    Attributes:
        finished: Whether the stream is over.
    """

    def __init__(self, *, max_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._rest = bytearray()
        self._looked_at = 0
        self._after_return = False
        self._at_start = True
        self._data: list[bytes] = []
        self._held = 0
        self.finished = False

    def feed(self, chunk: bytes) -> list[str]:
        """Return the data of the events that `chunk` completes.

        Raises:
            LimitError: An event is too large.
        """
        if self._after_return and chunk:
            self._after_return = False
            chunk = chunk[1:] if chunk[:1] == b"\n" else chunk  # the other half of a line's end
        self._rest += chunk
        events: list[str] = []
        begin = 0
        for start, end in [m.span() for m in _LINE_END.finditer(self._rest, self._looked_at)]:
            self._after_return = end == len(self._rest) and self._rest[end - 1] == ord("\r")
            events += self._line(bytes(self._rest[begin:start]))
            begin = end
        del self._rest[:begin]
        self._looked_at = len(self._rest)
        if self._held + len(self._rest) > self._max_bytes:
            raise LimitError("event of a stream", self._held + len(self._rest), self._max_bytes)
        return events

    def finish(self) -> list[str]:
        """Return the data of a last event that no empty line follows; the stream is over."""
        self.finished = True
        events = self._line(bytes(self._rest)) if self._rest else []
        self._rest.clear()
        self._looked_at = 0
        return events + self._line(b"")

    def _line(self, line: bytes) -> list[str]:
        """Take one line; an empty one completes an event."""
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            done = [b"\n".join(self._data).decode(errors="replace")] if self._data else []
            self._data.clear()
            self._held = 0
            return done
        name, _, value = line.partition(b":")
        if name == b"data":
            value = value.removeprefix(b" ")
            self._data.append(value)
            self._held += len(value)
        return []
