"""Watches the nodes of a simulated world: what every runtime promises is checked at each step.

A node lets its sender and the class of its cells be replaced; those put here note what is asked,
told and handled, and change nothing of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from ..node.cell import Cell
from ..node.keyed import Keyed
from ..node.sender import NodeSender
from ..node.sending import ASK
from .loop import KERNEL, Handle
from .process import SimulatedProcess  # noqa: TC001  # a dataclass field's type

if TYPE_CHECKING:
    from ..node.node import Node
    from ..node.sending import Sending
    from .loop import SimulatedLoop
    from .trace import Trace

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
class OpenAsk:
    """An ask that has not ended."""

    process: SimulatedProcess
    what: str = ""
    due: float | None = None
    alarm: Handle | None = None


class Watch:
    """Takes note of all nodes of a world and checks what holds for every runtime.

    Attributes:
        nodes: The nodes that live, by process.
        violation: The first thing that must not be; the world stands still from then on.
        messages: Messages handled so far.
        asks: Asks that have ended.
        failed_asks: How many of them with an error, by its class.
    """

    def __init__(self, loop: SimulatedLoop, trace: Trace) -> None:
        self.nodes: dict[SimulatedProcess, Node] = {}
        self.violation: Violation | None = None
        self.messages = 0
        self.asks = 0
        self.failed_asks: dict[str, int] = {}
        self._loop = loop
        self._trace = trace
        self._numbers = 0
        self._order: dict[tuple[str, str], int] = {}
        self._handled: dict[bytes, str] = {}
        self._sent: dict[bytes, Sending] = {}

    def fail(self, invariant: str, what: str) -> None:
        """Tell that an invariant does not hold; the run ends here."""
        if self.violation is None:
            self.violation = Violation(invariant, what, self._loop.time())
            self._trace.note("VIOLATION", f"{invariant}: {what}")
            self._loop.halt()

    def add(self, node: Node, process: SimulatedProcess) -> None:
        """Watch a node from its first moment on."""
        self.nodes[process] = node
        node.sender = WatchedSender(node, self, process)
        node.cell_class = WatchedCell

    def remove(self, process: SimulatedProcess) -> None:
        """A node's process has ended."""
        self.nodes.pop(process, None)

    # What the watched sender and cells tell.

    def number(self, sending: Sending) -> None:
        """Give a message its place among all that were ever sent."""
        self._numbers += 1
        sending.trace = number = self._numbers.to_bytes(16, "big")
        self._sent[number] = sending
        _bound(self._sent)

    def begin(self, ask: OpenAsk, sending: Sending) -> None:
        """An ask is on its way."""
        if sending.deadline is None:
            return
        ask.what = sending.what
        ask.due = self._loop.time() + sending.deadline - ask.process.now()
        ask.alarm = self._loop.call_at(ask.due + LATE_SECONDS, self._overdue, ask, context=KERNEL)

    def end(self, ask: OpenAsk, error: BaseException | None) -> None:
        """An ask has ended."""
        self.asks += 1
        if error is not None:
            name = type(error).__name__
            self.failed_asks[name] = self.failed_asks.get(name, 0) + 1
        if ask.alarm is not None:
            ask.alarm.cancel()

    def _overdue(self, ask: OpenAsk) -> None:
        process = ask.process
        if process.dead:
            return
        now = self._loop.time()
        if process.is_disturbed or process.resumed_at + LATE_SECONDS > now:
            ask.alarm = self._loop.call_at(now + LATE_SECONDS, self._overdue, ask, context=KERNEL)
            return
        late = f"{ask.what} from {process!r} was due at {ask.due:.3f} and has not ended"
        self.fail("every ask ends by its deadline", late)

    def handled(self, cell: Cell, request: Any) -> None:
        """A message comes to its handler."""
        self.messages += 1
        if cell.durable is not None:
            return  # handled again after a crash, from a state that does not know of it yet
        message = request.trace
        what = f"{request.spec.name} from {request.source} to {cell.key}"
        before = self._handled.get(message)
        if before is not None:
            self.fail("no message is handled twice", f"{what}, and before by {before}")
        self._handled[message] = cell.key
        _bound(self._handled)
        sent = self._sent.get(message)
        if sent is not None and sent.target.address.incarnation != cell.address.incarnation:
            self.fail("a message is handled by the life that it was sent to", what)
        if request.spec.concurrent or isinstance(request, Keyed):
            return  # retries keep no order
        edge = (request.source, f"{cell.key}@{cell.address.incarnation}")
        last = self._order.get(edge, 0)
        number = int.from_bytes(message, "big")
        if number < last:
            order = f"it was sent as number {number}, and {last} was handled before"
            self.fail("messages keep their order", f"{what}: {order}")
        self._order[edge] = number

    def restarted(self, cell: WatchedCell, times: deque[float]) -> None:
        """An actor starts again after a failure."""
        limits = cell.limits
        now = self._loop.time()
        times.append(now)
        while times and times[0] <= now - limits.within:
            times.popleft()
        if len(times) > limits.max_restarts:
            what = f"{cell.key} restarts {len(times)} times in {limits.within:g} s"
            self.fail("restarts keep to their limit", f"{what}, {limits.max_restarts} are allowed")


class WatchedSender(NodeSender):
    """Sends as every node does, and tells of it."""

    def __init__(self, node: Node, watch: Watch, process: SimulatedProcess) -> None:
        super().__init__(node)
        self.watch = watch
        self._process = process
        self._entering: OpenAsk | None = None

    async def ask(self, *arguments: Any, **options: Any) -> Any:
        """Send a request and return its result."""
        ask = self._entering = OpenAsk(self._process)
        error: BaseException | None = None
        try:
            return await super().ask(*arguments, **options)
        except BaseException as failure:
            error = failure
            raise
        finally:
            self.watch.end(ask, error)

    def _sending(self, *arguments: Any, **options: Any) -> Sending:
        sending = super()._sending(*arguments, **options)
        self.watch.number(sending)
        if sending.kind == ASK and self._entering is not None:
            self.watch.begin(self._entering, sending)
        self._entering = None
        return sending


class WatchedCell(Cell):
    """Does what every cell does, and tells of it."""

    __slots__ = ("_starts",)

    @property
    def limits(self) -> Any:
        """How its failures are answered."""
        return self.supervision

    async def start(self) -> None:
        """Make the actor and run its `started`."""
        if self.restarts:
            self._watch.restarted(self, self._starts)
        else:
            self._starts: deque[float] = deque()
        await super().start()

    async def handle(self, request: Any) -> None:
        """Run one request."""
        self._watch.handled(self, request)
        await super().handle(request)

    def raised(self, request: Any, error: BaseException) -> None:
        """Take note of an assertion that does not hold; go on with any other error."""
        assertion = _assertion_in(error)
        if assertion is not None:
            self._watch.fail("assertions of actors hold", f"{self.key}: {assertion}")
        super().raised(request, error)

    @property
    def _watch(self) -> Watch:
        return cast("WatchedSender", self._node.sender).watch


def _bound(notes: dict[bytes, Any]) -> None:
    """Drop the oldest note when there are too many."""
    if len(notes) > MESSAGES_KEPT:
        del notes[next(iter(notes))]


def _assertion_in(error: BaseException) -> AssertionError | None:
    """Return the assertion that failed, also from within a group."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_assertion_in, error.exceptions)), None)
    return error if isinstance(error, AssertionError) else None
