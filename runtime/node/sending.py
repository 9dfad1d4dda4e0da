"""A request on its way out, from the caller's first step to its answer.

In one process the same object is what the receiving actor's mailbox holds: nothing is copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...protocols.errors import DeadlineError, PasselError
from ...protocols.failure import Failed, error_of, failed_by
from ..durable.records import pack

if TYPE_CHECKING:
    import asyncio

    from ...actors.ref import AnySpec
    from ...protocols.codec import Codec
    from ..delivery.keys import Answer
    from ..durable.records import Packed
    from .streams import Consumer, Producer
    from .target import Target

ASK, TELL, OPEN = 0, 1, 2

SEND_AGAIN: Final = object()
"""What the wait for a place ends with when the tell turns out to need a key."""


class Sending:
    """One ask, tell or stream request.

    Attributes:
        kind: ASK, TELL or OPEN.
        target: Where it goes.
        future: The answer of an ask; for a tell, that it has a place (only if it had to wait).
        consumer: The receiving end of a stream.
        producer: Its sending end, when that is on this node.
        key: Idempotency key, or empty; a tell with one waits until it is taken.
        transmitted: Whether it left for its mailbox; until then nothing of it is to be undone.
        cancelled: Whether its caller has gone.
    """

    __slots__ = (
        "arguments", "cancelled", "chain", "consumer", "deadline", "future", "id", "key",
        "kind", "producer", "sequence", "source", "spec", "target", "timeout", "trace", "transmitted",
    )  # fmt: skip

    def __init__(
        self,
        kind: int,
        target: Target,
        spec: AnySpec,
        arguments: tuple[Any, ...],
        deadline: float | None,
        timeout: float | None,
        source: str,
        chain: str,
        trace: bytes,
    ) -> None:
        self.kind = kind
        self.target = target
        self.spec = spec
        self.arguments = arguments
        self.deadline = deadline
        self.timeout = timeout
        self.source = source
        self.chain = chain
        self.trace = trace
        self.id = 0
        self.key = ""
        self.sequence = 0
        self.future: asyncio.Future[Any] | None = None
        self.consumer: Consumer | None = None
        self.producer: Producer | None = None
        self.transmitted = False
        self.cancelled = False

    @property
    def done(self) -> bool:
        """Whether nobody waits for this any more."""
        return self.cancelled or (self.future is not None and self.future.done())

    @property
    def life(self) -> int:
        """Return 0: it is this node's own."""
        return 0

    @property
    def what(self) -> str:
        """The request in words, for errors."""
        verb = ("ask", "tell", "stream")[self.kind]
        return f"{verb} {self.target.key}.{self.spec.name}"

    def expire(self) -> None:
        """The deadline passed: end the wait."""
        waiting_for = "an answer" if self.transmitted else "a place in the mailbox"
        if self.transmitted and self.kind == TELL:
            waiting_for = "word that it is taken"
        self.refuse(DeadlineError(self.what, self.timeout or 0.0, waiting_for))

    def accepted(self) -> None:
        """A place in the mailbox was taken: that is all a tell waits for."""
        if self.kind == TELL and not self.key:
            self.taken()

    def taken(self) -> None:
        """A tell will be handled; an ask waits on."""
        if self.kind == TELL and self.future is not None and not self.future.done():
            self.future.set_result(None)

    @property
    def needs_key(self) -> bool:
        """Whether a durable actor would not know it again: a tell that was sent without a key."""
        return self.kind == TELL and not self.key

    def leave_to_sender(self) -> None:
        """End the wait: it has to be sent in another way."""
        if self.future is not None and not self.future.done():
            self.future.set_result(SEND_AGAIN)

    def refuse(self, error: BaseException) -> None:
        """End the wait with an error."""
        if self.consumer is not None:
            self.consumer.fail(error)
        elif self.future is not None and not self.future.done():
            self.future.set_exception(error)

    @property
    def demand(self) -> int:
        """Items that the consumer can take at first."""
        return self.consumer.prefetch if self.consumer is not None else 0

    # What the receiving actor's cell calls when it is on this node.

    def decoded(self) -> tuple[Any, ...]:
        """Return the arguments, in order of the handler's parameters."""
        return self.arguments

    def packed(self, codec: Codec) -> Packed:
        """Return the arguments encoded, for keeping.

        Raises:
            CodecError: They cannot be encoded.
        """
        return pack(codec, self.arguments)

    def release(self) -> None:
        """The request left the mailbox: its place is free again."""
        self.target.refill(1, beside=self.spec.concurrent)

    def succeed(self, value: Any) -> None:
        """Answer with a result."""
        future = self.future
        if self.kind == ASK and future is not None and not future.done():
            future.set_result(value)

    def fail(self, error: BaseException) -> None:
        """Answer with an error that the handler raised."""
        if self.kind == TELL:
            return
        if isinstance(error, self.spec.raises):
            self.refuse(error)
        else:
            self.refuse(error_of(failed_by(error), self.target.key))

    def reject(self, error: PasselError) -> None:
        """Answer with the runtime's own refusal; an accepted tell has nobody to hear it."""
        if self.kind != TELL or not self.transmitted or self.key:
            self.refuse(error)

    def replay(self, answer: Answer) -> None:
        """Answer as a request with the same key was, or is now."""
        codec = self.target.codec
        if answer.failed:
            self.failed_remotely(codec.decode(answer.body, Failed))
        else:
            self.succeed(codec.decode(answer.body, self.spec.returns, answer.frames))

    def item(self, value: Any) -> None:
        """Give one element of a stream to its consumer."""
        if self.consumer is not None:
            self.consumer.push(value)

    def end(self) -> None:
        """End the stream."""
        if self.consumer is not None:
            self.consumer.finish()

    # What the link calls when the answer comes from another node.

    def failed_remotely(self, failed: Failed) -> None:
        """Raise at the caller what the other node reports."""
        self.refuse(error_of(failed, self.target.key, self.spec.raises))
