"""Knocks at a peer's tcp endpoint: does anybody inside say a word?

libzmq's I/O thread sends the beginning of its greeting to whoever connects, before any handshake:
it needs neither the interpreter nor the event loop for that. A handshake of an encrypted connection
does need the loop, which says whose keys are known; so a node that computes cannot finish one, and
can still be told from one that is stopped or cut off.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ..health.detector import Bounds

_SCHEME: Final = "tcp://"


class Knock:
    """Connects again and again until it is closed.

    Args:
        address: `tcp://HOST:PORT`, with a number for the host.
        loop: Where answers are told.
        bounds: How often to knock, and how long to wait for a word.
        on_answer: Told of each answer.
    """

    def __init__(
        self,
        address: str,
        loop: asyncio.AbstractEventLoop,
        bounds: Bounds,
        on_answer: Callable[[], None],
    ) -> None:
        host, _, port = address.removeprefix(_SCHEME).rpartition(":")
        self._place = (host.strip("[]"), int(port))
        self._family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        self._loop = loop
        self._bounds = bounds
        self._on_answer = on_answer
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._connect()

    def close(self) -> None:
        """Knock no more."""
        self._hang_up()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _connect(self) -> None:
        self._hang_up()
        self._wait(self._bounds.suspicion)
        self._socket = socket.socket(self._family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.connect_ex(self._place)  # what comes of it, reading tells
        self._loop.add_reader(self._socket.fileno(), self._read)

    def _read(self) -> None:
        assert self._socket is not None, "it is watched"
        try:
            answered = bool(self._socket.recv(1))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # refused, or no way there
            answered = False
        self._hang_up()
        self._wait(self._bounds.heartbeat)
        if answered:
            self._on_answer()

    def _wait(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._connect)

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
