"""How a server of the Model Context Protocol is."""

from __future__ import annotations

from typing import Literal

import msgspec


class McpHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How a server is.

    Attributes:
        state: `up`; `starting`, also again; `waiting` for the next start; `stopped`.
        server: What it calls itself, or empty while it was never up.
        version: The version that it says it has.
        protocol: The revision of the protocol that is spoken with it.
        tools: How many tools it offers.
        starts: How often it was started, or connected to.
        failures: How often in a row that, or what came of it, has failed.
        garbage: Messages of it that could not be read.
        last_error: Why it was lost last, or empty.
    """

    state: Literal["starting", "up", "waiting", "stopped"]
    server: str = ""
    version: str = ""
    protocol: str = ""
    tools: int = 0
    starts: int = 0
    failures: int = 0
    garbage: int = 0
    last_error: str = ""
