"""Runs a server for a node, and leaves nothing of it behind: `guardian.py REPORT GRACE COMMAND...`.

A program of its own, of the standard library alone. It stands between a node and a server because
a node that is killed cannot end anything any more: this process then reads the end of its standard
input, and ends the server and whatever that has started, in whichever sessions and groups. Should
it be killed itself, the kernel ends the server, and the node, which misses the report, its group.

1. It starts the command in a process group of its own, and reports `started PID`, or why not.
2. Standard output and error are the server's.
3. On `end` on standard input, on its end, and on SIGTERM, the server gets SIGTERM, and SIGKILL
   after GRACE seconds; `kill` on standard input is SIGKILL at once.
4. When the server has ended it reports `ended STATUS`, where a signal is a negative number.
5. Whatever the server has started is killed and waited for; then it reports `swept`.

REPORT is the descriptor of a pipe that it inherits, and hands on to nobody.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SET_PARENT_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36
_STEP_SECONDS = 0.05
_COMMAND_NOT_FOUND = 127


class Guardian:
    """One server and all that it starts.

    Attributes:
        pid: The server's process.
        status: How it ended, or None while it runs.
    """

    def __init__(self, command: list[str], grace: float) -> None:
        self._grace = grace
        self._kill_at: float | None = None
        self._told_to_end = False
        self._wakeup, writer = os.pipe()
        for descriptor in (self._wakeup, writer):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        _prctl(_SET_CHILD_SUBREAPER, 1)  # orphans of the server become children of this process
        self._server = subprocess.Popen(  # noqa: S603  # its user names the command; kept, or it reaps
            command,
            stdin=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509  # there is one thread
        )
        self.pid = self._server.pid
        self.status: int | None = None

    def _on_term(self, *_: object) -> None:
        self._told_to_end = True

    def watch(self) -> None:
        """Return once the server has ended, by itself or because it was told to."""
        sources = [0, self._wakeup]
        while not self._reap() and self.status is None:
            now = time.monotonic()
            if self._told_to_end and self._kill_at is None:
                self._signal(signal.SIGTERM)
                self._kill_at = now + self._grace
            if self._kill_at is not None and now >= self._kill_at:
                self._signal(signal.SIGKILL)
                self._kill_at = now + _STEP_SECONDS
            timeout = None if self._kill_at is None else self._kill_at - now
            readable, _, _ = select.select(sources, [], [], timeout)
            if self._wakeup in readable:
                os.read(self._wakeup, 4096)
            if 0 in readable:
                said = os.read(0, 4096)
                if b"kill" in said:
                    self._kill_at = time.monotonic()
                if not said:
                    sources.remove(0)
                if not said or b"end" in said:
                    self._told_to_end = True

    def sweep(self) -> None:
        """Kill what the server has started, until nothing is left of it."""
        self._signal(signal.SIGKILL)
        while not self._reap():
            for child in _children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            select.select([self._wakeup], [], [], _STEP_SECONDS)
            with contextlib.suppress(BlockingIOError):
                os.read(self._wakeup, 4096)

    def _reap(self) -> bool:
        """Take note of processes that have ended; return whether none is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == self.pid:
                self.status = os.waitstatus_to_exitcode(status)
            if pid == 0:
                return False

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def _die_with(parent: int) -> Callable[[], None]:
    """Return what a child does before it becomes the server: it will not outlive its parent."""

    def prepare() -> None:
        _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _prctl(option: int, value: int) -> None:
    """Ask Linux for a property of this process; other systems have none of these."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _children() -> list[int]:
    """Return the children of this process; without Linux's list of them, none."""
    try:
        listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in listed.split()]


def main() -> None:
    """Guard one server."""
    report, grace, *command = sys.argv[1:]
    pipe = int(report)
    os.set_inheritable(pipe, False)

    def say(words: str) -> None:
        with contextlib.suppress(OSError):  # the node may be gone
            os.write(pipe, f"{words}\n".encode())

    try:
        guardian = Guardian(command, float(grace))
    except OSError as error:
        say(f"failed {command[0]}: {error.strerror}")
        os._exit(_COMMAND_NOT_FOUND)
    say(f"started {guardian.pid}")
    guardian.watch()
    say(f"ended {guardian.status}")
    guardian.sweep()
    say("swept")
    os._exit(0)


if __name__ == "__main__":
    main()
