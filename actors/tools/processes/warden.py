"""Stands between a node and a command: the command ends with the node, and leaves nothing behind.

Run by its path, in an interpreter of its own that loads next to nothing. It starts the command in
a process group of its own and waits for two things: the command's end, and the end of its node, which
closes a pipe. Either way it then ends all that the command has started: as their subreaper it
gets to know those, too, that went into sessions of their own. At last it writes how the command
ended, as JSON, into another pipe.

    warden.py LIFELINE REPORT SETTINGS COMMAND ...

LIFELINE and REPORT are descriptors; SETTINGS is JSON: `grace`, seconds between SIGTERM and SIGKILL
when the node lets go, and `limits`, resource limits by name. Where both are -1, because whoever
starts the warden hands on no descriptors, SIGTERM and the death of its parent stand for the first, and
its own exit code for the second.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import select
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_POLL_SECONDS = 0.01


def main(words: list[str]) -> None:
    """Run the command to its end, or the node's; say how it ended."""
    lifeline, report = int(words[0]), int(words[1])
    settings = json.loads(words[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if lifeline < 0:
        lifeline = _lifeline_of_signals()
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the lifeline tells it when to leave
        for descriptor in (lifeline, report):
            os.set_inheritable(descriptor, False)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    command, failed = _start(words[3:], settings["limits"])
    if failed and report < 0:
        sys.stderr.write(f"{failed}\n")
        sys.stderr.flush()
    for descriptor in (0, 1, 2):  # else their readers would wait for this process
        os.close(descriptor)
    status = _wait(command, lifeline, settings["grace"])
    _end_all(command)
    said: dict[str, str | int]
    if failed:
        said = {"error": failed}
    elif os.WIFSIGNALED(status):
        said = {"signal": signal.Signals(os.WTERMSIG(status)).name}
    else:
        said = {"exit": os.waitstatus_to_exitcode(status)}
    if report >= 0:
        os.write(report, json.dumps(said).encode())
    else:
        sys.exit(os.waitstatus_to_exitcode(status) % 256)


def _lifeline_of_signals() -> int:
    """Return a descriptor that is closed when SIGTERM comes, or the parent dies."""
    reader, writer = os.pipe()
    parent = os.getppid()

    def hang_up(*_: object) -> None:
        nonlocal writer
        if writer >= 0:
            os.close(writer)
            writer = -1

    signal.signal(signal.SIGTERM, hang_up)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        hang_up()
    return reader


def _start(command: list[str], limits: dict[str, int]) -> tuple[int, str]:
    """Start the command; return its process id, and why it could not be run, or nothing."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setpgid(0, 0)
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            for name, most in limits.items():
                resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (most, most))
            os.execvp(command[0], command)  # noqa: S606  # that no shell is involved is the point
        except OSError as error:
            os.write(writer, f"{command[0]}: {error.strerror}".encode())
        except (ValueError, AttributeError) as error:
            os.write(writer, f"limits: {error}".encode())
        finally:
            os._exit(127)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        return child, pipe.read().decode(errors="replace")


def _wait(command: int, lifeline: int, grace: float) -> int:
    """Return the command's status once it has ended, which it is made to when the node is gone."""
    poll = select.poll()
    poll.register(lifeline, select.POLLIN | select.POLLHUP)
    ending = None
    if hasattr(os, "pidfd_open"):
        ending = os.pidfd_open(command)
        poll.register(ending, select.POLLIN)
    until = None
    while True:
        found, status = os.waitpid(command, os.WNOHANG)
        if found:
            return status
        if until is not None and time.monotonic() >= until:
            _signal_group(command, signal.SIGKILL)
        seconds = None if ending is not None and until is None else _POLL_SECONDS
        for descriptor, _ in poll.poll(None if seconds is None else seconds * 1000):
            if descriptor == lifeline:
                poll.unregister(lifeline)
                until = time.monotonic() + grace
                _signal_group(command, signal.SIGTERM)


def _end_all(command: int) -> None:
    """End what the command has left: its group first, then whoever became a child of this process."""
    _signal_group(command, signal.SIGKILL)
    while True:
        for child in _children():
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            found, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not found:
            time.sleep(_POLL_SECONDS)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:  # not Linux: those in the group are all that is known
        return []


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError) as error:
        if error.errno not in {errno.ESRCH, errno.EPERM}:
            raise


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
