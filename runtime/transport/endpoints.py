"""Endpoints: where a node binds, and which transport serves that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from ...protocols.control import MAX_BUSY_POLL_SECONDS, Network
from ...protocols.errors import SpawnError
from ..security import CurveGuard, KeyPair, split_endpoint
from .busy_poll import BusyPolledTransport
from .unix import SCHEME, UnixTransport
from .zeromq import ZeroMQTransport

if TYPE_CHECKING:
    from pathlib import Path

    from ..security import Roster
    from .seam import Transport

TRANSPORTS: Final = ("ipc", "tcp", "unix")
"""ZeroMQ over Unix sockets or tcp, and Unix sockets without ZeroMQ between."""

_WILDCARDS = {"", "*", "0.0.0.0", "::", "[::]"}  # noqa: S104  # refused, not bound


def check_network(network: Network, runtime: str) -> None:
    """Make sure that nodes can reach each other over it.

    Raises:
        SpawnError: They could not.
    """
    what = f"runtime {runtime}"
    if network.transport not in TRANSPORTS:
        choice = ", ".join(TRANSPORTS)
        raise SpawnError(what, f"transport is {network.transport!r}; choose of {choice}")
    if network.interface in _WILDCARDS:
        reason = f"interface {network.interface!r} is no place that others can connect to"
        raise SpawnError(what, f"{reason}; name an address of this host, such as 10.0.0.5")
    if not 0.0 <= network.busy_poll <= MAX_BUSY_POLL_SECONDS:
        reason = f"busy_poll is {network.busy_poll!r}; choose 0 to {MAX_BUSY_POLL_SECONDS} seconds"
        raise SpawnError(what, f"{reason}, such as 0.0001")


def place_to_bind(network: Network, directory: str | Path, name: str) -> str:
    """Return the endpoint that a node binds; its socket file, if any, is `name` in `directory`."""
    if network.transport == "tcp":
        host = network.interface
        return f"tcp://[{host}]:0" if ":" in host and host[0] != "[" else f"tcp://{host}:0"
    return f"{network.transport}://{directory}/{name}"


def network_of(endpoint: str) -> Network:
    """Return how to reach, and be reached by, the node of this host that has an endpoint."""
    address, key = split_endpoint(endpoint)
    transport, _, place = address.partition("://")
    if transport != "tcp":
        return Network(transport=transport)
    host = place.rpartition(":")[0].strip("[]")
    return Network(transport="tcp", interface=host, plain_tcp=key is None)


def open_transport(
    network: Network,
    directory: str | Path,
    node: str,
    life: int,
    *,
    roster: Roster,
    pair: KeyPair | None = None,
) -> Transport:
    """Bind an endpoint for one life of a node and return what serves it.

    Args:
        network: How others reach it.
        directory: Where its socket file goes, if it has one.
        node: Name of the node.
        life: Which life of it.
        roster: Who may connect, if connections are encrypted.
        pair: The node's keys; fresh ones by default.

    Raises:
        SpawnError: It cannot be bound.
    """
    identity = f"{node}/{life}".encode()
    bind = place_to_bind(network, directory, f"{node}.{life}")
    transport: Transport
    if bind.startswith(SCHEME):
        transport = UnixTransport(identity, bind)
    else:
        guard = CurveGuard(pair or KeyPair.generate(), roster) if network.encrypted else None
        transport = ZeroMQTransport(identity, bind, guard)
    if network.busy_poll > 0.0:
        return BusyPolledTransport(transport, asyncio.get_running_loop(), network.busy_poll)
    return transport
