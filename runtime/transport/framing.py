"""Multiparts on a byte stream: a header of lengths, then the parts; pure, without a socket.

    count (4 bytes), length of each part (8 bytes each), the parts        all little-endian

Limits are checked on the header, before memory is taken for what it announces.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from ...protocols.errors import LimitError
from ...protocols.limits import MAX_BATCH_BYTES, MAX_FRAME_BYTES, MAX_FRAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...protocols.arrays import Buffer

BUFFER_BYTES: Final = 128 << 10
"""What is read at once; the longest header, and every part that is copied, fits in."""

DIRECT_BYTES: Final = 64 << 10
"""Parts of this size and above are read to where they stay, without a copy."""

_COUNT = struct.Struct("<I")
_SIZE = struct.Struct("<Q")
_ONE_PART = struct.Struct("<IQ")


def header_of(parts: Sequence[Buffer]) -> bytes:
    """Return what goes before the parts of one multipart."""
    if len(parts) == 1:
        return _ONE_PART.pack(1, len(parts[0]))
    sizes = [memoryview(part).nbytes for part in parts]
    return struct.pack(f"<I{len(sizes)}Q", len(sizes), *sizes)


class FrameReader:
    """Makes multiparts of what a stream brings: read into `space()`, then say how much came."""

    def __init__(self) -> None:
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._start = self._end = 0
        self._sizes: tuple[int, ...] = ()
        self._parts: list[Buffer] = []
        self._large: memoryview | None = None
        self._filled = 0

    def space(self) -> memoryview:
        """Return where the next bytes of the stream belong; it is never empty."""
        if self._large is not None:
            return self._large[self._filled :]
        if self._start == self._end:
            self._start = self._end = 0
        elif self._end == BUFFER_BYTES:
            rest = self._end - self._start
            self._buffer[:rest] = self._buffer[self._start : self._end]
            self._start, self._end = 0, rest
        return self._buffer[self._end :]

    def take(self, count: int) -> Iterator[list[Buffer]]:
        """Take `count` bytes that were read into `space()`; yield each multipart now complete.

        Raises:
            LimitError: A header announces too many parts, or one too large.
        """
        if self._large is not None:
            self._filled += count
            if self._filled < len(self._large):
                return
            self._parts.append(self._large)
            self._large = None
        else:
            self._end += count
            whole = self._only_part(count)
            if whole is not None:
                yield [whole]
                return
        while self._sizes or self._read_header():
            while len(self._parts) < len(self._sizes):
                if not self._read_part(self._sizes[len(self._parts)]):
                    return
            parts, self._parts, self._sizes = self._parts, [], ()
            yield parts

    def _only_part(self, count: int) -> bytes | None:
        """Return the part of a multipart of one that is all that there is, as most of them are."""
        start, end = self._start, self._end
        if self._sizes or count != end - start or count < _ONE_PART.size:
            return None
        parts, size = _ONE_PART.unpack_from(self._buffer, start)
        if parts != 1 or size != count - _ONE_PART.size:
            return None
        self._start = self._end = 0
        return bytes(self._buffer[start + _ONE_PART.size : end])

    def _read_header(self) -> bool:
        """Take the header of the next multipart, if all of it is there."""
        available = self._end - self._start
        if available < _COUNT.size:
            return False
        (count,) = _COUNT.unpack_from(self._buffer, self._start)
        if not 1 <= count <= MAX_FRAMES + 1:
            raise LimitError("number of parts of a multipart", count, MAX_FRAMES + 1)
        length = _COUNT.size + 8 * count
        if available < length:
            return False
        layout = _SIZE if count == 1 else struct.Struct(f"<{count}Q")
        sizes = layout.unpack_from(self._buffer, self._start + _COUNT.size)
        if sizes[0] > MAX_BATCH_BYTES:
            raise LimitError("size of the batch", sizes[0], MAX_BATCH_BYTES)
        if max(sizes) > MAX_FRAME_BYTES:
            raise LimitError("size of a frame", max(sizes), MAX_FRAME_BYTES)
        self._sizes = sizes
        self._start += length
        return True

    def _read_part(self, size: int) -> bool:
        """Take the next part, or prepare to read it directly; return whether it is complete."""
        available = self._end - self._start
        if size <= available:
            self._parts.append(bytes(self._buffer[self._start : self._start + size]))
            self._start += size
            return True
        if size >= DIRECT_BYTES:
            self._large = _room(size) if self._parts else memoryview(bytearray(size))
            self._large[:available] = self._buffer[self._start : self._end]
            self._filled = available
            self._start = self._end = 0
        return False


def _room(size: int) -> memoryview:
    """Return memory whose pages the system gives when they are written: a `bytearray` zeroes them."""
    import numpy as np  # slow to import; a part of this size holds an array in all likelihood

    return np.empty(size, np.uint8).data
