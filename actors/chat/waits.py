"""How long things may take at an endpoint."""

from __future__ import annotations

import msgspec


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one request.

    Attributes:
        connect: Seconds for a connection.
        silence: Seconds without a byte.
        answer: Seconds for a whole answer with its turn and all its attempts, or None.
    """

    connect: float = 5.0
    silence: float = 60.0
    answer: float | None = 600.0
