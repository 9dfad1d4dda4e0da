"""The ZeroMQ transport: one ROUTER to be written to, one DEALER for each peer written to.

Each socket is used in one direction only. So the loop watches just the ROUTER, and no send can
swallow the edge that announces a message (libzmq's descriptor is edge-triggered per socket).
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

import zmq

from ...protocols.errors import ProtocolError, SpawnError
from ...protocols.limits import MAX_FRAME_BYTES
from ...protocols.log import log
from ..security.keys import split_endpoint
from .probe import ZeroMQProbe
from .seam import LINGER_SECONDS, check_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocols.arrays import Buffer
    from ...protocols.control import NodeInfo
    from ..health.detector import Bounds
    from ..security import CurveGuard
    from .seam import OnBatch, OnRefused

HIGH_WATER_MARK: Final = 1_000
"""Multipart messages that a socket holds; what it refuses waits in the outlet."""

ZERO_COPY_BYTES: Final = 64 << 10
"""Frames of this size and above are handed to libzmq without a copy."""

HANDSHAKE_MS: Final = 15_000
"""Milliseconds that somebody who connects has for ZeroMQ's handshake."""

CONNECTIONS_WAITING: Final = 1_024
"""Connections that the kernel holds until libzmq takes them; a large runtime begins all at once."""

MAX_GREETING_BYTES: Final = 64 << 10
"""Most bytes that a socket which only sends takes from its peer: the handshake's are few."""

_BATCHES_PER_TURN = 64
_RETRY_SECONDS = 0.001


class ZeroMQTransport:
    """Sockets of one node.

    Args:
        identity: What peers know the node by: `name/life`.
        bind: `ipc://PATH`, or `tcp://HOST:0` for a port that the system chooses.
        guard: Encrypts its connections and says who may make one; None for plain ones.

    Raises:
        SpawnError: The endpoint cannot be bound.
    """

    def __init__(self, identity: bytes, bind: str, guard: CurveGuard | None = None) -> None:
        path = bind.removeprefix("ipc://")
        if path != bind:
            check_path(path)
        self._identity = identity
        self._guard = guard
        self._context = zmq.Context(io_threads=1)
        self._context.max_sockets = 16_384
        self._outlets: set[ZeroMQOutlet] = set()
        self._probes: dict[ZeroMQProbe, None] = {}
        self._inlet = self._socket(zmq.ROUTER)
        self._inlet.router_mandatory = True
        self._inlet.router_handover = False  # nobody takes over a name while its owner is connected
        self._inlet.maxmsgsize = MAX_FRAME_BYTES
        self._inlet.handshake_ivl = HANDSHAKE_MS
        self._inlet.backlog = CONNECTIONS_WAITING
        self._inlet.ipv6 = is_ipv6(bind)
        if guard is not None:
            guard.serve(self._inlet)
        try:
            self._inlet.bind(bind)
        except zmq.ZMQError as error:
            self._context.destroy(linger=0)
            raise SpawnError(f"socket {bind}", str(error)) from None
        self._address = self._inlet.getsockopt_string(zmq.LAST_ENDPOINT)
        if path != bind:
            Path(path).chmod(0o600)
        self._loop = asyncio.get_running_loop()
        self._on_batch: OnBatch | None = None
        self._on_refused: OnRefused | None = None
        self._watched: int | None = None

    @property
    def endpoint(self) -> str:
        """Where others connect to."""
        return self._address if self._guard is None else self._guard.endpoint_at(self._address)

    def start(self, on_batch: OnBatch, on_refused: OnRefused) -> None:
        """Watch the inlet from now on."""
        if self._guard is not None:
            self._guard.open(self._context, self._loop, on_refused)
        self._on_refused = on_refused
        self._on_batch = on_batch
        self._watched = int(self._inlet.getsockopt(zmq.FD))
        self._loop.add_reader(self._watched, self._drain)
        self._loop.call_soon(self._drain)

    def connect(self, endpoint: str) -> ZeroMQOutlet:
        """Return an outlet to the node at `endpoint`.

        Raises:
            ProtocolError: That is no endpoint.
        """
        socket = self._socket(zmq.DEALER)
        socket.routing_id = self._identity + b"/" + os.urandom(8).hex().encode()
        try:
            self._dial(socket, endpoint)
        except ProtocolError:
            socket.close(linger=0)
            raise
        outlet = ZeroMQOutlet(socket, self._loop, self._outlets.discard)
        self._outlets.add(outlet)
        return outlet

    def probe(
        self, peer: NodeInfo, bounds: Bounds, on_change: Callable[[bool], None]
    ) -> ZeroMQProbe:
        """Watch whether the process of a node answers heartbeats.

        Raises:
            ProtocolError: That is no endpoint.
        """
        socket = self._socket(zmq.DEALER)
        address, key = split_endpoint(peer.endpoint)
        door = address if key is not None else ""
        probe = ZeroMQProbe(socket, door, self._loop, bounds, on_change, self._forget_probe)
        try:
            self._dial(socket, peer.endpoint)
        except ProtocolError:
            probe.close()
            raise
        self._probes[probe] = None
        return probe

    def _dial(self, socket: zmq.Socket[bytes], endpoint: str) -> None:
        address, key = split_endpoint(endpoint)
        if (key is None) != (self._guard is None):
            how = "plain" if key is None else "encrypted"
            raise ProtocolError(f"endpoint {endpoint!r} is {how}, and this node's are not")
        if self._guard is not None and key is not None:
            self._guard.call(socket, key)
        socket.ipv6 = is_ipv6(address)
        try:
            socket.connect(address)
        except zmq.ZMQError as error:
            raise ProtocolError(f"endpoint {endpoint!r}: {error}") from None

    def _forget_probe(self, probe: ZeroMQProbe) -> None:
        self._probes.pop(probe, None)

    def close(self) -> None:
        """Close every socket and remove the socket file."""
        if self._watched is not None:
            self._loop.remove_reader(self._watched)
            self._watched = None
        self._on_batch = None
        for probe in list(self._probes):
            probe.close()
        if self._guard is not None:
            self._guard.close()
        for outlet in list(self._outlets):
            outlet.close()
        self._inlet.close(linger=0)
        self._context.term()
        path = self._address.removeprefix("ipc://")
        if path != self._address:
            Path(path).unlink(missing_ok=True)

    def _socket(self, kind: int) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self._context.socket(kind)
        socket.linger = int(LINGER_SECONDS * 1000)
        socket.sndhwm = socket.rcvhwm = HIGH_WATER_MARK
        if kind == zmq.DEALER:  # nobody has anything to say on a socket that only sends
            socket.rcvhwm = 1
            socket.maxmsgsize = MAX_GREETING_BYTES
        return socket

    def _drain(self) -> None:
        """Receive until nothing is left, but let the loop turn now and then."""
        inlet, on_batch = self._inlet, self._on_batch
        if on_batch is None:
            return
        vouched = None if self._guard is None else self._guard.vouched
        for _ in range(_BATCHES_PER_TURN):
            try:
                identity = inlet.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            if vouched is None or identity in vouched:
                batch: Buffer = inlet.recv(zmq.NOBLOCK)  # a peer's message has one part at least
                known = True
            else:
                batch, known = self._first_from(identity)
            frames: list[Buffer] = []
            while inlet.getsockopt(zmq.RCVMORE):
                frames.append(inlet.recv(zmq.NOBLOCK, copy=False).buffer)
            if not known:
                continue
            try:
                on_batch(identity, batch, frames)
            except Exception as error:  # noqa: BLE001  # else the socket's edge would be lost
                log.error("batch failed", peer=identity.decode(errors="replace"), exc_info=error)
            if self._on_batch is None:  # closed by what came
                return
            if not int(inlet.getsockopt(zmq.EVENTS)) & zmq.POLLIN:  # cheaper than zmq.Again
                return
        self._loop.call_soon(self._drain)

    def _first_from(self, identity: bytes) -> tuple[Buffer, bool]:
        """Return a batch frame, and whether its sender is who it says it is."""
        assert self._guard is not None, "plain peers say what they like until the handshake"
        assert self._on_refused is not None, "it was started"
        frame = self._inlet.recv(zmq.NOBLOCK, copy=False)
        known = self._guard.vouches(identity, frame)
        if not known:
            self._on_refused(identity, "its key is not that node's")
        return frame.bytes, known


