"""A request with an idempotency key, where it arrives: it runs once, and all who wait are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from ...protocols.errors import CodecError, KeysFullError, PasselError
from ...protocols.failure import failed_by, refusal
from ..delivery.keys import Answer, KeyTable, RequestKey, Run
from .sending import OPEN, TELL

if TYPE_CHECKING:
    from ...actors.ref import AnySpec
    from ...protocols.codec import Codec
    from .cell import Cell
    from .inbound import Inbound
    from .sending import Sending
    from .streams import Producer

    Arrival: TypeAlias = "Sending | Inbound"


def admit(cell: Cell, request: Arrival) -> Keyed | None:
    """Take a request with a key; return what goes into the mailbox, or None if nothing does."""
    if request.kind == OPEN:
        reason = f"{cell.key}.{request.spec.name} is a stream: it takes no idempotency key"
        _refuse(cell, request, CodecError("request", reason))
        return None
    if cell.keys is None:
        cell.keys = KeyTable(cell.key)
    key = RequestKey(request.source, request.spec.name, request.key)
    try:
        found = cell.keys.enter(key, request, request.life)
    except KeysFullError as error:
        _refuse(cell, request, error)
        return None
    if isinstance(found, Run):
        request.taken()
        return Keyed(cell.keys, key, request, cell.codec)
    request.release()
    if request.kind == TELL:
        request.taken()
    elif isinstance(found, Answer):
        request.replay(found)
    return None


def _refuse(cell: Cell, request: Arrival, error: PasselError) -> None:
    request.release()
    cell.lose(request, str(error))
    request.reject(error)


class Keyed:
    """A request with a key, as the mailbox holds it.

    It is handled whether or not its callers still wait: one that comes back with the key is to
    find the answer. So it cannot be cancelled.
    """

    __slots__ = (
        "_begun",
        "_codec",
        "_first",
        "_key",
        "_table",
        "cancelled",
        "deadline",
        "producer",
    )

    def __init__(
        self, table: KeyTable[Arrival], key: RequestKey, first: Arrival, codec: Codec
    ) -> None:
        self._table = table
        self._key = key
        self._first = first
        self._codec = codec
        self._begun = False
        self.deadline: float | None = None  # those who wait have deadlines of their own
        self.cancelled = False
        self.producer: Producer | None = None

    @property
    def first(self) -> Arrival:
        """The request that came first."""
        return self._first

    @property
    def kind(self) -> int:
        """ASK or TELL."""
        return self._first.kind

    @property
    def spec(self) -> AnySpec:
        """The handler."""
        return self._first.spec

    @property
    def source(self) -> str:
        """Who sends."""
        return self._first.source

    @property
    def chain(self) -> str:
        """The actors that wait for this."""
        return self._first.chain

    @property
    def trace(self) -> bytes:
        """The trace it belongs to."""
        return self._first.trace

    @property
    def demand(self) -> int:
        """Nothing: it is no stream."""
        return 0

    def decoded(self) -> tuple[Any, ...]:
        """Return the arguments.

        Raises:
            CodecError: They do not fit the hints.
        """
        arguments = self._first.decoded()
        self._begun = True
        return arguments

    def release(self) -> None:
        """The request left the mailbox."""
        self._first.release()

    def succeed(self, value: Any) -> None:
        """Keep the result, and answer everybody who waits for it."""
        if self.kind == TELL:
            value = None
        try:
            body, frames = self._codec.encode(value)
        except PasselError as error:
            self.fail(error)
        else:
            self._finish(Answer(failed=False, body=bytes(body), frames=tuple(frames)))

    def fail(self, error: BaseException) -> None:
        """Keep the error that the handler raised, and tell everybody who waits."""
        body, _ = self._codec.encode(failed_by(error, self.spec.raises))
        self._finish(Answer(failed=True, body=bytes(body)))

    def reject(self, error: PasselError) -> None:
        """Answer with the runtime's own refusal; a handler that had begun is not run again."""
        if self._begun:
            body, _ = self._codec.encode(refusal(error))
            self._finish(Answer(failed=True, body=bytes(body)))
            return
        for request in self._table.abandon(self._key):
            request.reject(error)

    def item(self, value: Any) -> None:
        """Never reached: it is no stream."""
        raise AssertionError("a stream takes no key")

    def end(self) -> None:
        """Never reached: it is no stream."""
        raise AssertionError("a stream takes no key")

    def _finish(self, answer: Answer) -> None:
        for request in self._table.finish(self._key, answer):
            if request.kind != TELL:
                request.replay(answer)
