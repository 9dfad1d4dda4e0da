"""What becomes of each message of a durable actor. Pure: knows no disk, no task and no socket."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from ...protocols.errors import PasselError, StateError
from ..delivery.keys import KEYS_KEPT
from .records import Parcel, StoredAnswer, StoredTell, answer_id, inbox_id, outbox_id, record
from .store import Change, Record, RecordId

if TYPE_CHECKING:
    from .records import Contents


class Stage(Enum):
    """How far a message has come."""

    ARRIVING = "it waits for the inbox record of itself, or of one that came before it"
    WAITING = "it is in the mailbox, or its handler runs"
    DECIDED = "its handler is done; what came of it is being written"


@dataclass(slots=True, eq=False)
class Entry:
    """One message under way, from its arrival until what came of it is written.

    Attributes:
        number: Its place in the order of arrival; a tell's inbox record goes by it.
        key: Its idempotency key, or empty.
        tell: What the inbox keeps of a tell; None for an ask.
        request: What came; opaque, and None for what an earlier life took.
        waiters: The requests that want its outcome: that one, and those that repeat it.
        stage: How far it has come.
        base: Which reading of the journal its handler began on.
        message: What stands for it in the mailbox; the shell's.
    """

    number: int
    key: str
    tell: StoredTell | None
    request: Any = None
    waiters: list[Any] = field(default_factory=list)
    stage: Stage = Stage.ARRIVING
    base: int = 0
    message: Any = None


@dataclass(slots=True)
class Outcome:
    """What came of a handler, as it is written.

    Attributes:
        reply: What the waiters are given once it is written; opaque.
        answer: The same for those who repeat the message later, if it has a key.
        put: Records of the new state, or of events.
        drop: Records that these replace.
        parcels: Tells that it sent.
        then: Whatever else is to be done once it is written; opaque.
    """

    reply: Any
    answer: StoredAnswer | None = None
    put: tuple[Record, ...] = ()
    drop: tuple[RecordId, ...] = ()
    parcels: tuple[Parcel, ...] = ()
    then: tuple[Any, ...] = ()


# Effects: what the shell must do, in order.


@dataclass(frozen=True, slots=True)
class Handle:
    """Put a message into the mailbox; in front of all others if it was there before."""

    entry: Entry
    again: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """Hand a change to the journal; `written` or `lost` is its end."""

    change: Change


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Give the place in the mailbox back that a request has taken: it does not get there."""

    waiter: Any


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Tell the sender of a tell that it is taken for good."""

    waiter: Any


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer an ask with what its handler came to."""

    waiter: Any
    reply: Any


