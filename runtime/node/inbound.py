"""A request that came from another node, as the receiving actor's mailbox holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ...actors.handler import HandlerSpec
from ...protocols.envelope import Ask, End, Failure, Item, Open, Reply, Request, Taken, Tell
from ...protocols.errors import CodecError, PasselError
from ...protocols.failure import failed_by
from ..durable.records import Packed
from .sending import ASK, OPEN, TELL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...actors.ref import AnySpec
    from ...protocols.arrays import Frame
    from ...protocols.codec import Codec
    from ..delivery.keys import Answer
    from .cell import Cell
    from .link import Link
    from .streams import Producer

_KINDS = {Ask: ASK, Tell: TELL, Open: OPEN}


class Inbound:
    """One ask, tell or stream request from another node; answers go back over its link."""

    __slots__ = (
        "_frames", "_link", "_message", "cancelled", "cell", "chain", "deadline", "id", "key", "kind",
        "producer", "source", "spec", "trace",
    )  # fmt: skip

    def __init__(
        self,
        link: Link,
        message: Request,
        frames: Sequence[Frame],
        cell: Cell,
        spec: AnySpec,
        now: float,
    ) -> None:
        self._link = link
        self._message = message
        self._frames = frames
        self.cell = cell
        self.spec = spec
        self.id = message.id
        self.kind = _KINDS[type(message)]
        self.key = message.key
        self.source = message.source
        self.chain = message.chain
        self.trace = message.trace
        self.deadline = now + message.deadline if message.deadline >= 0.0 else None
        self.cancelled = False
        self.producer: Producer | None = None

    @property
    def done(self) -> bool:
        """Whether nobody waits for this any more."""
        return self.cancelled

    @property
    def life(self) -> int:
        """Which life of its sender's node sent it."""
        return self._link.life

    @property
    def demand(self) -> int:
        """Items that the consumer can take at first."""
        return self._message.demand if isinstance(self._message, Open) else 0

    def decoded(self) -> tuple[Any, ...]:
        """Return the arguments, decoded by the handler's type hints.

        Raises:
            CodecError: They do not fit the hints.
        """
        return decode_arguments(self._link.codec, self.spec, self._message.body, self._frames)

    def packed(self, _codec: Codec) -> Packed:
        """Return the arguments as they came, for keeping."""
        return Packed(bytes(self._message.body), tuple(bytes(frame) for frame in self._frames))

    def release(self) -> None:
        """The request left the mailbox: its sender may send another."""
        self._link.consumed(self.cell, beside=self._message.beside)

    def succeed(self, value: Any) -> None:
        """Answer with a result."""
        if self.kind == ASK and self._link.serving.pop(self.id, None) is not None:
            link = self._link
            try:
                body, frames = link.encode(value)
            except PasselError as error:
                self._failure(error)
                return
            link.answer(Reply(self.id, link.now(), len(frames), link.raw(body)), frames, len(body))

    def fail(self, error: BaseException) -> None:
        """Answer with an error that the handler raised."""
        if self.kind != TELL and self._link.serving.pop(self.id, None) is not None:
            self._failure(error)

    def reject(self, error: PasselError) -> None:
        """Answer with the runtime's own refusal."""
        if (self.kind != TELL or self.key) and self._link.serving.pop(self.id, None) is not None:
            self._link.reject(self.id, error)

    def taken(self) -> None:
        """Acknowledge a tell with a key: it will be handled."""
        if self.kind == TELL and self._link.serving.pop(self.id, None) is not None:
            self._link.answer(Taken(self.id))

    def replay(self, answer: Answer) -> None:
        """Answer as a request with the same key was, or is now."""
        link = self._link
        if link.serving.pop(self.id, None) is None:
            return
        body, size = link.raw(answer.body), len(answer.body)
        if answer.failed:
            link.answer(Failure(self.id, link.now(), body))
        else:
            frames = answer.frames
            link.answer(Reply(self.id, link.now(), len(frames), body), frames, size)

    def item(self, value: Any) -> None:
        """Send one element of a stream.

        Raises:
            CodecError: It cannot travel.
        """
        link = self._link
        body, frames = link.encode(value)
        link.send(Item(self.id, link.now(), len(frames), link.raw(body)), frames, len(body))

    def end(self) -> None:
        """End the stream."""
        if self._link.serving.pop(self.id, None) is not None:
            self._link.send(End(self.id))

    def _failure(self, error: BaseException) -> None:
        link = self._link
        body, _ = link.codec.encode(failed_by(error, self.spec.raises))
        link.answer(Failure(self.id, link.now(), link.raw(body)))


def decode_arguments(
    codec: Codec, spec: AnySpec, body: bytes | msgspec.Raw, frames: Sequence[Frame]
) -> tuple[Any, ...]:
    """Return the arguments of a call, decoded by the handler's type hints.

    Raises:
        CodecError: They do not fit the hints.
    """
    try:
        return tuple(codec.decode(body, spec.arguments_type, frames))
    except CodecError:
        given = codec.decode(body, list[msgspec.Raw])
        wanted = getattr(spec, "parameters", ())[len(given) :]
        if not wanted or any(p.default is p.empty for p in wanted):
            raise
    assert isinstance(spec, HandlerSpec), "it has parameters"
    return tuple(  # fewer than parameters, from a sender that does not know the class
        codec.decode(given[index], spec.hints.get(parameter.name, Any), frames)
        if index < len(given)
        else parameter.default
        for index, parameter in enumerate(spec.parameters)
    )
