"""Node processes on this host: start, watch until they end, end them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

import msgspec

from ...actors.threads import SHARED_CORES
from ..node.host import Exit
from .announcement import Announcement
from .oom import OutOfMemoryKills
from .standstill import PROC, standstill_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import IO

    from ...protocols.control import NodeConfig, NodeInfo

STDERR_LINES: Final = 20
"""How many of a dead node's last lines its error quotes."""

NODE_COMMAND: Final = (sys.executable, "-m", "passel", "node")
"""What runs a node on this host."""

_TAIL_BYTES = 8_192


class Child(Protocol):
    """A child process whose standard input is a pipe; `subprocess.Popen` is one."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    @property
    def stdin(self) -> IO[bytes] | None:
        """Our end of its standard input."""
        ...

    @property
    def returncode(self) -> int | None:
        """Its exit code, or minus its signal, once that was asked for; None before."""
        ...

    def poll(self) -> int | None:
        """Return its exit code, or minus its signal; None while it runs."""
        ...

    def wait(self) -> int:
        """Return that once it has ended."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


class Starter(Protocol):
    """Starts the child process that a node is to run in."""

    def __call__(
        self,
        command: list[str],
        environment: dict[str, str],
        output: BinaryIO,
        inherited: tuple[int, ...],
    ) -> Child:
        """Start a command, as the leader of a process group.

        Args:
            command: `NODE_COMMAND`, behind whatever prefix the node's host has for it.
            environment: All its environment variables.
            output: Its standard output and error.
            inherited: Descriptors that it has under the same numbers.
        """
        ...


def start_command(
    command: list[str],
    environment: dict[str, str],
    output: BinaryIO,
    inherited: tuple[int, ...],
) -> subprocess.Popen[bytes]:
    """Start the command as it is written; a `Starter`."""
    return subprocess.Popen(  # noqa: S603  # our own module, behind what the host's maker said
        command,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        env=environment,
        process_group=0,
        pass_fds=inherited,
    )


class NodeProcess:
    """One child process that runs a node.

    The configuration goes in over its standard input, which then stays open: when the leader
    is gone, however it ended, the child reads the end of it and leaves. It has a process group
    of its own, so the terminal's Ctrl-C reaches the leader alone.

    Args:
        config: What it is to run.
        output: File for its standard output and error.
        on_announced: Gets where it is as soon as it is bound, over a pipe that it inherits; by
            default it has none.
        prefix: Words in front of its command, of a program that runs another one elsewhere or
            otherwise and hands standard input and inherited descriptors on to it.
        start: What starts the process.
    """

    def __init__(
        self,
        config: NodeConfig,
        output: Path,
        on_announced: Callable[[NodeInfo], None] | None = None,
        *,
        prefix: Sequence[str] = (),
        start: Starter = start_command,
    ) -> None:
        self.node = config.node
        self.life = config.life
        self._log = output
        self._memory = OutOfMemoryKills()
        self._announcement: Announcement | None = None
        inherited: tuple[int, ...] = ()
        if on_announced is not None:
            self._announcement = Announcement(config.node, config.life, on_announced)
            inherited = (self._announcement.writer,)
            config = msgspec.structs.replace(config, announce=self._announcement.writer)
        try:
            self._process = self._begin(start, [*prefix, *NODE_COMMAND], config, inherited)
        except BaseException:
            self._silence()
            raise
        finally:
            if self._announcement is not None:
                self._announcement.hand_over()
        assert self._process.stdin is not None, "stdin is a pipe"
        with contextlib.suppress(BrokenPipeError):  # it died at once; its exit says why
            self._process.stdin.write(msgspec.json.encode(config) + b"\n")
            self._process.stdin.flush()

    def _begin(
        self, start: Starter, command: list[str], config: NodeConfig, inherited: tuple[int, ...]
    ) -> Child:
        environment = {**SHARED_CORES, **os.environ}
        if config.threads:
            environment["OMP_NUM_THREADS"] = str(config.threads)
        with open_private(self._log) as file:
            return start(command, environment, file, inherited)

    def _silence(self) -> None:
        if self._announcement is not None:
            self._announcement.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def wait(self) -> Exit:
        """Return once the process has ended."""
        if self._process.poll() is None:
            await self._ended()
        code = self._process.wait()
        self._silence()
        name = signal.Signals(-code).name if code < 0 else None
        note = self._memory.note() if name == "SIGKILL" else ""
        return Exit(None if code < 0 else code, name, tail_of(self._log), note)

    async def _ended(self) -> None:
        loop = asyncio.get_running_loop()
        if not hasattr(os, "pidfd_open"):  # macOS: no descriptor tells of the end
            while self._process.poll() is None:  # noqa: ASYNC110  # nothing but polling tells
                await asyncio.sleep(0.1)
            return
        descriptor = os.pidfd_open(self._process.pid)
        over: asyncio.Future[None] = loop.create_future()
        loop.add_reader(descriptor, _resolve, over)
        try:
            await over
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)

    @property
    def visible(self) -> bool:
        """Whether this system tells which standstill a process is in."""
        return PROC.exists()

    def standstill(self) -> int | None:
        """Return which standstill it is in, or None while it may run."""
        return standstill_of(self.pid) if self._process.returncode is None else None

    def hang_up(self) -> None:
        """Close its standard input: it leaves in order."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    def kill(self) -> None:
        """End it at once."""
        if self._process.poll() is None:
            self._process.kill()

    def reap(self) -> None:
        """Collect the process after it was killed."""
        self.hang_up()
        self._process.wait()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def open_private(path: Path) -> BinaryIO:
    """Open a file to append to; when it is new, nobody but its user may read it."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "ab")


def tail_of(log: Path) -> tuple[str, ...]:
    """Return the last lines of a log file."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ()
    return tuple(line for line in text.splitlines()[-STDERR_LINES:] if line.strip())
