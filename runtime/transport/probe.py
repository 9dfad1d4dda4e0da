"""A connection that carries nothing but heartbeats: does the process at its other end run?

libzmq's I/O thread answers heartbeats without the interpreter, so a process that computes for
minutes answers, and one that is stopped, or cut off, does not. The connection is one of its own,
with a routing id that libzmq gives: one that is dropped for silence loses no message.

It is made anew by itself. An encrypted one can only be while the peer's event loop turns; until then
it is knocked at the peer's door, and whoever answers that is reached too.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import zmq

from .knock import Knock

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ..health.detector import Bounds

_EVENTS: Final = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED

_RECONNECT_MS: Final = 100


class ZeroMQProbe:
    """Watches one peer by the heartbeats of a connected socket.

    Args:
        socket: A fresh DEALER; connected by the caller, closed by `close`.
        door: Where to knock while the connection is lost, `tcp://HOST:PORT`, or empty.
        loop: Where changes are told.
        bounds: How often to send heartbeats, and how long to wait for their answers.
        on_change: Told whether the peer answers.
        on_close: Told that the probe is closed.
    """

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        door: str,
        loop: asyncio.AbstractEventLoop,
        bounds: Bounds,
        on_change: Callable[[bool], None],
        on_close: Callable[[ZeroMQProbe], None],
    ) -> None:
        suspicion = round(bounds.suspicion * 1000)
        socket.linger = 0
        socket.heartbeat_ivl = round(bounds.heartbeat * 1000)
        socket.heartbeat_timeout = suspicion
        socket.heartbeat_ttl = 4 * suspicion  # then the peer drops its end too
        socket.reconnect_ivl = _RECONNECT_MS
        socket.connect_timeout = suspicion  # else a cut network is tried again after seconds only
        self._socket = socket
        self._door = door
        self._bounds = bounds
        self._knock: Knock | None = None
        self._until: asyncio.TimerHandle | None = None
        self._reached: bool | None = None
        self._loop = loop
        self._on_change = on_change
        self._on_close = on_close
        self._monitor = socket.get_monitor_socket(_EVENTS)
        self._watched = int(self._monitor.getsockopt(zmq.FD))
        self._closed = False
        loop.add_reader(self._watched, self._drain)
        loop.call_soon(self._drain)  # what happened before the descriptor was watched has no edge

    def close(self) -> None:
        """Watch no more."""
        if self._closed:
            return
        self._closed = True
        self._stop_knocking()
        self._loop.remove_reader(self._watched)
        self._socket.disable_monitor()
        self._monitor.close(linger=0)
        self._socket.close(linger=0)
        self._on_close(self)

    def _drain(self) -> None:
        """Tell what the monitor saw; the descriptor is edge-triggered, so until nothing is left."""
        while not self._closed:
            try:
                event, _ = self._monitor.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            connected = int.from_bytes(event[:2], sys.byteorder) == zmq.EVENT_HANDSHAKE_SUCCEEDED
            self._stop_knocking()
            if not connected and self._door:
                self._knock = Knock(self._door, self._loop, self._bounds, self._answered)
            self._tell(reached=connected)

    def _answered(self) -> None:
        """Somebody is there; for how long that is so, the next answer says."""
        if self._until is not None:
            self._until.cancel()
        pause = self._bounds.heartbeat + self._bounds.suspicion
        self._until = self._loop.call_later(pause, self._fall_silent)
        self._tell(reached=True)

    def _fall_silent(self) -> None:
        self._until = None
        self._tell(reached=False)

    def _stop_knocking(self) -> None:
        if self._knock is not None:
            self._knock.close()
            self._knock = None
        if self._until is not None:
            self._until.cancel()
            self._until = None

    def _tell(self, *, reached: bool) -> None:
        if reached is not self._reached:
            self._reached = reached
            self._on_change(reached)
