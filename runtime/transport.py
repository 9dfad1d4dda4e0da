"""The seam between links and sockets: an inlet to be written to, outlets to write with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from ..protocols.arrays import Buffer

    OnBatch = Callable[[bytes, bytes, Sequence[Buffer]], None]


class Outlet(Protocol):
    """Sends to one peer, in order."""

    def send(self, parts: list[Buffer]) -> None:
        """Send one multipart message: the batch frame, then tensor frames. Never blocks."""
        ...

    def close(self) -> None:
        """Let go of the peer; what was handed over is still sent, within a short linger."""
        ...


class Transport(Protocol):
    """One node's attachment to a network."""

    @property
    def endpoint(self) -> str:
        """Where others connect to."""
        ...

    def start(self, on_batch: OnBatch) -> None:
        """Begin to receive: `on_batch(identity of the peer, batch frame, tensor frames)`."""
        ...

    def connect(self, endpoint: str) -> Outlet:
        """Return an outlet to the node at `endpoint`; it need not be up yet.

        Raises:
            ProtocolError: That is no endpoint.
        """
        ...

    def close(self) -> None:
        """Close every socket."""
        ...


class LoopbackOutlet:
    """Sends to its own node: what `isolate` uses, so that each message is encoded all the same."""

    def __init__(self, loop: asyncio.AbstractEventLoop, identity: bytes, on_batch: OnBatch) -> None:
        self._loop = loop
        self._identity = identity
        self._on_batch = on_batch

    def send(self, parts: list[Buffer]) -> None:
        """Deliver in the next turn of the loop."""
        batch, *frames = parts
        self._loop.call_soon(self._on_batch, self._identity, bytes(batch), frames)

    def close(self) -> None:
        """There is nothing to close."""
