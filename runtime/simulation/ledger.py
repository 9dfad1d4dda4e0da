"""What durable actors have promised, and what is on the disk: nothing is lost, nothing applied twice.

It is kept apart from what the actors know themselves. A message goes by the key that it is sent with,
or by its number when it has none; what comes of it is seen where it is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable  # noqa: TC003  # a dataclass field's type
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ..durable.memory import MemoryDisk
from ..durable.records import INBOX, OUTBOX, Packed, Parcel, StoredTell
from ..durable.store import Change  # noqa: TC001  # a dataclass field's type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..node.sending import Sending

    Fail = Callable[[str, str], None]

LOST: Final = "no acknowledged message is lost"
TWICE: Final = "no durable message is applied twice"
ORDER: Final = "messages keep their order"


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of a message, as it is handed in.

    Attributes:
        message: Which message.
        what: The message in words.
        state: The actor's state then.
        edge: Whose messages to the actor keep their order; None for what was sent again.
        number: Its place in that order.
    """

    message: str
    what: str
    state: Packed
    edge: Hashable
    number: int


@dataclass(slots=True)
class Handed:
    """A change that is on its way to the disk, and messages whose answers wait for it too."""

    change: Change
    decision: Decision
    followers: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Account:
    """What is known of one durable actor, over all its lives.

    Attributes:
        inbox: The tells in its inbox on the disk, by what their records are filed under.
        outbox: What it has sent and nobody is known to have taken, likewise.
        taken: How often a tell was put into its inbox.
        applied: How often what came of a message was written.
        uses: How often a key was used for something new, when that is more than once.
        answered: Keys that their senders have an answer to.
        refused: Tells that the runtime refused to handle, as dead letters.
        pending: Messages that were handled, and must not be answered yet.
        state: The actor's state as of the last message that was written.
        order: The latest message that was written, by edge.
    """

    inbox: dict[str, str] = field(default_factory=dict)
    outbox: dict[str, Parcel] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    applied: Counter[str] = field(default_factory=Counter)
    uses: Counter[str] = field(default_factory=Counter)
    answered: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    pending: set[str] = field(default_factory=set)
    state: Packed | None = None
    order: dict[Hashable, int] = field(default_factory=dict)

    def is_too_often(self, message: str, times: int) -> bool:
        """Return whether that is more often than the message was meant."""
        return times > 1 + self.uses[message]


