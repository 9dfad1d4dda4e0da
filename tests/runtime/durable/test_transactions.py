"""What becomes of each message of a durable actor, decided without disk, task or socket."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from passel.protocols.address import Address
from passel.protocols.errors import JournalError, MailboxFullError, StateError
from passel.runtime.durable.records import (
    STATE,
    Contents,
    Packed,
    Parcel,
    StoredAnswer,
    StoredTell,
    read,
    record,
)
from passel.runtime.durable.store import Change, Record, RecordId
from passel.runtime.durable.transactions import (
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

if TYPE_CHECKING:
    from passel.runtime.durable.transactions import Effect

NOTHING = Packed(b"\xc0")
FULL: StateError = JournalError("ledger.db", "the disk is full", "free space")


def tell(key: str = "", identity: str = "t") -> StoredTell:
    return StoredTell(key, identity, "n/sender", "add", b"", NOTHING)


def parcel(key: str = "p") -> Parcel:
    return Parcel(key, Address("n", "other", 1), "add", b"", NOTHING)


def transactions(contents: Contents | None = None, window: float = 60.0) -> Transactions:
    return Transactions(contents or Contents(), window=window, now=0.0)


def handled(effects: list[Effect]) -> list[Entry]:
    return [effect.entry for effect in effects if isinstance(effect, Handle)]


def kinds(effects: list[Effect]) -> list[type]:
    return [type(effect) for effect in effects]


def changed(effects: list[Effect]) -> Change:
    (write,) = (effect for effect in effects if isinstance(effect, Write))
    return write.change


def state(value: bytes) -> tuple[Record, ...]:
    return (record(STATE, Packed(value)),)


def test_a_tell_is_acknowledged_and_handled_once_it_is_in_the_inbox() -> None:
    core = transactions()
    assert kinds(core.tell(tell(), "s")) == [Write]
    effects = core.written(0.0)
    assert kinds(effects) == [Acknowledge, Handle]


def test_an_ask_is_handled_at_once_and_answered_when_its_outcome_is_written() -> None:
    core = transactions()
    (entry,) = handled(core.ask("", "caller"))
    core.started(entry)
    effects = core.finished(entry, Outcome("7", put=state(b"7")), 0.0)
    assert kinds(effects) == [Write]
    assert core.written(0.0) == [Reply("caller", "7")]


def test_an_ask_does_not_overtake_a_tell_that_is_being_written() -> None:
    core = transactions()
    core.tell(tell(), "s")
    assert core.ask("", "s") == []
    first, second = handled(core.written(0.0))
    assert first.tell is not None
    assert second.tell is None


def test_what_a_tell_did_and_its_leaving_the_inbox_are_one_change() -> None:
    core = transactions()
    core.tell(tell(), "s")
    (entry,) = handled(core.written(0.0))
    core.started(entry)
    change = changed(core.finished(entry, Outcome("", put=state(b"7")), 0.0))
    assert [r.id for r in change.put] == [STATE]
    assert [i.kind for i in change.drop] == ["inbox"]


def test_messages_are_handled_while_the_outcome_of_those_before_is_being_written() -> None:
    core = transactions()
    for caller in ("a", "b", "c"):
        (entry,) = handled(core.ask("", caller))
        core.started(entry)
        assert kinds(core.finished(entry, Outcome(caller, put=state(b"x")), 0.0)) == [Write]
    assert [core.written(0.0) for _ in range(3)] == [[Reply(c, c)] for c in ("a", "b", "c")]


def test_an_answer_that_changes_nothing_waits_for_what_it_may_have_seen() -> None:
    core = transactions()
    (writer,) = handled(core.ask("", "writer"))
    (reader,) = handled(core.ask("", "reader"))
    core.started(writer)
    core.finished(writer, Outcome("done", put=state(b"7")), 0.0)
    core.started(reader)
    assert core.finished(reader, Outcome("7"), 0.0) == []
    assert core.written(0.0) == [Reply("writer", "done"), Reply("reader", "7")]


def test_an_answer_that_changes_nothing_leaves_at_once_when_nothing_is_being_written() -> None:
    core = transactions()
    (reader,) = handled(core.ask("", "reader"))
    core.started(reader)
    assert core.finished(reader, Outcome("7"), 0.0) == [Reply("reader", "7")]


def test_parcels_leave_once_they_are_written_and_stay_until_they_are_taken() -> None:
    core = transactions()
    (entry,) = handled(core.ask("", "caller"))
    core.started(entry)
    change = changed(core.finished(entry, Outcome("", parcels=(parcel(),), then=("t",)), 0.0))
    assert [r.id.kind for r in change.put] == ["outbox"]
    reply, post, then = core.written(0.0)
    assert (type(reply), type(post), then) == (Reply, Post, Release("t"))
    assert isinstance(post, Post)
    assert changed(core.delivered(post.number)).drop == (change.put[0].id,)
    assert core.delivered(post.number) == []


def test_a_key_is_answered_from_the_journal_when_it_comes_again() -> None:
    core = transactions()
    (entry,) = handled(core.ask("k", "caller"))
    assert core.ask("k", "again") == [GiveBack("again")]
    core.started(entry)
    answer = StoredAnswer(Packed(b"\x07"))
    change = changed(core.finished(entry, Outcome("7", answer, put=state(b"7")), 0.0))
    assert [r.id.kind for r in change.put] == ["state", "answer"]
    assert kinds(core.ask("k", "while it is written")) == [GiveBack]
    assert [e.waiter for e in core.written(0.0) if isinstance(e, Reply)] == [
        "caller",
        "again",
        "while it is written",
    ]
    assert core.ask("k", "later") == [GiveBack("later"), Repeat("later", answer)]


def test_a_tell_that_comes_again_is_acknowledged_once_it_is_in_the_inbox() -> None:
    core = transactions()
    core.tell(tell("k"), "first")
    assert kinds(core.tell(tell("k"), "second")) == [GiveBack]
    assert kinds(core.written(0.0)) == [Acknowledge, Acknowledge, Handle]
    assert core.tell(tell("k"), "third") == [GiveBack("third"), Acknowledge("third")]


def test_a_settled_answer_goes_with_the_next_change() -> None:
    core = transactions()
    (entry,) = handled(core.ask("k", "caller"))
    core.started(entry)
    core.finished(entry, Outcome("", StoredAnswer(NOTHING)), 0.0)
    core.written(0.0)
    core.settled("k")
    (entry,) = handled(core.ask("k2", "caller"))
    core.started(entry)
    change = changed(core.finished(entry, Outcome("", StoredAnswer(NOTHING)), 0.0))
    assert change.drop == (RecordId("answer", "k"),)


def test_a_key_that_is_settled_before_its_outcome_leaves_no_record() -> None:
    core = transactions()
    core.tell(tell("k"), "s")
    (entry,) = handled(core.written(0.0))
    core.settled("k")
    core.started(entry)
    change = changed(core.finished(entry, Outcome("", StoredAnswer(NOTHING), put=state(b"")), 0.0))
    assert [r.id.kind for r in change.put] == ["state"]
    assert core.keys == 0


def test_a_full_table_refuses_new_keys_and_forgets_none() -> None:
    contents = Contents(answers={"old": StoredAnswer(NOTHING)})
    core = Transactions(contents, window=60.0, now=0.0, capacity=1)
    assert core.ask("new", "caller") == [GiveBack("caller"), Refuse("caller", None)]
    assert kinds(core.ask("old", "caller")) == [GiveBack, Repeat]


def test_an_answer_that_nobody_settles_is_forgotten_after_the_window() -> None:
    core = transactions(Contents(answers={"old": StoredAnswer(NOTHING)}), window=60.0)
    (entry,) = handled(core.ask("new", "caller"))
    core.started(entry)
    change = changed(core.finished(entry, Outcome("", StoredAnswer(NOTHING)), 61.0))
    assert change.drop == (RecordId("answer", "old"),)
    core.written(61.0)
    assert core.keys == 1


def test_a_lost_change_refuses_asks_and_handles_taken_tells_again_in_order() -> None:
    core = transactions()
    contents = Contents()
    entries = []
    for number in (1, 2):
        contents.inbox[number] = tell(identity=str(number))
        core.tell(contents.inbox[number], "s")
        entries += handled(core.written(0.0))
    entries += handled(core.ask("", "caller"))
    for entry in entries:
        core.started(entry)
        core.finished(entry, Outcome("", put=state(b"x")), 0.0)
    assert core.lost(FULL) == [Refuse("caller", FULL), Reopen(FULL)]
    again = [e for e in core.reopened(contents, 0.0) if isinstance(e, Handle)]
    assert [e.again for e in again] == [True, True]
    assert [e.entry for e in again] == [entries[1], entries[0]], "the last goes in front first"


def test_a_tell_that_could_not_be_written_is_refused() -> None:
    core = transactions()
    core.tell(tell(), "s")
    core.ask("", "caller")
    effects = core.lost(FULL)
    assert kinds(effects) == [GiveBack, Refuse, Handle, Reopen]
    assert effects[1] == Refuse("s", FULL)


def test_a_broken_journal_refuses_what_comes_at_once() -> None:
    core = transactions()
    core.tell(tell(), "s")
    core.lost(FULL)
    assert core.ask("", "caller") == [GiveBack("caller"), Refuse("caller", FULL)]
    assert core.tell(tell(), "other") == [GiveBack("other"), Refuse("other", FULL)]
    core.reopened(Contents(), 0.0)
    assert kinds(core.ask("", "caller")) == [Handle]


def test_a_handler_that_began_before_a_change_was_lost_does_not_count() -> None:
    core = transactions()
    (first,) = handled(core.ask("", "first"))
    (second,) = handled(core.ask("", "second"))
    core.started(first)
    core.finished(first, Outcome("", put=state(b"1")), 0.0)
    core.started(second)
    core.lost(FULL)
    core.reopened(Contents(), 0.0)
    assert core.finished(second, Outcome("", put=state(b"2")), 0.0) == [Refuse("second", FULL)]


def test_a_change_that_was_called_lost_but_is_there_counts() -> None:
    """A disk may fail after it has written."""
    core = transactions()
    core.tell(tell("k"), "s")
    (entry,) = handled(core.written(0.0))
    core.started(entry)
    core.finished(entry, Outcome("", StoredAnswer(NOTHING), parcels=(parcel(),)), 0.0)
    core.lost(FULL)
    there = Contents(answers={"k": StoredAnswer(NOTHING)}, outbox={2: parcel()})
    assert core.reopened(there, 0.0) == [Post(2, parcel())]
    assert core.tell(tell("k"), "again")[1:] == [Repeat("again", StoredAnswer(NOTHING))]


def test_an_ask_whose_caller_has_gone_is_withdrawn() -> None:
    core = transactions()
    (entry,) = handled(core.ask("", "one"))
    assert core.withdraw("one") is entry
    assert core.withdraw("one") is None


def test_what_is_decided_or_taken_or_has_a_key_is_not_withdrawn() -> None:
    core = transactions()
    (keyed,) = handled(core.ask("k", "one"))
    assert core.withdraw("one") is None
    core.started(keyed)
    assert kinds(core.finished(keyed, Outcome("", StoredAnswer(NOTHING)), 0.0)) == [Write]
    assert core.written(0.0) == []
    core.tell(tell(), "sender")
    assert core.withdraw("sender") is None
    (entry,) = handled([*core.written(0.0), *core.ask("", "caller")][-1:])
    core.started(entry)
    core.finished(entry, Outcome("", put=state(b"x")), 0.0)
    assert core.withdraw("caller") is None


def test_a_refused_tell_leaves_the_inbox_unless_it_is_kept_for_a_later_life() -> None:
    core = transactions()
    error = MailboxFullError("n/a", 1)
    for _ in range(2):
        core.tell(tell(), "s")
    (first,), (second,) = handled(core.written(0.0)), handled(core.written(0.0))
    assert core.refused(first, error, keep=True) == []
    assert kinds(core.refused(second, error, keep=False)) == [Write]


def test_a_journal_is_gone_on_from() -> None:
    contents = Contents(inbox={3: tell("k")}, outbox={5: parcel()})
    core = transactions(contents)
    assert kinds(core.begin(contents)) == [Post, Handle]
    assert core.tell(tell("k"), "again")[1:] == [Acknowledge("again")]
    change = changed(core.tell(tell(), "s"))
    assert change.put[0].id.key > f"{5:016x}"


class Counter:
    """A counter on a disk that fails, and callers who repeat what was not confirmed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.disk: dict[RecordId, bytes] = {}
        self.pending: list[Change] = []
        self.failed = False
        self.mailbox: list[Entry] = []
        self.value = 0
        self.open: dict[str, str] = {}  # by waiter, the key that it waits for
        self.confirmed: list[str] = []
        self.applied: list[str] = []
        self.core = self.restart()

    def restart(self) -> Transactions:
        self.core = Transactions(self.contents(), window=1e9, now=0.0)
        self.pending, self.mailbox, self.failed = [], [], False
        self.load()
        self.carry_out(self.core.begin(self.contents()))
        return self.core

    def contents(self) -> Contents:
        return read(Record(i, v) for i, v in sorted(self.disk.items()))

    def load(self) -> None:
        held = self.contents().state
        self.applied = held.body.decode().split() if held else []

    def carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Write(change):
                    self.pending.append(change)
                case Handle(entry, again):
                    self.mailbox.insert(0 if again else len(self.mailbox), entry)
                case Acknowledge(waiter) | Reply(waiter, _) | Repeat(waiter, _):
                    self.confirmed.append(self.open.pop(waiter))
                case Refuse(waiter, _):
                    self.open.pop(waiter)
                case _:
                    pass

    def send(self, number: int) -> None:
        key = self.random.choice(self.keys(number))
        waiter = f"w{number}"
        self.open[waiter] = key
        if key.startswith("t"):
            self.carry_out(self.core.tell(tell(key, key), waiter))
        else:
            self.carry_out(self.core.ask(key, waiter))

    def keys(self, number: int) -> list[str]:
        again = [key for key in (f"a{number - 3}", f"t{number - 5}") if key not in self.confirmed]
        return [f"a{number}", f"t{number}", *again]

    def handle(self) -> None:
        if not self.mailbox or self.core.broken:
            return
        entry = self.mailbox.pop(0)
        self.core.started(entry)
        self.applied.append(entry.key)
        outcome = Outcome("", StoredAnswer(NOTHING), put=state(" ".join(self.applied).encode()))
        self.carry_out(self.core.finished(entry, outcome, 0.0))

    def write(self) -> None:
        """Write a few changes, or fail; a failing disk may have written all the same."""
        if self.core.broken:
            self.load()
            self.pending, self.failed = [], False
            self.carry_out(self.core.reopened(self.contents(), 0.0))
            return
        for _ in range(self.random.randint(0, len(self.pending))):
            change = self.pending.pop(0)
            fails = self.random.random() < 0.05
            if not fails or self.random.random() < 0.3:
                for id_ in change.drop:
                    self.disk.pop(id_, None)
                for entry in change.put:
                    self.disk[entry.id] = entry.value
            if fails:
                self.carry_out(self.core.lost(FULL))
                return
            self.carry_out(self.core.written(0.0))

    def run(self, steps: int) -> None:
        for number in range(steps):
            choice: Any = self.random.choice([self.handle, self.handle, self.write, None])
            if choice is None:
                self.send(number)
            else:
                choice()
            if self.random.random() < 0.02:  # SIGKILL: callers hear nothing
                self.open.clear()
                self.restart()
        while self.pending or self.mailbox or self.core.broken:
            self.handle()
            self.write()


@pytest.mark.parametrize("seed", range(60))
def test_whatever_fails_what_was_confirmed_took_effect_exactly_once(seed: int) -> None:
    counter = Counter(seed)
    counter.run(250)
    counter.load()
    assert set(counter.confirmed) <= set(counter.applied)
    assert len(counter.applied) == len(set(counter.applied))
