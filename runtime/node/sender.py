"""How references send: asks, tells and streams of one node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...actors.call import CURRENT_CALL
from ...actors.ref import UntypedSpec, parts_of
from ...protocols.errors import CallCycleError, DeadlineError, MailboxFullError, RuntimeClosedError
from .retrying import Retrying
from .sending import ASK, OPEN, SEND_AGAIN, TELL, Sending
from .streams import Consumer, StreamIterator
from .target import LocalTarget

if TYPE_CHECKING:
    from ...actors.call import Transaction
    from ...actors.ref import AnySpec, Reference
    from ..telemetry.tracing import Span
    from .node import Node
    from .retrying import Later
    from .target import Target


class NodeSender:
    """Sends for every reference that is used on its node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._loop = node.loop
        self._now = node.now
        self._meter = node.meter
        self._wheel = node.wheel
        self._source = f"{node.name}/"
        self._trace_prefix = node.random.getrandbits(64).to_bytes(8, "big")
        self._traces = 0
        self._retrying = Retrying(node, self._sending)

    async def ask(
        self,
        ref: Reference,
        spec: AnySpec,
        arguments: tuple[Any, ...],
        timeout: float | None,
    ) -> Any:
        """Send a request and return its result; see `BoundHandler`."""
        transaction = transaction_of_call()
        if transaction is not None:
            key = transaction.key_for(parts_of(ref)[0].actor, spec.name)
            return await self.keyed(ref, spec, arguments, timeout, key, tell=False)
        sending = self._sending(ASK, ref, spec, arguments, timeout)
        span = self._span(sending)
        sending.future = future = self._loop.create_future()
        sending.target.submit(sending)
        deadline = sending.deadline
        slot = self._wheel.add(deadline, sending) if deadline is not None else 0
        begun = self._now()
        try:
            return await future
        except BaseException as error:
            self._meter.note_failed(error)
            if span is not None:
                span.fail(error)
            if future.cancelled() or isinstance(error, DeadlineError):
                sending.cancelled = True
                sending.target.withdraw(sending)
            raise
        finally:
            self._meter.note(self._now() - begun)
            if span is not None:
                span.end()
            if deadline is not None:
                self._wheel.discard(slot, sending)

    async def tell(
        self,
        ref: Reference,
        spec: AnySpec,
        arguments: tuple[Any, ...],
        timeout: float | None,
    ) -> None:
        """Send a message; return once it has a place in the mailbox, or is in the journal."""
        transaction = transaction_of_call()
        if transaction is not None:
            transaction.post(ref, spec, arguments)
            return
        sending = self._sending(TELL, ref, spec, arguments, timeout)
        if sending.target.confirms_tells:
            await self.keyed(ref, spec, arguments, timeout, key=True, tell=True)
            return
        span = self._span(sending)
        if span is not None:
            span.end()  # nobody hears of its handling, but that is a child of it all the same
        if sending.target.submit(sending):
            return
        sending.future = future = self._loop.create_future()
        deadline = sending.deadline
        slot = self._wheel.add(deadline, sending) if deadline is not None else 0
        try:
            again = await future is SEND_AGAIN
        except BaseException:
            if not sending.transmitted:
                sending.cancelled = True
                sending.target.withdraw(sending)
            raise
        finally:
            if deadline is not None:
                self._wheel.discard(slot, sending)
        if again:  # its actor was being looked up, and keeps a journal
            left = None if deadline is None else max(0.0, deadline - self._now())
            await self.keyed(ref, spec, arguments, left, key=True, tell=True)

    async def keyed(
        self,
        ref: Reference,
        spec: AnySpec,
        arguments: tuple[Any, ...],
        timeout: float | None,
        key: str | bool,
        *,
        tell: bool,
        later: Later | None = None,
    ) -> Any:
        """Ask or tell with an idempotency key; see `BoundHandler.options`.

        `later` is given what lets the actor forget the key, to be called in its time. In a durable
        actor's handler that is when its outcome is written: until then it may be handled again.
        """
        begun = self._now()
        transaction = transaction_of_call()
        if transaction is not None:
            await transaction.until_written()
            later = transaction.afterwards
        try:
            kind = TELL if tell else ASK
            return await self._retrying.call(kind, ref, spec, arguments, timeout, key, later)
        except BaseException as error:
            self._meter.note_failed(error)
            raise
        finally:
            if not tell:
                self._meter.note(self._now() - begun)

    def tell_nowait(self, ref: Reference, spec: AnySpec, arguments: tuple[Any, ...]) -> None:
        """Send a message if its mailbox has a place."""
        transaction = transaction_of_call()
        if transaction is not None:
            transaction.post(ref, spec, arguments)
            return
        sending = self._sending(TELL, ref, spec, arguments, None)
        target = sending.target
        if not target.takes_now(sending):
            raise MailboxFullError(target.key, target.address.window)
        target.submit(sending)

    def stream(
        self,
        ref: Reference,
        spec: AnySpec,
        arguments: tuple[Any, ...],
        timeout: float | None,
        prefetch: int,
    ) -> StreamIterator:
        """Return the iterator of a stream that is not opened yet."""
        sending = self._sending(OPEN, ref, spec, arguments, timeout)
        consumer = Consumer(sending, loop=self._loop, wheel=self._wheel, prefetch=prefetch)
        return StreamIterator(consumer, self._loop)

    def _span(self, sending: Sending) -> Span | None:
        """Begin a span of what is sent, and let the message carry it; None without a tracer."""
        tracer = self._node.tracer
        if tracer is None:
            return None
        begin = tracer.told if sending.kind == TELL else tracer.client
        span = begin(sending.spec.name, sending.target.key)
        sending.trace = span.carried
        return span

    def _sending(
        self,
        kind: int,
        ref: Reference,
        spec: AnySpec,
        arguments: tuple[Any, ...],
        timeout: float | None,
    ) -> Sending:
        """Build a request with what it inherits from the call that is being handled.

        Raises:
            CallCycleError: The target waits for the very call that asks it.
            NotAHandlerError: The target is on this node, and has no such handler.
            DeadActorError: The target is gone.
            RuntimeClosedError: This node is closed.
        """
        if self._node.closed:
            raise RuntimeClosedError(f"node {self._node.name}")
        target: Target | None = ref._target  # noqa: SLF001  # its cached route
        if target is None or target.closed:
            target = self._node.router.route(ref)
        untyped = isinstance(spec, UntypedSpec)
        if untyped and isinstance(target, LocalTarget):
            spec, arguments = target.typed(spec.name, arguments)
            untyped = False
        deadline = None if timeout is None else self._now() + timeout
        source, chain, trace = self._source, "", b""
        call = CURRENT_CALL.get()
        if call is not None:
            source, trace = call.source, call.trace
            if kind != TELL:
                chain = call.chain
                if call.deadline is not None and (deadline is None or call.deadline < deadline):
                    deadline = call.deadline
                    timeout = max(0.0, deadline - self._now())
            if chain and kind == ASK and not (spec.concurrent or untyped):
                route = chain.split(" ")
                if target.key in route:
                    raise CallCycleError(target.key, route)
        if not trace:
            self._traces += 1
            trace = self._trace_prefix + self._traces.to_bytes(8, "big")
        return Sending(kind, target, spec, arguments, deadline, timeout, source, chain, trace)


def transaction_of_call() -> Transaction | None:
    """Return what holds back messages of the handler that runs, if its actor is durable."""
    call = CURRENT_CALL.get()
    if call is None or call.transaction is None or not call.transaction.open:
        return None
    return call.transaction