def is_ipv6(address: str) -> bool:
    """Return whether an address needs a socket that also speaks IPv6; others are better off without."""
    return address.startswith("tcp://[")


class ZeroMQOutlet:
    """Sends to one peer; what the socket refuses at its high-water mark waits here, in order."""

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        loop: asyncio.AbstractEventLoop,
        on_close: Callable[[ZeroMQOutlet], None],
    ) -> None:
        self._socket = socket
        self._loop = loop
        self._on_close = on_close
        self._backlog: deque[list[Buffer]] = deque()
        self._retry: asyncio.TimerHandle | None = None

    def send(self, parts: list[Buffer]) -> None:
        """Send, or queue behind what waits already."""
        if self._backlog or not self._try(parts):
            self._backlog.append(parts)
            if self._retry is None:
                self._retry = self._loop.call_later(_RETRY_SECONDS, self._again)

    def close(self) -> None:
        """Close the socket; it lingers for what it has taken."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        while self._backlog and self._try(self._backlog[0]):
            self._backlog.popleft()
        if self._backlog:
            log.warning("batches were left behind a full socket", batches=len(self._backlog))
        if not self._socket.closed:
            self._socket.close()
        self._on_close(self)

    def _try(self, parts: list[Buffer]) -> bool:
        try:
            if len(parts) == 1:
                self._socket.send(parts[0], zmq.NOBLOCK)
            else:
                self._socket.send(parts[0], zmq.NOBLOCK | zmq.SNDMORE)
                for part in parts[1:-1]:
                    self._send_part(part, zmq.SNDMORE)
                self._send_part(parts[-1], 0)
        except zmq.Again:
            return False
        return True

    def _send_part(self, part: Buffer, flags: int) -> None:
        zero_copy = memoryview(part).nbytes >= ZERO_COPY_BYTES
        self._socket.send(part, flags | zmq.NOBLOCK, copy=not zero_copy)

    def _again(self) -> None:
        self._retry = None
        while self._backlog and self._try(self._backlog[0]):
            self._backlog.popleft()
        if self._backlog:
            self._retry = self._loop.call_later(_RETRY_SECONDS, self._again)
