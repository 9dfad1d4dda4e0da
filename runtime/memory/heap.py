"""Segments in this process's own memory: what a simulator's nodes, and tests, share."""

from __future__ import annotations

import mmap

from ...protocols.errors import ProtocolError


class HeapSegments:
    """The segments of every node of one host that exists in one process only.

    Args:
        key: Name of the host.
        capacity: Bytes that there are for everybody together.
    """

    def __init__(self, key: str, capacity: int) -> None:
        self._key = key
        self._capacity = capacity
        self._segments: dict[tuple[str, int], mmap.mmap] = {}

    @property
    def key(self) -> str:
        """The host's name."""
        return self._key

    @property
    def capacity(self) -> int:
        """Bytes that there are for everybody together."""
        return self._capacity

    @property
    def names(self) -> list[tuple[str, int]]:
        """Writer and serial number of every segment that has a name."""
        return list(self._segments)

    def create(self, writer: str, serial: int, size: int) -> memoryview:
        """Return the writable memory of a new segment.

        Raises:
            OSError: There is no room.
        """
        used = sum(len(segment) for segment in self._segments.values())
        if used + size > self._capacity:
            raise OSError(f"{size} bytes wanted, {self._capacity - used} are free")
        segment = self._segments[writer, serial] = mmap.mmap(
            -1, size
        )  # pages come as they are used
        return memoryview(segment)

    def attach(self, writer: str, serial: int) -> memoryview:
        """Return the memory of somebody's segment, to be read only.

        Raises:
            ProtocolError: There is none.
        """
        segment = self._segments.get((writer, serial))
        if segment is None:
            raise ProtocolError(f"segment {writer}.{serial} cannot be read: it is not there")
        return memoryview(segment).toreadonly()

    def remove(self, writer: str, serial: int) -> None:
        """Remove the name of a segment; who has it attached keeps the memory."""
        self._segments.pop((writer, serial), None)

    def discard(self, writer: str, serial: int) -> None:
        """Remove a segment that nobody reads, and overwrite it: who reads it all the same sees."""
        segment = self._segments.pop((writer, serial), None)
        if segment is not None:
            segment[:] = b"\xdd" * len(segment)

    def sweep(self, writer: str) -> None:
        """Remove the names of all segments of a writer that is gone."""
        for key in [key for key in self._segments if key[0] == writer]:
            del self._segments[key]
