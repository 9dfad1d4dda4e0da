"""The Unix-socket transport: the shortest way between two nodes of one host.

A node listens on a socket file in the private run directory. For each peer it writes to, it makes
one connection, which is written at this end and read at the other; the first multipart on it is the
writer's identity alone. No thread stands between the loop and the kernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import socket
import struct
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...protocols.errors import LimitError, ProtocolError, SpawnError
from ...protocols.log import log
from .framing import FrameReader, header_of
from .process_probe import ProcessProbe
from .seam import LINGER_SECONDS, MAX_PATH_BYTES, check_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocols.arrays import Buffer
    from ...protocols.control import NodeInfo
    from ..health.detector import Bounds
    from .seam import OnBatch, OnRefused

SCHEME: Final = "unix://"

MAX_IDENTITY_BYTES: Final = 255
"""Longest identity of a peer, as for ZeroMQ."""

_BACKLOG: Final = 1_024
_BUFFERS_PER_CALL: Final = 1_024
_FIRST_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.2
_OUT_OF_DESCRIPTORS: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_ACCEPT_PAUSE: Final = 1.0


class UnixTransport:
    """The socket file of one node, who writes to it, and its connections to others.

    Args:
        identity: What peers know the node by: `name/life`.
        bind: `unix://PATH`.

    Raises:
        SpawnError: The endpoint cannot be bound.
    """

    def __init__(self, identity: bytes, bind: str) -> None:
        self._path = bind.removeprefix(SCHEME)
        check_path(self._path)
        self._identity = identity
        self._loop = asyncio.get_running_loop()
        self._inlets: dict[Inlet, None] = {}
        self._outlets: dict[UnixOutlet, None] = {}
        self._probes: dict[ProcessProbe, None] = {}
        self._resume: asyncio.TimerHandle | None = None
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.setblocking(False)
        try:
            self._listener.bind(self._path)
            Path(self._path).chmod(0o600)
            self._listener.listen(_BACKLOG)
        except OSError as error:
            self._listener.close()
            raise SpawnError(f"socket {bind}", str(error)) from None

    @property
    def endpoint(self) -> str:
        """Where others connect to."""
        return f"{SCHEME}{self._path}"

    def start(self, on_batch: OnBatch, on_refused: OnRefused) -> None:
        """Take connections and what comes over them from now on."""
        self._on_batch, self._on_refused = on_batch, on_refused
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def connect(self, endpoint: str) -> UnixOutlet:
        """Return an outlet to the node at `endpoint`.

        Raises:
            ProtocolError: That is no endpoint of this transport.
        """
        path = endpoint.removeprefix(SCHEME)
        if path == endpoint or "\0" in path or not 0 < len(path.encode()) <= MAX_PATH_BYTES:
            raise ProtocolError(f"endpoint {endpoint!r}: it is no {SCHEME}PATH")
        outlet = UnixOutlet(path, self._identity, self._loop, self._forget)
        self._outlets[outlet] = None
        return outlet

    def probe(
        self, peer: NodeInfo, bounds: Bounds, on_change: Callable[[bool], None]
    ) -> ProcessProbe:
        """Watch whether the process of a node of this host runs."""
        probe = ProcessProbe(peer.pid, self._loop, bounds, on_change, self._forget_probe)
        self._probes[probe] = None
        return probe

    def close(self) -> None:
        """Send what outlets still hold, within a short linger; close every socket, remove the file."""
        if self._listener.fileno() < 0:
            return
        if self._resume is not None:
            self._resume.cancel()
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        Path(self._path).unlink(missing_ok=True)
        for probe in list(self._probes):
            probe.close()
        for inlet in list(self._inlets):
            inlet.close()
        until = time.monotonic() + LINGER_SECONDS  # a loop's time may stand still meanwhile
        for outlet in list(self._outlets):
            outlet.finish(until)

    def _forget_probe(self, probe: ProcessProbe) -> None:
        self._probes.pop(probe, None)

    def _forget(self, outlet: UnixOutlet) -> None:
        self._outlets.pop(outlet, None)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _OUT_OF_DESCRIPTORS:
                    raise
                self._pause(error)
                return
            if _is_own_user(connection):
                self._take(connection)
            else:
                connection.close()
                self._on_refused(b"", "it belongs to another user")

    def _take(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        inlet = Inlet(connection, self._loop, self._on_batch, self._on_refused, self._inlets)
        self._inlets[inlet] = None

    def _pause(self, error: OSError) -> None:
        """Take no connections for a while: the descriptor would be ready all the time."""
        log.error("no connection taken", endpoint=self.endpoint, error=str(error))
        self._loop.remove_reader(self._listener.fileno())
        self._resume = self._loop.call_later(
            _ACCEPT_PAUSE, self._loop.add_reader, self._listener.fileno(), self._accept
        )


class Inlet:
    """One connection that a peer writes to. One that brings what is malformed is closed."""

    def __init__(
        self,
        connection: socket.socket,
        loop: asyncio.AbstractEventLoop,
        on_batch: OnBatch,
        on_refused: OnRefused,
        inlets: dict[Inlet, None],
    ) -> None:
        self._socket = connection
        self._loop = loop
        self._on_batch = on_batch
        self._on_refused = on_refused
        self._inlets = inlets
        self._reader = FrameReader()
        self._identity: bytes | None = None
        loop.add_reader(connection.fileno(), self._read)

    def close(self) -> None:
        """Close the connection; what was not read is lost."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._inlets.pop(self, None)

    def _read(self) -> None:
        """Read once: the loop calls again while there is more, and others get their turn."""
        try:
            count = self._socket.recv_into(self._reader.space())
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            count = 0
        if count == 0:
            self.close()
            return
        try:
            for parts in self._reader.take(count):
                self._multipart(parts)
                if self._socket.fileno() < 0:  # closed by what came
                    return
        except LimitError as error:
            self._refuse(str(error))

    def _multipart(self, parts: list[Buffer]) -> None:
        identity = self._identity
        if identity is None:
            if len(parts) == 1 and 0 < len(parts[0]) <= MAX_IDENTITY_BYTES:
                self._identity = bytes(parts[0])
            else:
                self._refuse("it has not said who it is")
            return
        try:
            self._on_batch(identity, parts[0], parts[1:])
        except Exception as error:  # noqa: BLE001  # one bad batch does not end the others
            log.error("batch failed", peer=identity.decode(errors="replace"), exc_info=error)

    def _refuse(self, reason: str) -> None:
        self._on_refused(self._identity or b"", reason)
        self.close()


