"""Stands between a node and a program: the program ends with the node, and leaves nothing behind.

    warden.py CONTROL REPORT SETTINGS COMMAND ...

A program of its own, of the standard library alone, because a node that is killed cannot end anything
any more. Should the warden itself be killed, the kernel ends the command, and the node its group.

1. It starts the command in a process group of its own, and reports `started PID`, or `failed WHY`.
2. Standard input, output and error are the command's.
3. On `end` from CONTROL, on its end, and on SIGTERM, the command gets SIGTERM, and SIGKILL after the
   grace; `kill` from CONTROL is SIGKILL at once.
4. When the command has ended it reports `ended STATUS`, where a signal is a negative number.
5. Whatever the command has started, in whichever sessions and groups, is killed and waited for, as
   the warden is their subreaper; then it reports `swept`.

CONTROL and REPORT are descriptors of pipes, handed on to nobody; SETTINGS is JSON: `grace`, seconds
between SIGTERM and SIGKILL, and `limits`, resource limits by name. Where both are -1, because whoever
starts the warden hands on no descriptors, SIGTERM and the death of its parent stand for the first, and
its own exit code for the second.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_STEP_SECONDS = 0.05
_NOT_RUN = 127


class Warden:
    """One command and all that it starts.

    Attributes:
        pid: The command's process.
        status: How it ended, or None while it runs.
    """

    def __init__(self, control: int, grace: float) -> None:
        self._control = control
        self._grace = grace
        self._kill_at: float | None = None
        self._told_to_end = False
        self.pid = -1
        self.status: int | None = None
        self._wakeup, writer = os.pipe()
        for descriptor in (self._wakeup, writer):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the node's
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        if control < 0:
            _end_with_parent(signal.SIGTERM, os.getppid())
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # orphans of the command become children of this process

    def _on_term(self, *_: object) -> None:
        self._told_to_end = True

    def start(self, command: list[str], limits: dict[str, int]) -> str:
        """Start the command; return why it could not be run, or nothing."""
        reader, writer = os.pipe()
        warden = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _become(command, limits, warden, writer)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            failed = pipe.read().decode(errors="replace")
        if failed:
            os.waitpid(self.pid, 0)
        return failed

    def watch(self) -> None:
        """Return once the command has ended, by itself or because it was told to."""
        sources = [self._wakeup, *([self._control] if self._control >= 0 else [])]
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
            if self._control in readable:
                said = os.read(self._control, 4096)
                if b"kill" in said:
                    self._kill_at = time.monotonic()
                if not said:
                    sources.remove(self._control)
                if not said or b"end" in said:
                    self._told_to_end = True

    def sweep(self) -> None:
        """Kill what the command has started, until nothing is left of it."""
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


def _become(command: list[str], limits: dict[str, int], warden: int, errors: int) -> None:
    """Turn this process, a child of the warden, into the command; write why if that fails."""
    try:
        os.setpgid(0, 0)
        _end_with_parent(signal.SIGKILL, warden)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        for name, most in limits.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (most, most))
        os.execvp(command[0], command)  # noqa: S606  # that no shell is involved is the point
    except OSError as error:
        os.write(errors, f"{command[0]}: {error.strerror}".encode())
    except (ValueError, AttributeError) as error:
        os.write(errors, f"limits: {error}".encode())
    finally:
        os._exit(_NOT_RUN)


def _end_with_parent(number: signal.Signals, parent: int) -> None:
    """Have the kernel send this process a signal when its parent dies, or has died just now."""
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def _prctl(option: int, value: int) -> None:
    """Ask Linux for a property of this process; other systems have none of these."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _children() -> list[int]:
    """Return the children of this process; without Linux's list of them, none."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def main(words: list[str]) -> None:
    """Watch over one command."""
    control, report = int(words[0]), int(words[1])
    settings = json.loads(words[2])
    for descriptor in (control, report):
        if descriptor >= 0:
            os.set_inheritable(descriptor, False)

    def say(said: str) -> None:
        if report >= 0:
            with contextlib.suppress(OSError):  # the node may be gone
                os.write(report, f"{said}\n".encode())

    warden = Warden(control, settings["grace"])
    failed = warden.start(words[3:], settings["limits"])
    if failed:
        say(f"failed {failed}")
        if report < 0:
            sys.stderr.write(f"{failed}\n")
        sys.exit(_NOT_RUN)
    say(f"started {warden.pid}")
    for descriptor in (0, 1, 2):  # else their readers would wait for this process
        os.close(descriptor)
    warden.watch()
    status = warden.status or 0
    say(f"ended {status}")
    warden.sweep()
    say("swept")
    os._exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main(sys.argv[1:])
