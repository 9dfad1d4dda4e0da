"""Reading a pipe from the event loop as it fills, without a task."""

from __future__ import annotations

import asyncio
import os
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK: Final = 65_536
_CHUNKS: Final = 16
"""How much is taken at once: all that a pipe holds, and then others have their turn."""


class PipeReader:
    """Gives what comes out of a pipe to a function, until it is closed or paused.

    Belongs to the running event loop; the pipe stays its owner's. What `take` raises is the
    event loop's, so it should raise nothing.

    Args:
        pipe: What is read.
        take: Gets each chunk, and nothing at the end; it may close or pause this reader.
    """

    def __init__(self, pipe: IO[bytes], take: Callable[[bytes], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._descriptor = pipe.fileno()
        self._take = take
        self._reading = False
        self.ended = False
        os.set_blocking(self._descriptor, False)
        self.resume()

    def resume(self) -> None:
        """Read on."""
        if not self._reading and not self.ended:
            self._reading = True
            self._loop.add_reader(self._descriptor, self.drain)

    def pause(self) -> None:
        """Leave what comes in the pipe, which lets its writer wait once it is full."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._descriptor)

    def close(self) -> None:
        """Read no more."""
        self.pause()
        self.ended = True

    def drain(self) -> None:
        """Take what is there now, unless it is paused."""
        for _ in range(_CHUNKS):
            if not self._reading:
                return
            try:
                chunk = os.read(self._descriptor, _CHUNK)
            except BlockingIOError:
                return
            if not chunk:
                self.close()
            self._take(chunk)
