"""Senders, cells and journals of watched nodes: they do what all do, and tell of it.

A node lets its sender and the classes of its cells be replaced; those put here note what is asked,
told, handled and written, and change nothing of it.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ...protocols.errors import DeadActorError, DeadlineError, StateError
from ..durable.records import pack
from ..node.cell import Cell
from ..node.durable_cell import DurableCell
from ..node.retrying import Retrying
from ..node.sender import NodeSender, transaction_of_call
from ..node.sending import TELL
from .ledger import Decision, message_of, same_value, scoped
from .watch import OpenCall

if TYPE_CHECKING:
    from ...actors.actor import Actor
    from ...actors.ref import AnySpec, Reference
    from ...protocols.errors import PasselError
    from ..durable.records import Packed
    from ..durable.store import Change
    from ..durable.transactions import Outcome
    from ..node.durable_message import DurableMessage
    from ..node.node import Node
    from ..node.retrying import Later
    from ..node.sending import Sending
    from .process import SimulatedProcess
    from .watch import Watch


def put_on(node: Node, watch: Watch, process: SimulatedProcess) -> None:
    """Let a node's sender and cells tell a watch what they do."""
    node.sender = WatchedSender(node, watch, process)
    node.cell_class = WatchedCell
    node.durable_class = WatchedDurable


class WatchedSender(NodeSender):
    """Sends as every node does, and tells of it."""

    def __init__(self, node: Node, watch: Watch, process: SimulatedProcess) -> None:
        super().__init__(node)
        self.watch = watch
        self.process = process
        self.entering: OpenCall | None = None
        self._retrying = WatchedRetrying(node, self)

    async def ask(
        self,
        ref: Reference,
        spec: AnySpec,
        arguments: tuple[Any, ...],
        timeout: float | None,
    ) -> Any:
        """Send a request and return its result."""
        if transaction_of_call() is not None:
            return await super().ask(ref, spec, arguments, timeout)  # it gets a key
        call = self.entering = OpenCall(self.process, is_ask=True)
        error: BaseException | None = None
        try:
            result = await super().ask(ref, spec, arguments, timeout)
        except BaseException as failure:
            error = failure
            raise
        finally:
            self.left(call, error)
        self.acknowledged(call)
        return result

    async def tell(
        self,
        ref: Reference,
        spec: AnySpec,
        arguments: tuple[Any, ...],
        timeout: float | None,
    ) -> None:
        """Send a message; return once it has a place."""
        if transaction_of_call() is not None:
            await super().tell(ref, spec, arguments, timeout)
            return
        call = self.entering = OpenCall(self.process, is_ask=False)
        try:
            await super().tell(ref, spec, arguments, timeout)
        finally:
            self.left(call, None)

    def left(self, call: OpenCall, error: BaseException | None) -> None:
        """A call has ended."""
        if self.entering is call:
            self.entering = None  # nothing was sent
        self.watch.end(call, error)

    def acknowledged(self, call: OpenCall) -> None:
        """A call has ended well: a durable actor has promised something."""
        sending = call.sending
        if sending is not None and sending.target.confirms_tells and not sending.spec.concurrent:
            taken = sending.kind == TELL
            self.watch.ledger.acknowledged(sending, name_of(sending), taken=taken)

    def keyed_sending(self, *arguments: Any) -> Sending:
        """Build a request with a key; the first of a call begins that."""
        call, self.entering = self.entering, None
        sending = super()._sending(*arguments)
        self.watch.number(sending, self.process, is_first=call is not None)
        if call is not None:
            self.watch.begin(call, sending)
        return sending

    def _sending(self, *arguments: Any) -> Sending:
        call, self.entering = self.entering, None
        sending = super()._sending(*arguments)
        self.watch.number(sending, self.process, is_first=True)
        if call is not None:
            self.watch.begin(call, sending)
        return sending


