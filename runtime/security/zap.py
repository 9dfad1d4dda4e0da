"""The ZAP handler: libzmq asks it, for each new connection, whether a key's owner may come in.

It lives in the node's event loop, on a plain socket (RFC 27: ROUTER at `inproc://zeromq.zap.01`):
nothing is asked for a message, only for a connection, and no thread takes turns with the loop.

An unknown key is not refused at once: it may belong to a node whose news is still on its way, and
libzmq does not reliably try again after a refusal. Such a request is held until the key is known;
held for too long, or by too many, it is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import zmq

from .roster import Admission

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .roster import Roster

HOLD_SECONDS: Final = 5.0
"""How long an unknown key may become known; as long as a connecting node waits."""

HELD_AT_ONCE: Final = 256
"""How many unknown keys are held; beyond that the one held longest is refused."""

_ENDPOINT = "inproc://zeromq.zap.01"
_VERSION = b"1.0"
_REQUESTS_PER_TURN = 32
_MECHANISM = b"CURVE"
_PARTS = 9  # peer, delimiter, version, request, domain, address, identity, mechanism, key


class _Request(NamedTuple):
    peer: bytes
    number: bytes
    address: bytes
    key: bytes


class ZapHandler:
    """Answers for one context's sockets.

    Args:
        context: The sockets' context.
        loop: Where it lives.
        roster: Who may connect.
        on_refused: Gets the address of whom it refused, and why.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        loop: asyncio.AbstractEventLoop,
        roster: Roster,
        on_refused: Callable[[bytes, str], object],
    ) -> None:
        self._loop = loop
        self._roster = roster
        self._on_refused = on_refused
        self._held: dict[_Request, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._socket: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.bind(_ENDPOINT)
        self._watched = int(self._socket.getsockopt(zmq.FD))
        loop.add_reader(self._watched, self._drain)

    def close(self) -> None:
        """Answer no more."""
        self._loop.remove_reader(self._watched)
        if self._timer is not None:
            self._timer.cancel()
        self._held.clear()
        self._socket.close(linger=0)

    def reconsider(self) -> None:
        """The roster has changed: answer what was held for that."""
        for request in list(self._held):
            admission, owner = self._roster.judge(request.key)
            if admission is not Admission.UNKNOWN:
                del self._held[request]
                self._answer(request, admission, owner)

    def _drain(self) -> None:
        """Take requests until none is left, but let the loop turn now and then."""
        for _ in range(_REQUESTS_PER_TURN):
            if self._socket.closed:
                return
            try:
                parts = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._take(parts)
        self._loop.call_soon(self._drain)

    def _take(self, parts: list[bytes]) -> None:
        if len(parts) != _PARTS or parts[2] != _VERSION or parts[7] != _MECHANISM:
            return  # libzmq lets nobody in whom it gets no answer for
        request = _Request(parts[0], parts[3], parts[5], parts[8])
        admission, owner = self._roster.judge(request.key)
        if admission is Admission.UNKNOWN:
            self._hold(request)
        else:
            self._answer(request, admission, owner)

    def _hold(self, request: _Request) -> None:
        if len(self._held) >= HELD_AT_ONCE:
            longest = next(iter(self._held))
            del self._held[longest]
            self._answer(longest, Admission.UNKNOWN, "")
        self._held[request] = self._loop.time() + HOLD_SECONDS
        if self._timer is None:
            self._timer = self._loop.call_later(HOLD_SECONDS, self._expire)

    def _expire(self) -> None:
        """Refuse what was held for long enough."""
        self._timer = None
        now = self._loop.time()
        for request, until in list(self._held.items()):
            if until > now:
                self._timer = self._loop.call_at(until, self._expire)
                return
            del self._held[request]
            self._answer(request, Admission.UNKNOWN, "")

    def _answer(self, request: _Request, admission: Admission, owner: str) -> None:
        welcome = admission is Admission.WELCOME
        status, words = (b"200", b"OK") if welcome else (b"400", b"not of this runtime")
        reply = [request.peer, b"", _VERSION, request.number, status, words, owner.encode(), b""]
        self._socket.send_multipart(reply, zmq.NOBLOCK)  # who has gone meanwhile is skipped
        if not welcome:
            known = admission is Admission.REFUSED
            reason = "its life is over" if known else "no node of this runtime has its key"
            self._on_refused(request.address, reason)
