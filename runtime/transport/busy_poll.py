"""Busy polling: a loop that looks again and again for a while, instead of being woken.

To wake a core that sleeps takes tens of microseconds, on a virtual machine most of an ask. After each
batch that a node takes or sends, its loop stays awake for `Network.busy_poll` seconds: whoever answers
within them is heard at once. It costs a core for so long, and helps where every node has one.
"""

from __future__ import annotations

import time
from contextvars import Context
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from ...protocols.arrays import Buffer
    from ...protocols.control import NodeInfo
    from ..health.detector import Bounds
    from .seam import OnBatch, OnRefused, Outlet, Probe, Transport

MOST_LEFT_OUT: Final = 63
"""Occasions that are left out, at most, before it is tried again whether watching pays."""


class BusyPoll:
    """Keeps a loop from sleeping for some seconds after traffic, as long as that pays.

    A callback that puts itself into the loop's next turn makes each turn look at the sockets without
    waiting; what is ready runs in between, as it always does. When a whole watch brings nothing, the
    next occasions are left out, twice as many each time; when one does, none is.

    Args:
        loop: The node's event loop.
        seconds: How long it stays awake after the latest traffic.
        now: The clock; not the loop's, which may stand still while a callback runs.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        seconds: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._now = now
        self._context = Context()  # not that of whoever happens to send: it would be kept alive
        self._ended = False
        self._until = 0.0
        self._watching = False
        self._paid = False
        self._backoff = 0
        self._left_out = 0

    def sent(self) -> None:
        """Something was sent: perhaps it is answered soon."""
        if not self._watching:
            self._begin()
        elif not self._ended:
            self._until = self._now() + self._seconds

    def arrived(self) -> None:
        """Something came: perhaps more does."""
        if not self._watching:
            self._begin()
        elif not self._ended:
            self._until = self._now() + self._seconds
            self._paid = True
            self._backoff = 0

    def end(self) -> None:
        """Let the loop sleep from now on, whatever is still sent."""
        self._ended = True
        self._until = 0.0

    def _begin(self) -> None:
        if self._ended:
            return
        if self._left_out < self._backoff:
            self._left_out += 1
            return
        self._left_out = 0
        self._until = self._now() + self._seconds
        self._watching = True
        self._paid = False
        self._loop.call_soon(self._turn, context=self._context)

    def _turn(self) -> None:
        if self._now() < self._until:
            self._loop.call_soon(self._turn, context=self._context)
            return
        self._watching = False
        if not self._paid:
            self._backoff = min(2 * self._backoff + 1, MOST_LEFT_OUT)


class BusyPolledTransport:
    """A transport whose traffic keeps the loop awake."""

    def __init__(
        self, transport: Transport, loop: asyncio.AbstractEventLoop, seconds: float
    ) -> None:
        self._transport = transport
        self._poll = BusyPoll(loop, seconds)

    @property
    def endpoint(self) -> str:
        """Where others connect to."""
        return self._transport.endpoint

    def start(self, on_batch: OnBatch, on_refused: OnRefused) -> None:
        """Begin to receive; what comes keeps the loop awake."""
        arrived = self._poll.arrived

        def received(identity: bytes, batch: Buffer, frames: Sequence[Buffer]) -> None:
            arrived()
            on_batch(identity, batch, frames)

        self._transport.start(received, on_refused)

    def connect(self, endpoint: str) -> BusyPolledOutlet:
        """Return an outlet to the node at `endpoint`.

        Raises:
            ProtocolError: That is no endpoint.
        """
        return BusyPolledOutlet(self._transport.connect(endpoint), self._poll)

    def probe(self, peer: NodeInfo, bounds: Bounds, on_change: Callable[[bool], None]) -> Probe:
        """Watch whether the process of a node runs; heartbeats keep nobody awake.

        Raises:
            ProtocolError: That is no endpoint.
        """
        return self._transport.probe(peer, bounds, on_change)

    def close(self) -> None:
        """Close every socket, and let the loop sleep."""
        self._poll.end()
        self._transport.close()


class BusyPolledOutlet:
    """An outlet after whose sending the loop stays awake for the answer."""

    def __init__(self, outlet: Outlet, poll: BusyPoll) -> None:
        self._outlet = outlet
        self._poll = poll

    def send(self, parts: list[Buffer]) -> None:
        """Send one multipart message."""
        self._outlet.send(parts)
        self._poll.sent()

    def close(self) -> None:
        """Let go of the peer."""
        self._outlet.close()
