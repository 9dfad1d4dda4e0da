"""A command under a warden, which ends it whatever becomes of this process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import msgspec

from . import warden

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHUNK: Final = 4096
_SWEEP_SECONDS: Final = 2.0
"""How long a warden that was told to kill may take, when nobody can wait for it any more."""


class Ended(msgspec.Struct, frozen=True):
    """How a command ended: with an exit code, by a signal, or not begun at all."""

    exit: int | None = None
    signal: str | None = None
    error: str = ""

    def __str__(self) -> str:
        return self.error or self.signal or f"exit code {self.exit}"


def warden_words(
    command: Sequence[str],
    *,
    grace: float,
    limits: Mapping[str, int] | None = None,
    control: int = -1,
    report: int = -1,
) -> list[str]:
    """Return the command line of a warden for a command, with the interpreter as the first word.

    Without descriptors it ends the command when it gets SIGTERM or its parent dies, and ends with
    the command's exit code.
    """
    settings = msgspec.json.encode({"grace": grace, "limits": dict(limits or {})}).decode()
    python = [sys.executable, "-I", "-S", str(Path(warden.__file__))]
    return [*python, str(control), str(report), settings, *command]


class Ward:
    """A command and its warden. Belongs to one event loop; `bury` ends it.

    Args:
        command: Program and arguments; no shell sees them.
        environment: All that it sees of one.
        directory: Where it runs; where this process does if None.
        stdin: What it reads, nothing if None.
        grace: Seconds between SIGTERM and SIGKILL when it is to end.
        limits: Resource limits by their names in `resource`, as `cpu` or `as`.
        join_output: Whether standard error goes where standard output does.

    Attributes:
        pid: The command's process, once it has one.
        how: How it ended; None while it runs.
        stdout: What it writes.
        stderr: What it writes to its standard error, unless that is joined.
        ended: Set when it has ended; what it started may still be there.
        over: Set when nothing of it is left.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: str | None = None,
        stdin: IO[bytes] | None = None,
        grace: float,
        limits: Mapping[str, int] | None = None,
        join_output: bool = False,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.pid: int | None = None
        self.how: Ended | None = None
        self.ended = asyncio.Event()
        self.over = asyncio.Event()
        self._rest = b""
        self._swept = False
        control, self._control = os.pipe()
        self._report, report = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603  # its user names the command
                warden_words(command, grace=grace, limits=limits, control=control, report=report),
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if join_output else subprocess.PIPE,
                env=dict(environment),
                cwd=directory,
                pass_fds=(control, report),
                start_new_session=True,  # the terminal's Ctrl-C is the node's
            )
        except BaseException:
            os.close(self._control)
            os.close(self._report)
            raise
        finally:
            os.close(control)
            os.close(report)
        assert self._process.stdout is not None, "it is a pipe"
        self.stdout: IO[bytes] = self._process.stdout
        self.stderr: IO[bytes] | None = self._process.stderr
        os.set_blocking(self._report, False)
        self._loop.add_reader(self._report, self._read)

    def end(self) -> None:
        """Let it end in order."""
        self._tell(b"end\n")

    def kill(self) -> None:
        """Let it end at once."""
        self._tell(b"kill\n")

    def bury(self) -> None:
        """See to it that nothing is left, of the command, its warden or pipes; nobody waits."""
        if not self.over.is_set():
            self.kill()
            try:
                self._process.wait(_SWEEP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._read()
        if not self.over.is_set():  # some process still holds the report open
            self._close()
        for pipe in (self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()

    def _tell(self, words: bytes) -> None:
        if self._control >= 0:
            with contextlib.suppress(BrokenPipeError):  # the warden is gone
                os.write(self._control, words)

    def _read(self) -> None:
        """Take what the warden reports; its silence is its end."""
        while not self.over.is_set():
            try:
                chunk = os.read(self._report, _CHUNK)
            except BlockingIOError:
                return
            if not chunk:
                self._close()
                return
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                self._heard(line.decode())

    def _heard(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "started":
            self.pid = int(rest)
        elif word == "failed":
            self._swept = True
            self._has_ended(Ended(error=rest))
        elif word == "ended":
            code = int(rest)
            self._has_ended(
                Ended(signal=signal.Signals(-code).name) if code < 0 else Ended(exit=code)
            )
        else:
            self._swept = True

    def _has_ended(self, how: Ended) -> None:
        self.how = self.how or how
        self.ended.set()

    def _close(self) -> None:
        """The warden has said its last word, or was killed; then the kernel has killed the command."""
        self._loop.remove_reader(self._report)
        os.close(self._report)
        os.close(self._control)
        self._control = -1
        code = self._process.wait()
        if not self._swept and self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        killed = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self._has_ended(Ended(error=f"what watched over it ended first ({killed})"))
        self.over.set()