class WatchedRetrying(Retrying):
    """Makes calls with keys as every node does, and tells of them."""

    def __init__(self, node: Node, sender: WatchedSender) -> None:
        super().__init__(node, sender.keyed_sending)
        self._sender = sender

    async def call(
        self,
        kind: int,
        ref: Reference,
        spec: AnySpec,
        arguments: tuple[Any, ...],
        timeout: float | None,
        key: str | bool,
        later: Later | None = None,
    ) -> Any:
        """Send until there is an answer."""
        sender = self._sender
        call = sender.entering = OpenCall(sender.process, is_ask=kind != TELL)
        error: BaseException | None = None
        try:
            result = await super().call(kind, ref, spec, arguments, timeout, key, later)
        except BaseException as failure:
            error = failure
            raise
        finally:
            sender.left(call, error)
            self._answered(call, error, is_own=isinstance(key, str) and later is None)
        sender.acknowledged(call)
        return result

    def begin(self, sending: Sending) -> None:
        """A call begins to use its key."""
        super().begin(sending)
        self._sender.watch.ledger.begin(sending.target.address.actor, name_of(sending))

    def _answered(self, call: OpenCall, error: BaseException | None, *, is_own: bool) -> None:
        """Note that a key of the caller's own may be used for something else from now on."""
        open_still = isinstance(error, DeadlineError | DeadActorError | StateError)
        is_error = error is None or isinstance(error, Exception)
        if call.sending is not None and is_own and is_error and not open_still:
            actor = call.sending.target.address.actor
            self._sender.watch.ledger.answered(actor, name_of(call.sending))


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
            self.watch.restarted(self, self._starts)
        else:
            self._starts: deque[float] = deque()
        await super().start()

    async def handle(self, request: Any) -> None:
        """Run one request."""
        self.watch.handled(self, request)
        await super().handle(request)

    def raised(self, request: Any, error: BaseException) -> None:
        """Take note of an assertion that does not hold; go on with any other error."""
        assertion = _assertion_in(error)
        if assertion is not None:
            self.watch.fail("assertions of actors hold", f"{self.key}: {assertion}")
        super().raised(request, error)

    @property
    def process(self) -> SimulatedProcess:
        """The process that it lives in."""
        return cast("WatchedSender", self._node.sender).process

    @property
    def watch(self) -> Watch:
        """Whom it tells."""
        return cast("WatchedSender", self._node.sender).watch


class WatchedDurable(DurableCell):
    """Keeps a journal as every durable cell does, and tells of it."""

    _state: Packed | None = None
    _deciding: Decision | None = None
    _latest: Change | None = None

    async def restore(self, actor: Actor) -> None:
        """Bring a fresh object to the actor's last state."""
        is_first = self._journal is None
        await super().restore(actor)
        if is_first:
            self._restored()

    async def mend(self) -> None:
        """Open a journal that failed again."""
        await super().mend()
        if not self.broken and self._cell.actor is not None:
            self._restored()

    def decided(self, message: DurableMessage, outcome: Outcome) -> None:
        """A handler is done."""
        if outcome.reply[0]:
            self._state = self._present()
        assert self._state is not None, "it was restored"
        decision = self._deciding = self._decision(message, self._state)
        super().decided(message, outcome)
        if self._deciding is not None:  # nothing was written
            self._deciding = None
            ledger = self._watched.watch.ledger
            ledger.follows(self._name, self._latest, decision.message)

    def refused(self, message: DurableMessage, error: PasselError, *, keep: bool) -> None:
        """A message was not handled."""
        tell = message.entry.tell
        if tell is not None and not keep:
            name = message_of(tell.key, tell.trace)
            self._watched.watch.ledger.refused(self._name, name)
        super().refused(message, error, keep=keep)

    def roll_back(self) -> None:
        """Bring the actor back to its last state."""
        super().roll_back()
        if self._cell.failure is None and not self.broken and self._state is not None:
            present = self._present()
            if not same_value(self.codec, self._state, present):
                what = f"{self._cell.key} has traces of a handler that raised"
                self._watched.watch.fail("a message takes effect wholly or not at all", what)

    def _write(self, change: Change) -> None:
        decision, self._deciding = self._deciding, None
        if decision is not None:
            self._latest = change
            self._watched.watch.ledger.decided(self._name, change, decision)
        super()._write(change)

    def _restored(self) -> None:
        self._latest = None  # what has not been written by now never is
        self._state = self._present()
        same = partial(same_value, self.codec)
        self._watched.watch.ledger.restored(self._name, self._state, same)

    def _present(self) -> Packed:
        actor: Any = self._cell.actor
        return pack(self.codec, actor.snapshot())

    def _decision(self, message: DurableMessage, state: Packed) -> Decision:
        entry, watched = message.entry, self._watched
        tell, request = entry.tell, entry.request
        if tell is not None:
            key, method, trace = tell.key, tell.method, tell.trace
        else:
            method, trace = request.spec.name, request.trace
            key = scoped(request.source, method, request.key)
        return Decision(
            message=message_of(key, trace),
            what=f"{method} from {message.source} to {watched.key}",
            state=state,
            edge=watched.watch.edge(trace, message.source, watched),
            number=int.from_bytes(trace, "big"),
        )

    @property
    def _watched(self) -> WatchedCell:
        return cast("WatchedCell", self._cell)


def name_of(sending: Sending) -> str:
    """Return what a message goes by."""
    return message_of(scoped(sending.source, sending.spec.name, sending.key), sending.trace)


def _assertion_in(error: BaseException) -> AssertionError | None:
    """Return the assertion that failed, also from within a group."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_assertion_in, error.exceptions)), None)
    return error if isinstance(error, AssertionError) else None
