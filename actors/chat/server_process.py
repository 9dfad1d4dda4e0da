"""One server process, and what it writes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import IO, TYPE_CHECKING, Final

from ..processes import LastLines, Ward

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

_CHUNK: Final = 1 << 16
_LINGER_SECONDS: Final = 1.0
"""How long what the server wrote last may take to arrive after its end."""


class ServerProcess:
    """A server and its warden; whoever starts one awaits `run`.

    Args:
        command: Program and arguments.
        environment: All that it sees of one.
        grace: Seconds between SIGTERM and SIGKILL when it is to end.
        on_line: Gets each line that it writes.

    Attributes:
        lines: What it wrote last.
        ended: Set when it has ended; what it started may still be there.
        silent: Set when it, and all that it has started, writes no more.
        over: Set when nothing of it is left.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        grace: float,
        on_line: Callable[[str], None],
    ) -> None:
        self._on_line = on_line
        self._ward = Ward(command, environment=environment, grace=grace, join_output=True)
        self.lines = LastLines()
        self.ended = self._ward.ended
        self.silent = asyncio.Event()
        self.over = self._ward.over

    @property
    def pid(self) -> int | None:
        """The server's process, once it has one."""
        return self._ward.pid

    @property
    def exit(self) -> str:
        """How it ended, such as `exit code 1` or `SIGKILL`; empty while it runs."""
        how = self._ward.how
        if how is None:
            return ""
        if self.pid is None:
            return f"it could not be started ({how.error})"
        return str(how)

    async def run(self) -> None:
        """Read what it writes, until it has ended and nothing of it is left."""
        try:
            async with _reader(self._ward.stdout) as lines, asyncio.TaskGroup() as group:
                reading = group.create_task(self._read(lines))
                await self.over.wait()
                await asyncio.wait([reading], timeout=_LINGER_SECONDS)
                reading.cancel()
        finally:
            self._ward.bury()

    async def end(self, patience: float) -> None:
        """End it: in order if it can within `patience` seconds, else at once."""
        self.close()
        try:
            async with asyncio.timeout(patience):
                await self.over.wait()
        except TimeoutError:
            self.kill()
            await self.over.wait()
        except asyncio.CancelledError:
            self.kill()
            raise

    def close(self) -> None:
        """Let it end in order."""
        self._ward.end()

    def kill(self) -> None:
        """Let it end at once."""
        self._ward.kill()

    async def _read(self, output: asyncio.StreamReader) -> None:
        while chunk := await output.read(_CHUNK):
            for line in self.lines.feed(chunk):
                self._on_line(line)
        self.silent.set()


@asynccontextmanager
async def _reader(pipe: IO[bytes]) -> AsyncGenerator[asyncio.StreamReader]:
    """Read a pipe in the event loop; it is closed afterwards."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        yield reader
    finally:
        transport.close()
