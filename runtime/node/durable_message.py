"""A message of a durable actor: what its mailbox holds, and what its handler collects."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ...actors.ref import MAX_KEY_CHARACTERS, parts_of
from ...protocols.errors import DeadActorError, RestartedError
from ...protocols.failure import failed_by
from ..durable.records import Packed, Parcel, StoredAnswer, pack
from ..durable.transactions import Outcome
from .sending import ASK, TELL

if TYPE_CHECKING:
    from ...actors.ref import AnySpec, Reference
    from ...protocols.errors import PasselError
    from ..durable.transactions import Entry
    from .cell import Cell, Delivery
    from .durable_cell import DurableCell
    from .streams import Producer

_NOTHING = StoredAnswer(Packed(b"\xc0"))


class DurableMessage:
    """One ask or tell from its place in the mailbox until its outcome is handed in.

    It stands in the mailbox for the request that came, and for those that repeat it; for a tell
    that an earlier life took, there is no request. While its handler runs it is the transaction:
    events, tells and the keys of asks are collected here, and written with the outcome.
    """

    __slots__ = (
        "_asked", "_durable", "_identity", "_parcels", "_request", "_then", "cancelled", "cell",
        "chain", "entry", "kind", "open", "source", "spec", "trace",
    )  # fmt: skip

    def __init__(
        self,
        durable: DurableCell,
        cell: Cell,
        entry: Entry,
        spec: AnySpec,
        request: Delivery | None,
    ) -> None:
        tell = entry.tell
        self._durable = durable
        self._request = request
        self.cell = cell
        self.entry = entry
        self.spec = spec
        self.kind = ASK if tell is None else TELL
        origin: Any = request if request is not None else tell
        self.source: str = origin.source
        self.trace: bytes = origin.trace
        self.chain: str = getattr(origin, "chain", "")
        self.cancelled = False
        self.open = False
        self._parcels: list[Parcel] = []
        self._then: list[Any] = []
        self._asked: dict[str, int] = {}
        self._identity = ""

    # What the mailbox and the handling of a message need of it.

    @property
    def deadline(self) -> float | None:
        """When the last of those who wait for its answer gives up."""
        latest = 0.0
        for waiter in self.entry.waiters:
            if waiter.deadline is None:
                return None
            latest = max(latest, waiter.deadline)
        return latest or None

    @property
    def done(self) -> bool:
        """Whether nobody waits for this any more."""
        return self.cancelled

    def decoded(self) -> tuple[Any, ...]:
        """Return the arguments; from here on the handler runs.

        Raises:
            CodecError: They do not fit the handler's type hints.
        """
        if self._request is not None:
            arguments = self._request.decoded()
        else:
            assert self.entry.tell is not None, "only a tell outlives its request"
            arguments = self._durable.unpack_arguments(self.spec, self.entry.tell.arguments)
        self.open = True
        self._durable.begun(self)
        return arguments

    def release(self) -> None:
        """It left the mailbox: its sender may send another."""
        if self._request is not None:
            self._request.release()

    def succeed(self, value: Any) -> None:
        """The handler has returned: hand in what came of it.

        Raises:
            CodecError: The actor's state, or a result that is to be kept, cannot be encoded.
        """
        answer = None
        if self.entry.key:
            answer = (
                _NOTHING if self.kind == TELL else StoredAnswer(pack(self._durable.codec, value))
            )
        put, drop = self._durable.advance()
        self._decide((True, value), answer, put=tuple(put), drop=tuple(drop))

    def fail(self, error: BaseException) -> None:
        """The handler has raised: nothing of what it did stands, but the answer does."""
        self._durable.roll_back()
        self._parcels = []
        answer = None
        if self.entry.key:
            failed = failed_by(error, self.spec.raises)
            answer = (
                _NOTHING
                if self.kind == TELL
                else StoredAnswer(pack(self._durable.codec, failed), failed=True)
            )
        self._decide((False, error), answer)

    def reject(self, error: PasselError) -> None:
        """The runtime refuses it; a tell stays in the inbox if only this life cannot handle it.

        One that a restart of the actor has cut short is handled again.
        """
        if self.open:
            self.open = False
            self._durable.roll_back()
        if self.kind == TELL and isinstance(error, RestartedError):
            self._durable.handle_again(self)
        else:
            self._durable.refused(self, error, keep=isinstance(error, DeadActorError))

    def _decide(self, reply: tuple[bool, Any], answer: StoredAnswer | None, **change: Any) -> None:
        self.open = False
        outcome = Outcome(
            reply, answer, parcels=tuple(self._parcels), then=tuple(self._then), **change
        )
        self._durable.decided(self, outcome)

    # What its handler does to others.

    def key_for(self, target: str, method: str) -> str:
        """Return the key of the next call of a method, the same when the message is handled again."""
        if not self._identity:
            tell = self.entry.tell
            self._identity = tell.identity if tell else self._durable.identity_of(self.entry.key)
        call = f"{target}.{method}"
        number = self._asked[call] = self._asked.get(call, 0) + 1
        key = f"{self._identity}>{call}#{number}"
        if len(key) <= MAX_KEY_CHARACTERS:
            return key
        return hashlib.blake2b(key.encode(), digest_size=32).hexdigest()

    def post(self, ref: Reference, spec: AnySpec, arguments: tuple[Any, ...]) -> None:
        """Send a tell when the outcome is written.

        Raises:
            CodecError: Its arguments cannot be encoded.
        """
        address = parts_of(ref)[0]
        key = self.key_for(address.actor, spec.name)
        packed = pack(self._durable.codec, arguments)
        self._parcels.append(Parcel(key, address, spec.name, self.trace, packed))

    def afterwards(self, what: Any) -> None:
        """Do something when the outcome is written; `what` is called."""
        self._then.append(what)

    async def until_written(self) -> None:
        """Wait until all that the actor's state is built on is written.

        What leaves before that could tell others of what a crash undoes.
        """
        await self._durable.until_written()

    # Streams run beside the mailbox and are no transactions.

    producer: Producer | None = None
    demand = 0

    def item(self, value: Any) -> None:
        """Never reached: a stream is no transaction."""
        raise AssertionError("a stream is no transaction")

    def end(self) -> None:
        """Never reached, likewise."""
        raise AssertionError("a stream is no transaction")
