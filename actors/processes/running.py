"""Running a command from the event loop: nothing blocks it, and nothing outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from typing import TYPE_CHECKING, Final, Self

import msgspec

from .pipe_reader import PipeReader
from .ward import Ended, Ward

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STDERR_BYTES: Final = 8192
"""How much of what a command writes to its standard error is kept: the last of it."""

_PATIENCE: Final = 5.0


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command.

    Attributes:
        ended: How it ended.
        output: What it wrote to its standard output.
        stderr: The last that it wrote to its standard error.
        cut: Whether it was ended because it wrote too much.
    """

    ended: Ended
    output: bytes
    stderr: bytes
    cut: bool = False


async def run_command(
    command: Sequence[str],
    *,
    stdin: bytes = b"",
    environment: Mapping[str, str],
    directory: str | None = None,
    limits: Mapping[str, int] | None = None,
    max_output: int,
    grace: float = 0.0,
) -> Finished:
    """Run a command to its end and return what became of it.

    When the caller is cancelled, all that the command has started is ended: after SIGTERM it has
    `grace` seconds. The same happens when this process dies, however it does.

    Args:
        command: Program and arguments; no shell sees them.
        stdin: What it reads.
        environment: All of its environment.
        directory: Where it runs; where this process does if None.
        limits: Resource limits by their names in `resource`, as `cpu` or `as`.
        max_output: Bytes of output after which it is ended.
        grace: Seconds between SIGTERM and SIGKILL.
    """
    with tempfile.TemporaryFile() as file:
        file.write(stdin)
        file.seek(0)
        ward = Ward(
            command,
            environment=environment,
            directory=directory,
            stdin=file,
            limits=limits,
            grace=grace,
        )
    with _Gathering(ward, max_output) as gathering:
        try:
            await ward.over.wait()
        finally:
            if not ward.over.is_set():
                ward.end()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_PATIENCE + grace):
                        await ward.over.wait()
        return gathering.finished()


class _Gathering:
    """What a command writes, read as its pipes fill; leaving the `with` buries it."""

    def __init__(self, ward: Ward, max_output: int) -> None:
        self._ward = ward
        self._max_output = max_output
        self._cut = False
        self._output = bytearray()
        self._stderr = bytearray()
        self._readers: list[PipeReader] = []

    def __enter__(self) -> Self:
        assert self._ward.stderr is not None, "a pipe of its own"
        self._readers = [
            PipeReader(self._ward.stdout, self._take_output),
            PipeReader(self._ward.stderr, self._take_stderr),
        ]
        return self

    def __exit__(self, *_: object) -> None:
        for reader in self._readers:
            reader.close()
        self._ward.bury()

    def finished(self) -> Finished:
        """Return what became of the command, all of which has ended."""
        for reader in self._readers:
            reader.drain()
        assert self._ward.how is not None, "it is over"
        return Finished(
            ended=self._ward.how,
            output=bytes(self._output),
            stderr=bytes(self._stderr),
            cut=self._cut,
        )

    def _take_output(self, chunk: bytes) -> None:
        self._output += chunk
        if len(self._output) > self._max_output:
            self._cut = True
            self._readers[0].close()
            self._ward.end()

    def _take_stderr(self, chunk: bytes) -> None:
        self._stderr += chunk
        del self._stderr[:-STDERR_BYTES]
