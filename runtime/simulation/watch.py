"""Watches the nodes of a simulated world: what every runtime promises is checked at each step.

What it goes by is told by the senders and cells in `watched.py`.
"""

from __future__ import annotations

from collections.abc import Hashable  # noqa: TC003  # likewise
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..node.sending import Sending  # noqa: TC001  # a dataclass field's type, as those below
from .ledger import Ledger
from .loop import KERNEL, Handle
from .process import SimulatedProcess  # noqa: TC001

if TYPE_CHECKING:
    from collections import deque

    from ..node.node import Node
    from .loop import SimulatedLoop
    from .trace import Trace
    from .watched import WatchedCell

LATE_SECONDS: Final = 1.0
"""How much later than its deadline an ask may end, in virtual seconds."""


MESSAGES_KEPT: Final = 10_000
"""Messages of which it is remembered what became of them; an older one is not expected again."""


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not be: which invariant, and what happened, when."""

    invariant: str
    what: str
    at: float


@dataclass(slots=True)
class OpenCall:
    """An ask, or a tell that is awaited, that has not ended.

    Attributes:
        process: Who waits.
        is_ask: Whether it is an ask.
        sending: What was sent first, once it was.
        due: By when it ends, if it has a deadline.
        alarm: Raised when it has not.
    """

    process: SimulatedProcess
    is_ask: bool
    sending: Sending | None = None
    due: float | None = None
    alarm: Handle | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was sent, by whom, and whether for the first time."""

    sending: Sending
    process: SimulatedProcess
    is_first: bool


class Watch:
    """Takes note of all nodes of a world and checks what holds for every runtime.

    Attributes:
        nodes: The nodes that live, by process.
        violation: The first thing that must not be; the world stands still from then on.
        messages: Messages handled so far.
        asks: Asks that have ended.
        failed_asks: How many of them with an error, by its class.
        ledger: What durable actors have promised.
    """

    def __init__(self, loop: SimulatedLoop, trace: Trace) -> None:
        self.nodes: dict[SimulatedProcess, Node] = {}
        self.violation: Violation | None = None
        self.messages = 0
        self.asks = 0
        self.failed_asks: dict[str, int] = {}
        self._loop = loop
        self._trace = trace
        self.ledger = Ledger(self.fail, self._lives)
        self._numbers = 0
        self._order: dict[Hashable, int] = {}
        self._handled: dict[bytes, str] = {}
        self._sent: dict[bytes, Sent] = {}

    def fail(self, invariant: str, what: str) -> None:
        """Tell that an invariant does not hold; the run ends here."""
        if self.violation is None:
            self.violation = Violation(invariant, what, self._loop.now)
            self._trace.note("VIOLATION", f"{invariant}: {what}")
            self._loop.halt()

    def add(self, node: Node, process: SimulatedProcess) -> None:
        """A node lives in a process from now on."""
        self.nodes[process] = node

    def remove(self, process: SimulatedProcess) -> None:
        """A node's process has ended."""
        self.nodes.pop(process, None)

    def _lives(self, actor: str) -> bool:
        return any(actor in node.cells for node in self.nodes.values())

    # What the watched sender and cells tell.

    def number(self, sending: Sending, process: SimulatedProcess, *, is_first: bool) -> None:
        """Give a message its place among all that were ever sent."""
        self._numbers += 1
        sending.trace = number = self._numbers.to_bytes(16, "big")
        self._sent[number] = Sent(sending, process, is_first)
        _bound(self._sent)

    def begin(self, call: OpenCall, sending: Sending) -> None:
        """A call is on its way."""
        call.sending = sending
        if sending.deadline is None:
            return
        call.due = self._loop.now + sending.deadline - call.process.now()
        at = call.due + LATE_SECONDS
        call.alarm = self._loop.call_at(at, self._overdue, call, context=KERNEL)

    def end(self, call: OpenCall, error: BaseException | None) -> None:
        """A call has ended."""
        if call.is_ask:
            self.asks += 1
            if error is not None:
                name = type(error).__name__
                self.failed_asks[name] = self.failed_asks.get(name, 0) + 1
                what = call.sending.what if call.sending is not None else "an ask"
                self._trace.note("failed", f"{what} from {call.process!r}: {name}")
        if call.alarm is not None:
            call.alarm.cancel()

    def _overdue(self, call: OpenCall) -> None:
        process = call.process
        if process.dead:
            return
        now = self._loop.now
        if process.is_disturbed or process.resumed_at + LATE_SECONDS > now:
            at = now + LATE_SECONDS
            call.alarm = self._loop.call_at(at, self._overdue, call, context=KERNEL)
            return
        assert call.sending is not None, "it has begun"
        assert call.sending.deadline is not None, "it has a deadline"
        left = call.sending.deadline + LATE_SECONDS - process.now()
        if left > 0.0:  # its clock runs slowly
            at = now + left + LATE_SECONDS / 10
            call.alarm = self._loop.call_at(at, self._overdue, call, context=KERNEL)
            return
        late = f"{call.sending.what} from {process!r} was due at {call.due:.3f} and has not ended"
        self.fail("every ask ends by its deadline", late)

    def handled(self, cell: WatchedCell, request: Any) -> None:
        """A message comes to its handler."""
        self.messages += 1
        if cell.durable is not None and not request.spec.concurrent:
            return  # it may be handled again: what counts is what is written of it
        message = request.trace
        what = f"{request.spec.name} from {request.source} to {cell.key}"
        before = self._handled.get(message)
        if before is not None:
            self.fail("no message is handled twice", f"{what}, and before by {before}")
        self._handled[message] = cell.key
        _bound(self._handled)
        sent = self._sent.get(message)
        incarnation = cell.address.incarnation
        if sent is not None and sent.sending.target.address.incarnation != incarnation:
            self.fail("a message is handled by the life that it was sent to", what)
        edge = None if request.spec.concurrent else self.edge(message, request.source, cell)
        if edge is None:
            return
        last = self._order.get(edge, 0)
        number = int.from_bytes(message, "big")
        if number < last:
            order = f"it was sent as number {number}, and {last} was handled before"
            self.fail("messages keep their order", f"{what}: {order}")
        self._order[edge] = number

    def edge(self, message: bytes, source: str, cell: WatchedCell) -> Hashable | None:
        """Return whose messages to whom keep their order; None for what was sent again."""
        sent = self._sent.get(message)
        if sent is None or not sent.is_first:
            return None
        return sent.process, source, cell.process, cell.address

    def restarted(self, cell: WatchedCell, times: deque[float]) -> None:
        """An actor starts again after a failure."""
        limits = cell.limits
        now = self._loop.now
        times.append(now)
        while times and times[0] <= now - limits.within:
            times.popleft()
        if len(times) > limits.max_restarts:
            what = f"{cell.key} restarts {len(times)} times in {limits.within:g} s"
            self.fail("restarts keep to their limit", f"{what}, {limits.max_restarts} are allowed")


def _bound(notes: dict[bytes, Any]) -> None:
    """Drop the oldest note when there are too many."""
    if len(notes) > MESSAGES_KEPT:
        del notes[next(iter(notes))]
