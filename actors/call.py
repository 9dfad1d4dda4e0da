"""The call that is being handled: who asked, until when, on behalf of whom.

One of the two context variables of the package (the other is structlog's). An ask made while a
message is handled inherits the message's deadline, chain and trace from here.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final


class Call:
    """The circumstances of the message at hand.

    Attributes:
        source: Address text of the actor that handles it.
        deadline: The node's monotonic time by which the whole chain must end, or None.
        chain: Addresses of the actors that wait, outermost first, joined by spaces; the
            handling actor is the last of them when someone waits for its answer.
        trace: Trace id of 16 bytes and, with OpenTelemetry, the span and its flags; or empty.
    """

    __slots__ = ("chain", "deadline", "source", "trace")

    def __init__(self, source: str, deadline: float | None, chain: str, trace: bytes) -> None:
        self.source = source
        self.deadline = deadline
        self.chain = chain
        self.trace = trace


CURRENT_CALL: Final[ContextVar[Call | None]] = ContextVar("passel_call", default=None)
"""The call that the running task handles; None in a program outside any actor."""
