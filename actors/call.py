"""The call that is being handled: who asked, until when, on behalf of whom.

One of the two context variables of the package (the other is structlog's). An ask made while a
message is handled inherits the message's deadline, chain and trace from here.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from .ref import AnySpec, Reference


class Transaction(Protocol):
    """What the handler of a durable actor does to others, held back until it is written."""

    @property
    def open(self) -> bool:
        """Whether the handler still runs; what is sent later is sent at once."""
        ...

    def post(self, ref: Reference, spec: AnySpec, arguments: tuple[Any, ...]) -> None:
        """Send a tell once the message's outcome is written."""
        ...

    def key_for(self, target: str, method: str) -> str:
        """Return the key of the next call, the same when the message is handled again."""
        ...

    def afterwards(self, what: Callable[[], None]) -> None:
        """Call `what` once the message's outcome is written."""
        ...

    async def until_written(self) -> None:
        """Wait until all that the actor's state is built on is written."""
        ...


class Call:
    """The circumstances of the message at hand.

    Attributes:
        source: Address text of the actor that handles it.
        deadline: The node's monotonic time by which the whole chain must end, or None.
        chain: Addresses of the actors that wait, outermost first, joined by spaces; the
            handling actor is the last of them when someone waits for its answer.
        trace: Trace id of 16 bytes and, with OpenTelemetry, the span and its flags; or empty.
        transaction: Holds back what a durable actor's handler sends; None for other actors.
    """

    __slots__ = ("chain", "deadline", "source", "trace", "transaction")

    def __init__(
        self,
        source: str,
        deadline: float | None,
        chain: str,
        trace: bytes,
        transaction: Transaction | None = None,
    ) -> None:
        self.source = source
        self.deadline = deadline
        self.chain = chain
        self.trace = trace
        self.transaction = transaction


CURRENT_CALL: Final[ContextVar[Call | None]] = ContextVar("passel_call", default=None)
"""The call that the running task handles; None in a program outside any actor."""
