"""What a server's lines say of its start. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_PHASES: Final = (
    (re.compile(r"Application startup complete"), "serving"),
    (re.compile(r"Starting vLLM (API )?server|Started server process"), "opening the server"),
    (re.compile(r"[Ww]arm(ing)? ?up"), "warming up"),
    (re.compile(r"[Cc]apturing .*graph"), "capturing graphs"),
    (re.compile(r"torch\.compile|Compiling|Dynamo bytecode"), "compiling"),
    (re.compile(r"KV cache size|# (GPU|CPU) blocks"), "sizing the cache"),
    (
        re.compile(r"[Ll]oading .*(weights|checkpoint|model)|Starting to load model"),
        "loading weights",
    ),
    (re.compile(r"Initializing a V\d LLM engine|Resolved architecture"), "starting the engine"),
)

_PORT_TAKEN: Final = re.compile(r"address already in use|\bEADDRINUSE\b", re.IGNORECASE)


def phase_of(line: str) -> str | None:
    """Return which part of a server's start a line of its log belongs to, if it says so."""
    return next((phase for pattern, phase in _PHASES if pattern.search(line)), None)


def tell_of_a_taken_port(lines: Iterable[str]) -> bool:
    """Return whether a server's last lines say that somebody else has the port that it wants."""
    return any(_PORT_TAKEN.search(line) for line in lines)
