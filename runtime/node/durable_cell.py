"""What makes a cell durable: carries out what its transactions decide."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from ...protocols.errors import (
    CodecError,
    CorruptJournalError,
    DeadActorError,
    KeysFullError,
    NotAHandlerError,
    PasselError,
    SpawnError,
    StaleEpochError,
    StateError,
)
from ...protocols.log import log
from ..delivery.keys import KEYS_KEPT, Answer, RequestKey
from ..durable.records import Contents, Packed, StoredTell, read
from ..durable.state import SavedState
from ..durable.store import Change
from ..durable.transactions import (
    Acknowledge,
    Entry,
    GiveBack,
    Handle,
    Outcome,
    Post,
    Refuse,
    Release,
    Reopen,
    Repeat,
    Reply,
    Transactions,
    Write,
)
from .durable_message import DurableMessage
from .inbound import decode_arguments
from .outbox import deliver
from .sending import TELL

if TYPE_CHECKING:
    from ...actors.actor import Actor
    from ...actors.ref import AnySpec
    from ...protocols.control import Durability
    from ..durable.records import Parcel, StoredAnswer
    from ..durable.store import Journal, Record, RecordId
    from ..durable.transactions import Effect
    from .cell import Cell, Delivery
    from .inbound import Inbound
    from .node import Node
    from .sending import Sending

    Request = Sending | Inbound

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


class DurableCell:
    """The durable side of one actor's cell: its journal, its state, its messages' lives.

    Args:
        cell: The cell.
        node: Its node.
        terms: How the actor is durable.
    """

    def __init__(self, cell: Cell, node: Node, terms: Durability) -> None:
        self.codec = node.codec
        self._cell = cell
        self._node = node
        self._terms = terms
        self._name = cell.address.actor
        self._journal: Journal | None = None
        self._saved = SavedState(self._name, node.codec, snapshot_every=terms.snapshot_every)
        self._transactions = Transactions(Contents(), window=terms.dedup_window, now=node.now())
        self._identities = 0
        self._last: asyncio.Future[None] | None = None

    @property
    def broken(self) -> bool:
        """Whether the journal failed and must be opened again before anything is handled."""
        return self._transactions.broken is not None

    # The actor's lives.

    async def restore(self, actor: Actor) -> None:
        """Bring a fresh object to the actor's last state; the first time, open its journal.

        Raises:
            SpawnError: The journal's state does not fit the class.
            StateError: The journal cannot be read, or is another's.
        """
        if self._journal is not None:
            self._saved.restore(actor)
            return
        contents = await self._open()
        if contents.is_new:
            first = Change(put=tuple(self._saved.begin(actor)))
            assert self._journal is not None, "it was opened"
            await self._journal.commit(first)
        else:
            try:
                self._saved.restore(actor)
            except CodecError as error:
                reason = f"what its journal holds does not fit the class: {error}"
                raise SpawnError(f"durable actor {self._name}", reason) from error
        now = self._node.now()
        self._transactions = Transactions(contents, window=self._terms.dedup_window, now=now)
        self._carry_out(self._transactions.begin(contents))

    async def _open(self) -> Contents:
        claim = self._terms.claim
        self._journal = await self._node.store(claim.place).open(self._name, claim.epoch)
        try:
            contents = read(self._journal.records)
        except msgspec.MsgspecError as error:
            reason = f"a record of {self._name} cannot be read: {error}"
            raise CorruptJournalError(claim.place, reason, "restore it from a backup") from None
        self._saved.load(contents)
        return contents

    async def mend(self) -> None:
        """Open a journal that failed again, and bring the actor to what it holds.

        Tries again, with growing pauses, until it succeeds or the actor is stopped: what is in the
        journal is safe, and a disk that was full may have space again.
        """
        cell, pause = self._cell, _FIRST_PAUSE
        while self.broken and not cell.stopping:
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            try:
                contents = await self._open()
                assert cell.actor is not None, "it was started"
                self._saved.restore(cell.actor)
            except StaleEpochError as error:
                self._superseded(error)
            except (StateError, CodecError) as error:
                log.error("journal cannot be opened", actor=cell.key, error=str(error))
            else:
                log.info("journal opened again", actor=cell.key)
                self._carry_out(self._transactions.reopened(contents, self._node.now()))

    async def aclose(self) -> None:
        """Finish what is being written and let go of the journal."""
        if self._journal is not None:
            await self._journal.aclose()
            await asyncio.sleep(0)  # what was written last is answered now

    def keeps(self, request: Delivery) -> bool:
        """Return whether a message outlives the actor's end in its inbox, as a tell does."""
        return isinstance(request, DurableMessage) and request.kind == TELL

    # Messages come.

    def deliver(self, request: Request) -> None:
        """Take a request for a handler that changes the actor."""
        key = _scope(RequestKey(request.source, request.spec.name, request.key))
        if request.kind != TELL:
            self._carry_out(self._transactions.ask(key, request))
            return
        try:
            arguments = request.packed(self.codec)
        except CodecError as error:
            request.release()
            self._refuse(request, error)
            return
        identity = self.identity_of(key)
        method, trace = request.spec.name, request.trace
        tell = StoredTell(key, identity, request.source, method, trace, arguments)
        self._carry_out(self._transactions.tell(tell, request))

    def settle(self, key: RequestKey) -> None:
        """The sender of a request with a key will not send it again."""
        self._transactions.settled(_scope(key))

    def withdraw(self, request: Delivery) -> DurableMessage | None:
        """A caller has gone; return its message if that is to be taken from the mailbox, or ended."""
        entry = self._transactions.withdraw(request)
        if entry is None:
            return None
        if entry.message is None:
            request.release()  # it never got there
        message: DurableMessage | None = entry.message
        return message

    def identity_of(self, key: str) -> str:
        """Return a text that no other message of any actor has."""
        if key:
            return f"{self._name}:{key}"
        self._identities += 1
        return f"{self._name}:{self._terms.claim.epoch:x}.{self._identities:x}"

    # Messages are handled.

    def transaction_of(self, request: Delivery) -> DurableMessage | None:
        """Return what a handler's own messages go into; none for those that run beside."""
        return request if isinstance(request, DurableMessage) else None

    def begun(self, message: DurableMessage) -> None:
        """A handler begins."""
        self._transactions.started(message.entry)

    def ended(self, message: Delivery) -> None:
        """A handler is over; when it was cancelled, nothing of what it did stands."""
        if isinstance(message, DurableMessage) and message.open:
            message.open = False
            self.roll_back()

    def advance(self) -> tuple[list[Record], list[RecordId]]:
        """Take the actor's present state for its last one; return what is to be written."""
        assert self._cell.actor is not None, "it was started"
        return self._saved.advance(self._cell.actor)

    def roll_back(self) -> None:
        """Bring the actor back to its last state: a message takes effect wholly or not at all."""
        assert self._cell.actor is not None, "it was started"
        try:
            self._saved.restore(self._cell.actor)
        except Exception as error:  # noqa: BLE001  # a supervisor's edge
            self._cell.fail(error, "going back to the last state")

    def journal(self, event: Any) -> None:
        """Apply an event to the actor, and write it with the message that is being handled."""
        self._saved.journal(self._cell.actor, event)

    def decided(self, message: DurableMessage, outcome: Outcome) -> None:
        """A handler is done: write what came of it; what it said leaves when that is written."""
        now = self._node.now()
        self._carry_out(self._transactions.finished(message.entry, outcome, now))

    def handle_again(self, message: DurableMessage) -> None:
        """A tell was cut short by a restart, not by its own fault."""
        self._enqueue(message.entry, again=True)

    def refused(self, message: DurableMessage, error: PasselError, *, keep: bool) -> None:
        """A message was not handled."""
        self._carry_out(self._transactions.refused(message.entry, error, keep=keep))

    def unpack_arguments(self, spec: AnySpec, arguments: Packed) -> tuple[Any, ...]:
        """Return the arguments of a tell that an earlier life took."""
        return decode_arguments(self.codec, spec, arguments.body, arguments.frames)

    async def until_written(self) -> None:
        """Wait until everything that was decided is written.

        Raises:
            StateError: It cannot be.
        """
        last = self._last
        if last is not None and not last.done():
            await asyncio.shield(last)

    # Effects.

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Write(change):
                    self._write(change)
                case Handle(entry, again):
                    self._enqueue(entry, again=again)
                case GiveBack(waiter):
                    waiter.release()
                case Reply(waiter, (True, value)):
                    waiter.succeed(value)
                case Reply(waiter, (_, error)):
                    waiter.fail(error)
                case Acknowledge(waiter):
                    waiter.taken()
                case Repeat(waiter, answer):
                    _repeat(waiter, answer)
                case Refuse(waiter, error):
                    self._refuse(waiter, error)
                case Post(number, parcel):
                    self._node.start_task(self._post(number, parcel))
                case Release(what):
                    what()
                case Reopen(error):
                    self._reopen(error)

    def _refuse(self, waiter: Request, error: PasselError | None) -> None:
        cell = self._cell
        if error is None:
            error = KeysFullError(cell.key, KEYS_KEPT)
        elif isinstance(error, StaleEpochError):
            error = DeadActorError(cell.address, str(error))  # it lives elsewhere: look there
        if waiter.kind == TELL and not waiter.key:  # its sender has not waited
            cell.lose(waiter, str(error))
        waiter.reject(error)

    def _write(self, change: Change) -> None:
        assert self._journal is not None, "it was opened"
        self._last = future = self._journal.commit(change)
        future.add_done_callback(self._written)

    def _written(self, future: asyncio.Future[None]) -> None:
        error = future.exception()
        if error is None:
            self._carry_out(self._transactions.written(self._node.now()))
        elif not self.broken:
            assert isinstance(error, StateError), "a journal fails with one"
            self._carry_out(self._transactions.lost(error))

    def _enqueue(self, entry: Entry, *, again: bool) -> None:
        cell, tell = self._cell, entry.tell
        method = entry.request.spec.name if tell is None else tell.method
        spec = cell.specs.get(method)
        if spec is None:  # the class had this handler when the tell was taken
            assert tell is not None, "an ask's handler is known"
            reason = "the class has no such handler any more"
            self._node.letter(tell.source, cell.key, method, reason)
            error = NotAHandlerError(cell.key, method, list(cell.specs))
            self._carry_out(self._transactions.refused(entry, error, keep=False))
            return
        entry.message = DurableMessage(self, cell, entry, spec, None if again else entry.request)
        cell.enqueue(entry.message, first=again)

    async def _post(self, number: int, parcel: Parcel) -> None:
        settle = await deliver(self._node, self._cell.key, parcel)
        if not self._cell.closed:
            self._carry_out(self._transactions.delivered(number, settle))

    def _reopen(self, error: StateError) -> None:
        cell = self._cell
        if isinstance(error, StaleEpochError):
            self._superseded(error)
            return
        log.error("journal failed", actor=cell.key, error=str(error))
        self._node.report("journal failed", cell.key, str(error), None)
        cell.wake()

    def _superseded(self, error: StaleEpochError) -> None:
        """A later incarnation lives elsewhere: end this one."""
        cell = self._cell
        log.error("actor superseded", actor=cell.key, error=str(error))
        cell.stopping = True
        self._node.start_task(self._node.stop_cell(cell, str(error), grace=0.0))


def _scope(key: RequestKey) -> str:
    """Return a request's key with whose it is: a named actor's stays its own wherever it lives."""
    if not key.key:
        return ""
    actor = key.source.partition("/")[2]
    sender = actor if actor and "#" not in actor else key.source
    return f"{sender} {key.method} {key.key}"


def _repeat(waiter: Request, answer: StoredAnswer) -> None:
    """Give a request that was sent again what it was answered."""
    if waiter.kind == TELL:
        waiter.taken()
    else:
        waiter.replay(Answer(answer.failed, answer.value.body, answer.value.frames))
