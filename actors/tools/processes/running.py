"""Running a command from the event loop: nothing blocks it, and nothing outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import msgspec

from . import warden

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STDERR_BYTES: Final = 8192
"""How much of what a command writes to its standard error is kept: the last of it."""

_CHUNK: Final = 65_536
_PATIENCE: Final = 5.0
WARDEN: Final = str(Path(warden.__file__))
"""The program that watches over a command, run by its path."""


class Ended(msgspec.Struct, frozen=True):
    """How a command ended: with an exit code, by a signal, or not begun at all."""

    exit: int | None = None
    signal: str | None = None
    error: str = ""


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
    settings = msgspec.json.encode({"grace": grace, "limits": dict(limits or {})}).decode()
    with _Run(command, stdin, environment, directory, settings, max_output) as run:
        try:
            await asyncio.shield(run.over)
        finally:
            if not run.over.done():
                run.hang_up()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_PATIENCE + grace):
                        await asyncio.shield(run.over)
        await run.reap()
        return run.finished()


class _Run:
    """One command on its way: its warden, and the pipes that are read as they fill."""

    def __init__(
        self,
        command: Sequence[str],
        stdin: bytes,
        environment: Mapping[str, str],
        directory: str | None,
        settings: str,
        max_output: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.over: asyncio.Future[None] = self._loop.create_future()
        self._gathered = {"output": bytearray(), "stderr": bytearray(), "report": bytearray()}
        self._max_output = max_output
        self._cut = False
        lifeline, self._lifeline = os.pipe()
        self._report, report = os.pipe()
        try:
            with tempfile.TemporaryFile() as file:
                file.write(stdin)
                file.seek(0)
                self._process = subprocess.Popen(  # noqa: S603  # the command is the user's own
                    [
                        sys.executable,
                        "-I",
                        "-S",
                        WARDEN,
                        f"{lifeline}",
                        f"{report}",
                        settings,
                        *command,
                    ],
                    stdin=file,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=dict(environment),
                    cwd=directory,
                    pass_fds=(lifeline, report),
                    start_new_session=True,
                )
        except BaseException:
            os.close(self._report)
            os.close(self._lifeline)
            self._lifeline = -1
            raise
        finally:
            os.close(lifeline)
            os.close(report)

    def __enter__(self) -> Self:
        assert self._process.stdout is not None, "a pipe"
        assert self._process.stderr is not None, "a pipe"
        self._pipes = {
            "output": self._process.stdout.fileno(),
            "stderr": self._process.stderr.fileno(),
            "report": self._report,
        }
        for name, descriptor in self._pipes.items():
            os.set_blocking(descriptor, False)
            self._loop.add_reader(descriptor, self._read, name)
        return self

    def __exit__(self, *_: object) -> None:
        for name in tuple(self._pipes):
            self._forget(name)
        self.hang_up()
        if self._process.returncode is None:  # the patience with its warden is over
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None, "a pipe"
            pipe.close()
        os.close(self._report)

    def hang_up(self) -> None:
        """Let the warden end everything."""
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    async def reap(self) -> None:
        """Return when the warden, which has said its last word, is gone."""
        while self._process.poll() is None:  # noqa: ASYNC110  # a millisecond at the most
            await asyncio.sleep(0.001)
        for name in tuple(self._pipes):
            self._read(name)

    def finished(self) -> Finished:
        """Return what became of the command."""
        try:
            ended = msgspec.json.decode(self._gathered["report"], type=Ended)
        except msgspec.DecodeError:
            code = self._process.returncode
            how = signal.Signals(-code).name if code and code < 0 else f"exit code {code}"
            ended = Ended(error=f"what watched over it ended first ({how})")
        return Finished(
            ended=ended,
            output=bytes(self._gathered["output"]),
            stderr=bytes(self._gathered["stderr"]),
            cut=self._cut,
        )

    def _read(self, name: str) -> None:
        """Take what there is in a pipe."""
        gathered = self._gathered[name]
        while name in self._pipes:
            try:
                chunk = os.read(self._pipes[name], _CHUNK)
            except BlockingIOError:
                return
            if not chunk:
                self._forget(name)
                if name == "report" and not self.over.done():
                    self.over.set_result(None)
                return
            gathered += chunk
            if name == "stderr":
                del gathered[:-STDERR_BYTES]
            elif name == "output" and len(gathered) > self._max_output:
                self._cut = True
                self._forget(name)
                self.hang_up()

    def _forget(self, name: str) -> None:
        descriptor = self._pipes.pop(name, None)
        if descriptor is not None:
            self._loop.remove_reader(descriptor)