class Ledger:
    """Keeps an account of every durable actor of a world, and tells what does not add up.

    Args:
        fail: Told of an invariant that does not hold, and of what happened.
        lives: Says whether there is an actor of a name.
    """

    def __init__(self, fail: Fail, lives: Callable[[str], bool]) -> None:
        self._fail = fail
        self._lives = lives
        self._accounts: dict[str, Account] = {}
        self._open: dict[int, Handed] = {}

    def account(self, actor: str) -> Account:
        """Return the account of an actor, made when it is first asked for."""
        found = self._accounts.get(actor)
        if found is None:
            found = self._accounts[actor] = Account()
        return found

    def waiting(self, actor: str) -> tuple[int, int]:
        """Return how many tells wait on the disk: to be handled, and to be taken by who lives."""
        account = self.account(actor)
        parcels = account.outbox.values()
        return len(account.inbox), sum(self._lives(parcel.target.actor) for parcel in parcels)

    # What senders know.

    def begin(self, actor: str, message: str) -> None:
        """A call with the sender's own key begins: after an answer it is meant anew."""
        account = self.account(actor)
        if message in account.answered:
            account.answered.remove(message)
            account.uses[message] += 1

    def answered(self, actor: str, message: str) -> None:
        """A sender has an answer, and may use the key for something else."""
        self.account(actor).answered.add(message)

    def acknowledged(self, sending: Sending, message: str, *, taken: bool) -> None:
        """A sender was told that a tell is taken, or what an ask came to: that must be written."""
        account = self.account(sending.target.address.actor)
        if taken:
            is_written = message in account.taken
        elif sending.key:
            is_written = message in account.applied
        else:
            is_written = message not in account.pending
        if not is_written:
            self._fail(LOST, f"{sending.what} is acknowledged, and not on the disk")

    # What actors hand in.

    def decided(self, actor: str, change: Change, decision: Decision) -> None:
        """What came of a message is handed to the journal."""
        self._open[id(change)] = Handed(change, decision)
        self.account(actor).pending.add(decision.message)

    def follows(self, actor: str, change: Change | None, message: str) -> None:
        """Nothing is to be written of a message; it is answered after what was handed in before."""
        handed = self._open.get(id(change))
        if handed is not None:
            handed.followers.append(message)
            self.account(actor).pending.add(message)

    def refused(self, actor: str, message: str) -> None:
        """The runtime does not handle a tell that was taken; it is a dead letter."""
        self.account(actor).refused.add(message)

    def restored(self, actor: str, state: Packed, same: Callable[[Packed, Packed], bool]) -> None:
        """An actor was brought to what its journal holds, which must be what was written."""
        account = self.account(actor)
        if not account.applied:
            account.state = state
        elif account.state is not None and not same(account.state, state):
            self._fail(LOST, f"{actor} is not what it was when its state was written last")

    # What the disk does.

    def written(self, actor: str, change: Change) -> None:
        """A change is on the disk."""
        account = self.account(actor)
        for record in change.put:
            if record.id.kind == INBOX:
                self._taken(account, record.id.key, record.value)
            elif record.id.kind == OUTBOX:
                parcel = msgspec.msgpack.decode(record.value, type=Parcel)
                account.outbox[record.id.key] = parcel
        handed = self._open.pop(id(change), None)
        decision = None if handed is None else handed.decision
        for dropped in change.drop:
            if dropped.kind == INBOX:
                message = account.inbox.pop(dropped.key, "")
                was_handled = decision is not None and decision.message == message
                if message and not was_handled and message not in account.refused:
                    self._fail(LOST, f"{actor} drops a tell that it has not handled: {message}")
            elif dropped.kind == OUTBOX and (sent := account.outbox.pop(dropped.key, None)):
                self._delivered(actor, sent)
        if handed is not None:
            account.pending.difference_update(handed.followers)
            self._applied(account, handed.decision)

    def _taken(self, account: Account, key: str, value: bytes) -> None:
        tell = msgspec.msgpack.decode(value, type=StoredTell)
        message = account.inbox[key] = message_of(tell.key, tell.trace)
        account.taken[message] += 1
        if account.is_too_often(message, account.taken[message]):
            self._fail(TWICE, f"{tell.method} from {tell.source} is taken twice: {message}")

    def _delivered(self, actor: str, parcel: Parcel) -> None:
        """A parcel is done with: a durable actor that lives has taken it."""
        target = parcel.target
        message = scoped(f"/{actor}", parcel.method, parcel.key)
        was_taken = not target.durable or message in self.account(target.actor).taken
        if not was_taken and self._lives(target.actor):
            what = f"{parcel.method} from {actor} to {target.actor}"
            self._fail(LOST, f"{what} is sent no more, and was not taken: {message}")

    def _applied(self, account: Account, decision: Decision) -> None:
        message = decision.message
        account.state = decision.state
        account.applied[message] += 1
        account.pending.discard(message)
        if account.is_too_often(message, account.applied[message]):
            self._fail(TWICE, f"{decision.what}: {message}")
        if decision.edge is None:
            return
        last = account.order.get(decision.edge, 0)
        if decision.number < last:
            order = f"it was sent as number {decision.number}, and {last} was applied before"
            self._fail(ORDER, f"{decision.what}: {order}")
        account.order[decision.edge] = decision.number


class WatchedDisk(MemoryDisk):
    """A disk that tells a ledger what is written."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger

    def write(self, actor: str, epoch: int, changes: Sequence[Change]) -> None:
        """Carry out changes, and tell of them."""
        super().write(actor, epoch, changes)
        for change in changes:
            self._ledger.written(actor, change)


def message_of(scoped_key: str, number: bytes) -> str:
    """Return what a message goes by: its sender's key, else its number."""
    return scoped_key or f"number {int.from_bytes(number, 'big')}"


def scoped(source: str, method: str, key: str) -> str:
    """Return a key with whose it is, as durable actors keep it; a named actor's is its own."""
    if not key:
        return ""
    actor = source.partition("/")[2]
    sender = actor if actor and "#" not in actor else source
    return f"{sender} {method} {key}"


def same_value(codec: Any, one: Packed, other: Packed) -> bool:
    """Return whether two states are the same: as bytes, or at least as values."""
    if one == other:
        return True
    return bool(
        one.frames == other.frames
        and codec.decode(one.body, Any, one.frames) == codec.decode(other.body, Any, other.frames)
    )