@dataclass(frozen=True, slots=True)
class Repeat:
    """Answer an ask with what was answered before."""

    waiter: Any
    answer: StoredAnswer


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell a sender that nothing came of its message; without an error, that there is no room."""

    waiter: Any
    error: PasselError | None


@dataclass(frozen=True, slots=True)
class Post:
    """Send a parcel until it is taken; `delivered` is its end."""

    number: int
    parcel: Parcel


@dataclass(frozen=True, slots=True)
class Release:
    """Do what had to wait for the write; opaque."""

    what: Any


@dataclass(frozen=True, slots=True)
class Reopen:
    """Open the journal again and bring the actor to what is in it; `reopened` is its end."""

    error: StateError


Effect = Handle | Write | GiveBack | Acknowledge | Reply | Repeat | Refuse | Post | Release | Reopen


@dataclass(slots=True)
class _Writing:
    """A change that the journal was given and has not confirmed.

    Attributes:
        entry: The message that it is about, if it is about one.
        outcome: What came of that; None when it is only being taken.
        parcels: What it sent, by number.
        then: What else waits for this change, and for all before it.
    """

    entry: Entry | None = None
    outcome: Outcome | None = None
    parcels: dict[int, Parcel] = field(default_factory=dict)
    then: list[Effect] = field(default_factory=list)


class Transactions:
    """Decides what of each message is written, and what may leave once it is.

    A tell is written to the inbox before anybody is told that it is taken, and before it is
    handled. What comes of a handler is one change: its message leaves the inbox; state, answer
    and parcels are written. Handlers do not wait for each other's changes: while one is being
    written the next message is handled. So when a change is lost, all that was handled since is
    lost with it: tells that were taken are handled again, asks are refused.

    Args:
        contents: What the journal held when it was opened.
        window: Seconds for which the answer to a key is kept if nobody settles it.
        now: The node's time.
        capacity: Most keys remembered; a full table refuses new ones and forgets none.
    """

    def __init__(
        self, contents: Contents, *, window: float, now: float, capacity: int = KEYS_KEPT
    ) -> None:
        self._window = window
        self._capacity = capacity
        self._entries: dict[str, Entry] = {}
        self._answers = {key: (answer, now) for key, answer in contents.answers.items()}
        self._waits: dict[Any, Entry] = {}
        self._arriving: deque[Entry] = deque()
        self._writing: deque[_Writing] = deque()
        self._again: list[Entry] = []
        self._posted = dict(contents.outbox)
        self._drops: list[RecordId] = []
        self._number = contents.last
        self._base = 0
        self.broken: StateError | None = None
        self._failure: StateError | None = None

    @property
    def is_writing(self) -> bool:
        """Whether a change has not been confirmed."""
        return bool(self._writing)

    @property
    def keys(self) -> int:
        """How many keys are known."""
        return len(self._entries) + len(self._answers)

    def begin(self, contents: Contents) -> list[Effect]:
        """Go on with what the journal held: its parcels, then its inbox."""
        effects: list[Effect] = [Post(n, parcel) for n, parcel in contents.outbox.items()]
        for number, tell in contents.inbox.items():
            entry = Entry(number, tell.key, tell, stage=Stage.WAITING)
            if tell.key:
                self._entries[tell.key] = entry
            effects.append(Handle(entry))
        return effects

    # Messages come.

    def ask(self, key: str, waiter: Any) -> list[Effect]:
        """An ask has come."""
        repeated = self._repeated(key, waiter)
        if repeated is not None:
            return repeated
        self._arriving.append(self._enter(key, None, waiter))
        return self._pass_on()

    def tell(self, tell: StoredTell, waiter: Any) -> list[Effect]:
        """A tell has come."""
        repeated = self._repeated(tell.key, waiter)
        if repeated is not None:
            return repeated
        entry = self._enter(tell.key, tell, waiter)
        self._arriving.append(entry)
        return self._write(_Writing(entry), Change(put=(record(inbox_id(entry.number), tell),)))

    def _repeated(self, key: str, waiter: Any) -> list[Effect] | None:
        """Return what is done about a message that is known by its key, or can not be taken."""
        if key in self._answers:
            return [GiveBack(waiter), Repeat(waiter, self._answers[key][0])]
        entry = self._entries.get(key)
        if entry is not None:
            if entry.tell is not None and entry.stage is not Stage.ARRIVING:
                return [GiveBack(waiter), Acknowledge(waiter)]  # it is in the inbox
            self._wait_for(entry, waiter)
            return [GiveBack(waiter)]
        if self.broken is not None:
            return [GiveBack(waiter), Refuse(waiter, self.broken)]
        if key and self.keys >= self._capacity:
            return [GiveBack(waiter), Refuse(waiter, None)]
        return None

    def _enter(self, key: str, tell: StoredTell | None, waiter: Any) -> Entry:
        entry = Entry(self._next(), key, tell, waiter)
        self._wait_for(entry, waiter)
        if key:
            self._entries[key] = entry
        return entry

    def _wait_for(self, entry: Entry, waiter: Any) -> None:
        entry.waiters.append(waiter)
        self._waits[waiter] = entry

    def _pass_on(self) -> list[Effect]:
        """Hand on what has arrived, in order: asks wait for the tells before them."""
        effects: list[Effect] = []
        while self._arriving and self._arriving[0].tell is None:
            entry = self._arriving.popleft()
            entry.stage = Stage.WAITING
            effects.append(Handle(entry))
        return effects

    def withdraw(self, waiter: Any) -> Entry | None:
        """A caller has gone; return its message if nobody wants that any more.

        A tell goes on all the same; so does what has a key, for whoever comes back with that, and
        what has been decided.
        """
        entry = self._waits.pop(waiter, None)
        if entry is None:
            return None
        entry.waiters.remove(waiter)
        if entry.tell is not None or entry.key or entry.stage is Stage.DECIDED:
            return None
        self._forget(entry)
        if entry.stage is Stage.ARRIVING:
            self._arriving.remove(entry)
        return entry

    # Messages are handled.

    def started(self, entry: Entry) -> None:
        """Its handler begins."""
        entry.base = self._base

    def finished(self, entry: Entry, outcome: Outcome, now: float) -> list[Effect]:
        """Its handler is done, well or badly; the outcome has what is to be written."""
        if self.broken is not None or entry.base != self._base:
            return self._undo(entry)
        entry.stage = Stage.DECIDED
        parcels = {self._next(): parcel for parcel in outcome.parcels}
        writing = _Writing(entry, outcome, parcels)
        put = [*outcome.put, *(record(outbox_id(n), parcel) for n, parcel in parcels.items())]
        drop = list(outcome.drop)
        if entry.tell is not None:
            drop.append(inbox_id(entry.number))
        if entry.key and outcome.answer is not None:
            put.append(record(answer_id(entry.key), outcome.answer))
        if put or drop:
            self._expire(now)
            drop += self._drops
            self._drops = []
            return self._write(writing, Change(put=tuple(put), drop=tuple(drop)))
        effects = self._concluded(writing, now)
        if not self._writing:
            return effects
        self._writing[-1].then += effects  # it may tell of what is not written yet
        return []

    def refused(self, entry: Entry, error: PasselError, *, keep: bool) -> list[Effect]:
        """It was not handled, by the runtime's own decision; a tell is kept for a later life, or not."""
        effects = self._refuse(entry, error)
        if entry.tell is None or keep or self.broken is not None:
            return effects
        return [*effects, *self._write(_Writing(), Change(drop=(inbox_id(entry.number),)))]

    def _concluded(self, writing: _Writing, now: float) -> list[Effect]:
        """What came of a message stands: let out what waited for that."""
        entry, outcome = writing.entry, writing.outcome
        assert entry is not None, "an outcome is that of a message"
        assert outcome is not None, "it was decided"
        self._forget(entry)
        if entry.key and outcome.answer is not None:
            self._answers[entry.key] = (outcome.answer, now)
        self._posted.update(writing.parcels)
        effects: list[Effect] = [Reply(w, outcome.reply) for w in self._release(entry)]
        effects += (Post(number, parcel) for number, parcel in writing.parcels.items())
        effects += (Release(what) for what in outcome.then)
        return effects

    def delivered(self, number: int, what: Any = None) -> list[Effect]:
        """A parcel was taken, or cannot be; do `what` when it will not be sent again."""
        if self._posted.pop(number, None) is None or self.broken is not None:
            return []
        writing = _Writing(then=[] if what is None else [Release(what)])
        return self._write(writing, Change(drop=(outbox_id(number),)))

    def settled(self, key: str) -> None:
        """The sender will not send this again; its record, if any, goes with the next change."""
        if self._answers.pop(key, None) is not None:
            self._drops.append(answer_id(key))
            return
        entry = self._entries.pop(key, None)
        if entry is not None:
            entry.key = ""

    def _expire(self, now: float) -> None:
        """Forget answers that nobody has settled in time; the oldest stand first."""
        while self._answers:
            key = next(iter(self._answers))
            if self._answers[key][1] + self._window > now:
                return
            self.settled(key)

    # Changes are written, or not.

    def written(self, now: float) -> list[Effect]:
        """The oldest change has been confirmed."""
        writing = self._writing.popleft()
        effects: list[Effect] = []
        if writing.outcome is not None:
            effects += self._concluded(writing, now)
        elif writing.entry is not None:
            effects += self._taken(writing.entry)
        return effects + writing.then

    def _taken(self, entry: Entry) -> list[Effect]:
        """A tell is in the inbox; it is the first of those that arrive, as changes have an order."""
        first = self._arriving.popleft()
        assert first is entry, "tells are taken in order"
        entry.stage = Stage.WAITING
        effects: list[Effect] = [Acknowledge(waiter) for waiter in self._release(entry)]
        return [*effects, Handle(entry), *self._pass_on()]

    def lost(self, error: StateError) -> list[Effect]:
        """A change could not be written, and with it all that were handed in after it."""
        self.broken = self._failure = error
        effects: list[Effect] = []
        writing, self._writing = self._writing, deque()
        for change in writing:
            if change.outcome is not None and change.entry is not None:
                effects += self._undo(change.entry)
            elif change.entry is not None:
                self._arriving.remove(change.entry)
                effects.append(GiveBack(change.entry.request))
                effects += self._refuse(change.entry, error)
            effects += (e for e in change.then if isinstance(e, Reply))
        effects = [Refuse(e.waiter, error) if isinstance(e, Reply) else e for e in effects]
        return [*effects, *self._pass_on(), Reopen(error)]

    def _undo(self, entry: Entry) -> list[Effect]:
        """What came of a message is void: it was built on what is not written."""
        if entry.tell is not None:
            entry.stage = Stage.WAITING
            if self.broken is None:
                return [Handle(entry, again=True)]
            self._again.append(entry)
            return []
        assert self._failure is not None, "something was lost"
        return self._refuse(entry, self._failure)

    def _refuse(self, entry: Entry, error: PasselError) -> list[Effect]:
        self._forget(entry)
        return [Refuse(waiter, error) for waiter in self._release(entry)]

    def reopened(self, contents: Contents, now: float) -> list[Effect]:
        """The journal is open again: go on from what it holds.

        A disk may fail after it has written, so that what was lost may be there all the same.
        """
        self.broken = None
        self._base += 1
        self._drops = []
        effects: list[Effect] = []
        for number, parcel in contents.outbox.items():
            if number not in self._posted:
                effects.append(Post(number, parcel))
        self._posted = dict(contents.outbox)
        again, self._again = self._again, []
        for entry in reversed(again):  # the last goes in first, so that the first is in front
            if entry.number in contents.inbox:
                effects.append(Handle(entry, again=True))
            else:
                self._forget(entry)
        known = self._answers
        self._answers = {
            key: (answer, known.get(key, (answer, now))[1])
            for key, answer in contents.answers.items()
        }
        self._number = max(self._number, contents.last)
        return effects

    def _release(self, entry: Entry) -> list[Any]:
        """Return those who wait for a message; they wait no more."""
        waiters, entry.waiters = entry.waiters, []
        for waiter in waiters:
            self._waits.pop(waiter, None)
        return waiters

    def _write(self, writing: _Writing, change: Change) -> list[Effect]:
        self._writing.append(writing)
        return [Write(change)]

    def _forget(self, entry: Entry) -> None:
        if entry.key and self._entries.get(entry.key) is entry:
            del self._entries[entry.key]

    def _next(self) -> int:
        self._number += 1
        return self._number
