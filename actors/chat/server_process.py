"""One server process, and the guardian that ends it whatever becomes of this process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from .server_lines import ServerLines

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

_GUARDIAN: Final = Path(__file__).with_name("guardian.py")
_CHUNK: Final = 1 << 16
_LINGER_SECONDS: Final = 1.0
"""How long what the server wrote last may take to arrive after its end."""


class ServerProcess:
    """A server and its guardian; whoever starts one awaits `run`.

    Args:
        command: Program and arguments.
        environment: All that it sees of one.
        grace: Seconds between SIGTERM and SIGKILL when it is to end.
        on_line: Gets each line that it writes.

    Attributes:
        pid: The server's process, once it has one.
        lines: What it wrote last.
        exit: How it ended, such as `exit code 1` or `SIGKILL`; empty while it runs.
        ended: Set when it has ended; what it started may still be there.
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
        self.pid: int | None = None
        self.lines = ServerLines()
        self.exit = ""
        self.ended = asyncio.Event()
        self.over = asyncio.Event()
        self._swept = False
        reading, writing = os.pipe()
        self._report = os.fdopen(reading, "rb", 0)
        try:
            guardian = [sys.executable, "-I", "-S", str(_GUARDIAN), str(writing), str(grace)]
            self._process = subprocess.Popen(  # noqa: S603  # its user names the command
                [*guardian, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=(writing,),
                start_new_session=True,  # the terminal's Ctrl-C is the node's
            )
        except BaseException:
            self._report.close()
            raise
        finally:
            os.close(writing)

    async def run(self) -> None:
        """Read what it writes, until it has ended and nothing of it is left."""
        output = self._process.stdout
        assert output is not None, "it is a pipe"
        try:
            async with (
                _reader(output) as lines,
                _reader(self._report) as report,
                asyncio.TaskGroup() as group,
            ):
                reading = group.create_task(self._read(lines))
                while line := await report.readline():
                    self._reported(line.decode().strip())
                await asyncio.wait([reading], timeout=_LINGER_SECONDS)
                reading.cancel()
        finally:
            self._bury()

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
        self._tell(b"end\n")

    def kill(self) -> None:
        """Let it end at once."""
        self._tell(b"kill\n")

    def _tell(self, words: bytes) -> None:
        assert self._process.stdin is not None, "it is a pipe"
        with contextlib.suppress(BrokenPipeError, ValueError):  # the guardian, or its pipe, is gone
            self._process.stdin.write(words)
            self._process.stdin.flush()

    async def _read(self, output: asyncio.StreamReader) -> None:
        while chunk := await output.read(_CHUNK):
            for line in self.lines.feed(chunk):
                self._on_line(line)

    def _reported(self, line: str) -> None:
        """Take a line of the guardian's."""
        word, _, rest = line.partition(" ")
        if word == "started":
            self.pid = int(rest)
        elif word == "failed":
            self.exit = f"it could not be started ({rest})"
            self._swept = True
        elif word == "ended":
            code = int(rest)
            self.exit = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            self.ended.set()
        else:
            self._swept = True

    def _bury(self) -> None:
        """See to it that nothing is left: of the server, of its guardian, of pipes."""
        self.kill()
        self._process.wait()
        assert self._process.stdin is not None, "it is a pipe"
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        if not self._swept and self.pid is not None:  # the guardian was killed
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self.exit = self.exit or "its guardian was killed"  # then the kernel killed the server
        self.ended.set()
        self.over.set()


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
