"""Endpoints: where a node binds, and which transport serves that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .unix import SCHEME, UnixTransport
from .zeromq import ZeroMQTransport

if TYPE_CHECKING:
    from pathlib import Path

    from .transport import Transport

TRANSPORTS: Final = ("ipc", "tcp", "unix")
"""ZeroMQ over Unix sockets or tcp, and Unix sockets without ZeroMQ between."""


def place_to_bind(transport: str, directory: str | Path, name: str) -> str:
    """Return the endpoint that a node binds; its socket file, if any, is `name` in `directory`."""
    if transport == "tcp":
        return "tcp://127.0.0.1:0"
    return f"{transport}://{directory}/{name}"


def transport_of(endpoint: str) -> str:
    """Return which transport an endpoint belongs to."""
    return endpoint.partition("://")[0]


def open_transport(identity: bytes, bind: str) -> Transport:
    """Bind an endpoint and return what serves it.

    Raises:
        SpawnError: It cannot be bound.
    """
    if bind.startswith(SCHEME):
        return UnixTransport(identity, bind)
    return ZeroMQTransport(identity, bind)
