"""The seam between links and sockets: an inlet to be written to, outlets to write with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from ...protocols.errors import SpawnError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from ...protocols.arrays import Buffer
    from ...protocols.control import NodeInfo
    from ..health.detector import Bounds

    OnBatch = Callable[[bytes, Buffer, Sequence[Buffer]], None]
    OnRefused = Callable[[bytes, str], object]

LINGER_SECONDS: Final = 0.5
"""How long a transport that closes may still take to send what was handed over."""

MAX_PATH_BYTES: Final = 107
"""Longest path of a Unix socket."""


class Outlet(Protocol):
    """Sends to one peer, in order."""

    def send(self, parts: list[Buffer]) -> None:
        """Send one multipart message: the batch frame, then tensor frames. Never blocks.

        The caller keeps the list, and sends it again should it be lost.
        """
        ...

    def close(self) -> None:
        """Let go of the peer; what was handed over is still sent, within a short linger."""
        ...


class Probe(Protocol):
    """Watches one peer's process."""

    def close(self) -> None:
        """Watch no more; nothing is said afterwards."""
        ...


class Transport(Protocol):
    """One node's attachment to a network."""

    @property
    def endpoint(self) -> str:
        """Where others connect to."""
        ...

    def start(self, on_batch: OnBatch, on_refused: OnRefused) -> None:
        """Begin to receive.

        Args:
            on_batch: Gets identity of the peer, batch frame, tensor frames.
            on_refused: Gets identity of the peer, as far as it is known, and why what it sent was
                not taken.
        """
        ...

    def connect(self, endpoint: str) -> Outlet:
        """Return an outlet to the node at `endpoint`; it need not be up yet.

        Raises:
            ProtocolError: That is no endpoint.
        """
        ...

    def probe(self, peer: NodeInfo, bounds: Bounds, on_change: Callable[[bool], None]) -> Probe:
        """Watch whether the process of a node runs and is reached, busy or not.

        `on_change(True)` when it begins to answer, `on_change(False)` when it has not for
        `bounds.suspicion` seconds; from the loop, never from within this call. It carries no
        messages, and the peer's inlet never shows it.

        Raises:
            ProtocolError: That is no endpoint.
        """
        ...

    def close(self) -> None:
        """Close every socket; what was handed over is still sent, within a short linger."""
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


def check_path(path: str) -> None:
    """Make sure that a Unix socket can have this path.

    Raises:
        SpawnError: It is too long.
    """
    size = len(path.encode())
    if size > MAX_PATH_BYTES:
        reason = f"its path has {size} bytes, a Unix socket takes {MAX_PATH_BYTES}"
        raise SpawnError(f"socket {path}", f"{reason}; choose a shorter run directory")
