"""Node processes that start at once, for tests that need a fresh node and are not about its start.

Nine tenths of what such a test costs is Python that starts and imports. A process that did both
once is forked for each node instead. Everything else is as ever: the node runs the same
`passel.runtime.node_main` in a process of its own, a child of the one that asked for it.

Run as a script, this file is the process that is forked.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

from passel.runtime.machine.launcher import NODE_COMMAND
from passel.runtime.node_main import main

if TYPE_CHECKING:
    from collections.abc import Iterator

ORDER_BYTES: Final = 1 << 20
"""Most bytes of an order: all environment variables, as JSON."""

_DESCRIPTORS: Final = 8
_OUT_OF_THE_WAY: Final = 256
_PR_SET_CHILD_SUBREAPER: Final = 36


class Nursery:
    """Starts node processes by forking; a `Starter` for `LocalLeaderHost`. Linux only."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # no thread is there when it forks
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,
            )

    def __call__(
        self,
        command: list[str],
        environment: dict[str, str],
        output: BinaryIO,
        inherited: tuple[int, ...],
    ) -> ForkedNode:
        """Start `passel node`; see `Starter`."""
        assert command == list(NODE_COMMAND), "what has a prefix is not forked"
        reader, writer = os.pipe()
        order = json.dumps([environment, inherited]).encode()
        try:
            with _adopting():
                descriptors = [reader, output.fileno(), *inherited]
                socket.send_fds(self._control, [order], descriptors)
                pid = int(self._control.recv(64))
        finally:
            os.close(reader)
        return ForkedNode(pid, os.fdopen(writer, "wb"))

    def close(self) -> None:
        """End the process that is forked, once no node is wanted any more."""
        self._control.close()
        self._process.wait(10.0)


class ForkedNode:
    """The process of a node, with what its leader uses of `subprocess.Popen`; a `Child`."""

    def __init__(self, pid: int, stdin: BinaryIO) -> None:
        self.pid = pid
        self.stdin = stdin
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, or minus its signal; None while it runs."""
        return self._collect(os.WNOHANG)

    def wait(self) -> int:
        """Return that once it has ended."""
        code = self._collect(0)
        assert code is not None, "it was waited for"
        return code

    def kill(self) -> None:
        """End it at once."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def _collect(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


@contextmanager
def _adopting() -> Iterator[None]:
    """Be the parent of grandchildren whose own parent ends meanwhile, as that of a new node does."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    try:
        yield
    finally:
        prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def serve(control: socket.socket) -> None:
    """Fork a node for each order, until nobody gives orders any more."""
    importlib.import_module("numpy")  # the actors under test need it
    gc.collect()
    gc.freeze()  # what is there now is shared by all, and never garbage
    while True:
        order, descriptors, _, _ = socket.recv_fds(control, ORDER_BYTES, _DESCRIPTORS)
        if not order:
            return
        reader, writer = os.pipe()
        between = os.fork()
        if not between:
            if node := os.fork():
                os.write(writer, str(node).encode())
                os._exit(0)
            control.close()
            live(order, descriptors)
            return
        os.waitpid(between, 0)  # now the node is the child of whoever ordered it
        control.send(os.read(reader, 64))
        for descriptor in (reader, writer, *descriptors):
            os.close(descriptor)


def live(order: bytes, descriptors: list[int]) -> None:
    """Be `passel node`: in a process group, with environment and descriptors of its own."""
    environment, inherited = json.loads(order)
    os.setpgid(0, 0)
    os.environ.clear()
    os.environ.update(environment)
    targets = [0, 1, *inherited]
    free = max(targets) + _OUT_OF_THE_WAY
    held = [fcntl.fcntl(one, fcntl.F_DUPFD, free) for one in descriptors]
    os.closerange(3, free)
    for source, target in zip(held, targets, strict=True):
        os.dup2(source, target)
        os.close(source)
    os.dup2(1, 2)
    main()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
