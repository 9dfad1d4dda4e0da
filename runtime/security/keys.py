"""Keys, and endpoints that say whom one will find there.

A node's endpoint over encrypted tcp is `curve://HOST:PORT/KEY`: who knows where a node is also
knows its public key, and reaches nobody else by mistake.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import zmq
from zmq.utils import z85

from ...protocols.errors import ProtocolError, SpawnError

SCHEME: Final = "curve://"

KEY_BYTES: Final = 32
"""Length of a key; in text it is written as twice as many hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key pair for CURVE; the private half is in no text that is made of it.

    Attributes:
        public: What others know the owner by.
        secret: What proves it; it stays in the process that made it.
    """

    public: bytes
    secret: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> KeyPair:
        """Return a fresh pair.

        Raises:
            SpawnError: The ZeroMQ library at hand was built without encryption.
        """
        if not zmq.has("curve"):
            reason = "libzmq was built without CURVE; install pyzmq's wheel"
            raise SpawnError("encryption", f"{reason}, or say plain_tcp=True to go without it")
        public, secret = zmq.curve_keypair()
        return cls(_raw(public), _raw(secret))

    @classmethod
    def of(cls, secret: bytes) -> KeyPair:
        """Return the pair that a private key is half of."""
        return cls(_raw(zmq.curve_public(z85.encode(secret))), secret)


def keyed_endpoint(address: str, public: bytes) -> str:
    """Return the endpoint of the owner of a key who is bound to `tcp://HOST:PORT`."""
    return f"{SCHEME}{address.removeprefix('tcp://')}/{public.hex()}"


def split_endpoint(endpoint: str) -> tuple[str, bytes | None]:
    """Return the address that a socket connects to, and the key that answers there, if any.

    Raises:
        ProtocolError: It should have a key and has none.
    """
    if not endpoint.startswith(SCHEME):
        return endpoint, None
    place, _, key = endpoint.removeprefix(SCHEME).rpartition("/")
    try:
        public = bytes.fromhex(key)
    except ValueError:
        public = b""
    if not place or len(public) != KEY_BYTES:
        raise ProtocolError(f"endpoint {endpoint!r} has no key of {KEY_BYTES} bytes at its end")
    return f"tcp://{place}", public


def _raw(printable: bytes) -> bytes:
    """Return the bytes of a key that libzmq gives as text."""
    decoded: bytes = z85.decode(printable)
    return decoded