_SMALL_BYTES: Final = 4096
"""A batch of so many bytes is copied behind its header: quicker than telling the kernel of two."""


class UnixOutlet:
    """Writes to one peer; what the kernel does not take at once waits here, in order.

    The peer need not listen yet, and may come back: a connection that cannot be made, or breaks, is
    tried again for as long as there is something to send. Of a multipart that was under way when it
    broke the rest is dropped: the peer may have refused it.
    """

    def __init__(
        self,
        path: str,
        identity: bytes,
        loop: asyncio.AbstractEventLoop,
        on_closed: Callable[[UnixOutlet], None],
    ) -> None:
        self._path = path
        self._identity = identity
        self._loop = loop
        self._on_closed = on_closed
        self._socket: socket.socket | None = None
        self._backlog: deque[list[Buffer]] = deque()
        self._unsent: list[Buffer] = []
        self._blocked = False
        self._pause = _FIRST_PAUSE
        self._retry: asyncio.TimerHandle | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._connect()

    def send(self, parts: list[Buffer]) -> None:
        """Send, or queue behind what waits already."""
        idle = not self._unsent and not self._backlog and self._linger is None
        if idle and self._socket is not None and len(parts) == 1 and len(parts[0]) <= _SMALL_BYTES:
            self._send_at_once(self._socket, parts[0])
            return
        self._backlog.append(parts)
        if not self._blocked:
            self._pump()

    def _send_at_once(self, connection: socket.socket, part: Buffer) -> None:
        """Send a small multipart of one part, header and all, as one piece of memory."""
        whole = b"".join((header_of([part]), part))
        try:
            sent = connection.send(whole)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._broken(error)
            return
        if sent < len(whole):
            self._unsent = [memoryview(whole)[sent:]]
            self._block()

    def close(self) -> None:
        """Close once what was handed over is sent, or when the linger is over."""
        if self._backlog or self._unsent:
            self._linger = self._loop.call_later(LINGER_SECONDS, self._release)
        else:
            self._release()

    def finish(self, until: float) -> None:
        """Send what is left without the loop, no longer than until `until`, and close."""
        if self._socket is None:
            self._connect()
        while (self._backlog or self._unsent) and self._socket is not None:
            left = until - time.monotonic()
            poll = select.poll()
            poll.register(self._socket, select.POLLOUT)
            if left <= 0.0 or not poll.poll(left * 1000):
                break
            self._pump()
        self._release()

    def _pump(self) -> None:
        """Write until nothing is left or the kernel takes no more."""
        if self._socket is None:
            self._try_later()
            return
        while self._unsent or self._next():
            try:
                sent = self._socket.sendmsg(self._unsent[:_BUFFERS_PER_CALL])
            except (BlockingIOError, InterruptedError):
                self._block()
                return
            except OSError as error:
                self._broken(error)
                return
            self._unsent = _after(self._unsent, sent)
        self._unblock()
        if self._linger is not None:
            self._release()

    def _next(self) -> bool:
        if not self._backlog:
            return False
        parts = self._backlog.popleft()
        self._unsent = [header_of(parts), *parts]
        return True

    def _connect(self) -> None:
        """Connect: on one host that takes no time, or fails."""
        self._retry = None
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            connection.connect(self._path)
        except OSError:
            connection.close()
            self._try_later()
            return
        self._pause = _FIRST_PAUSE
        self._socket = connection
        self._unsent = [header_of([self._identity]), self._identity]
        self._pump()

    def _try_later(self) -> None:
        if self._retry is None and self._backlog:
            self._retry = self._loop.call_later(self._pause, self._connect)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    def _broken(self, error: OSError) -> None:
        log.debug("connection broken", peer=self._path, error=str(error))
        self._disconnect()
        self._try_later()

    def _disconnect(self) -> None:
        self._unblock()
        self._unsent = []
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _block(self) -> None:
        if not self._blocked and self._socket is not None:
            self._blocked = True
            self._loop.add_writer(self._socket.fileno(), self._pump)

    def _unblock(self) -> None:
        if self._blocked and self._socket is not None:
            self._blocked = False
            self._loop.remove_writer(self._socket.fileno())

    def _release(self) -> None:
        """Let go of socket and timers; what is left is dropped."""
        for timer in (self._retry, self._linger):
            if timer is not None:
                timer.cancel()
        if self._backlog:
            log.warning("messages not sent", peer=self._path, multiparts=len(self._backlog))
        self._disconnect()
        self._backlog.clear()
        self._on_closed(self)


def _after(buffers: list[Buffer], sent: int) -> list[Buffer]:
    """Return what is left of `buffers` when their first `sent` bytes are gone."""
    for index, buffer in enumerate(buffers):
        view = memoryview(buffer)
        if sent < view.nbytes:
            return [view.cast("B")[sent:], *buffers[index + 1 :]]
        sent -= view.nbytes
    return []


def _is_own_user(connection: socket.socket) -> bool:
    """Return whether the process at the other end runs as this user, or as root."""
    if not hasattr(socket, "SO_PEERCRED"):  # macOS: the private folder alone keeps others out
        return True
    with contextlib.suppress(OSError):
        facts = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        _, user, _ = struct.unpack("3i", facts)
        return user in {os.getuid(), 0}
    return False
