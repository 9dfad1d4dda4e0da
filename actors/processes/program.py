"""A command that is followed while it runs."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from .last_lines import LastLines
from .pipe_reader import PipeReader
from .ward import Ward

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PATIENCE: Final = 5.0
"""Seconds that the end of what a command has started may take beyond the grace."""


class Program:
    """A command, its warden, and the last that it writes; whoever makes one awaits `aclose`.

    It has no task of its own, so it may live across the yields of a generator.

    Args:
        command: Program and arguments; no shell sees them.
        environment: All that it sees of one.
        directory: Where it runs; where this process does if None.
        grace: Seconds between SIGTERM and SIGKILL when it is to end.
        take: Gets what it writes to its standard output; otherwise that goes where its standard
            error does.

    Attributes:
        lines: The last lines that it wrote to its standard error.
        over: Set when it has ended and nothing of it is left.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: str | None = None,
        grace: float,
        take: Callable[[bytes], None] | None = None,
    ) -> None:
        self._ward = Ward(
            command,
            environment=environment,
            directory=directory,
            grace=grace,
            join_output=take is None,
        )
        self._grace = grace
        self.lines = LastLines()
        self.over = self._ward.over
        self.output = PipeReader(self._ward.stdout, take or self._note)
        self._readers = [self.output]
        if self._ward.stderr is not None:
            self._readers.append(PipeReader(self._ward.stderr, self._note))

    @property
    def ending(self) -> str:
        """How it ended, such as `exit code 1` or `SIGKILL`; empty while it runs."""
        return "" if self._ward.how is None else str(self._ward.how)

    @property
    def ended_well(self) -> bool:
        """Whether it has ended by itself with exit code 0."""
        return self._ward.how is not None and self._ward.how.exit == 0

    async def wait(self, seconds: float) -> bool:
        """Wait until it is over, for at most so many seconds; return whether it is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.over.wait()
        if self.over.is_set():
            for reader in self._readers:
                reader.drain()
        return self.over.is_set()

    async def aclose(self) -> None:
        """End it and all that it has started, in order if it can within its grace."""
        try:
            if not self.over.is_set():
                self._ward.end()
                await self.wait(self._grace + _PATIENCE)
        finally:
            for reader in self._readers:
                reader.drain()
                reader.close()
            self._ward.bury()

    def _note(self, chunk: bytes) -> None:
        self.lines.feed(chunk)
