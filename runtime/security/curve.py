"""CURVE on one node's sockets: every connection is encrypted, and both ends prove who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zmq

from .keys import KeyPair, keyed_endpoint
from .zap import HOLD_SECONDS, ZapHandler

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .roster import Roster

_OWNER = "User-Id"  # libzmq attaches to each frame what the ZAP handler calls its sender
_IDENTITIES_KEPT = 4_096


class CurveGuard:
    """Dresses a node's sockets, and vouches for those who connect to its inlet.

    Args:
        pair: The node's own keys.
        roster: Who may connect.

    Attributes:
        vouched: Names under which peers have been seen to send that are theirs.
    """

    def __init__(self, pair: KeyPair, roster: Roster) -> None:
        self._pair = pair
        self._roster = roster
        self._handler: ZapHandler | None = None
        self.vouched: dict[bytes, None] = {}
        roster.on_change = self._changed

    def open(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        loop: asyncio.AbstractEventLoop,
        on_refused: Callable[[bytes, str], object],
    ) -> None:
        """Begin to answer whether a key's owner may come in; until then nobody may."""
        self._handler = ZapHandler(context, loop, self._roster, on_refused)

    def close(self) -> None:
        """Answer no more."""
        if self._handler is not None:
            self._handler.close()
            self._handler = None

    def serve(self, inlet: zmq.Socket[bytes]) -> None:
        """Make a socket one that others must prove themselves to; before it is bound."""
        inlet.curve_server = True
        inlet.curve_secretkey = self._pair.secret
        inlet.zap_domain = b"passel"
        inlet.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)  # without a handler nobody comes in

    def call(self, socket: zmq.Socket[bytes], key: bytes) -> None:
        """Make a socket one that speaks to the owner of `key` alone; before it is connected.

        It gives up a handshake before the other side does, and then begins another: a peer may be
        too busy to answer, and libzmq does not always try again when it is the other side that
        hangs up.
        """
        socket.curve_serverkey = key
        socket.curve_publickey = self._pair.public
        socket.curve_secretkey = self._pair.secret
        socket.handshake_ivl = int(HOLD_SECONDS * 1000)

    def endpoint_at(self, address: str) -> str:
        """Return what others are told of a socket bound to `tcp://HOST:PORT`."""
        return keyed_endpoint(address, self._pair.public)

    def vouches(self, identity: bytes, frame: zmq.Frame) -> bool:
        """Return whether who sent `frame` is who it says it is, and remember that."""
        if not self._roster.vouches(str(frame.get(_OWNER)), identity):
            return False
        if len(self.vouched) >= _IDENTITIES_KEPT:
            self.vouched.clear()  # whoever sends again is looked at again
        self.vouched[identity] = None
        return True

    def _changed(self) -> None:
        self.vouched.clear()
        if self._handler is not None:
            self._handler.reconsider()
