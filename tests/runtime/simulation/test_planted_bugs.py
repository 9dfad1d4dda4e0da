"""The simulator finds bugs: each of these is put into the runtime, and must be caught in time.

Patching the runtime is what is tested here: a bug is a method that does a little less, or more.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from passel.runtime.delivery.keys import KeyTable, Run
from passel.runtime.delivery.reliability import GoBackN
from passel.runtime.delivery.wheel import DeadlineWheel
from passel.runtime.durable.grouping import GroupedJournal
from passel.runtime.durable.state import SavedState
from passel.runtime.durable.transactions import Handle, Stage, Transactions
from passel.runtime.memory.slots import SlotPool
from passel.runtime.node.cell import Cell
from passel.runtime.node.durable_cell import DurableCell
from passel.runtime.node.durable_message import DurableMessage
from passel.runtime.node.keyed import Keyed
from passel.runtime.node.link import Link
from passel.runtime.node.outbox import deliver
from passel.runtime.node.receiver import Receiver
from passel.runtime.node.recovery import Recovery
from passel.runtime.node.retrying import Retrying
from passel.runtime.node.target import Lane, RemoteTarget
from passel.runtime.simulation import Invariants, simulate
from passel.runtime.simulation.experiment import experiment_of
from passel.runtime.simulation.process import SimulatedProcess
from passel.runtime.supervision.policy import RestartPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from passel.runtime.durable.store import Change

    Plant = Callable[[pytest.MonkeyPatch], None]

FILE = Path(__file__).parent / "mixed.yaml"
SEEDS = 500


def lost_credit(patch: pytest.MonkeyPatch) -> None:
    """Places are given back, and that is not told."""
    patch.setattr(Link, "_give_back", lambda link: link._taken.clear())


def reordered_lane(patch: pytest.MonkeyPatch) -> None:
    """What waits for a place leaves in the wrong order."""

    def park(lane: Lane, sending: Any) -> None:
        if lane.parked is None:
            lane.parked = deque()
        lane.parked.appendleft(sending)

    patch.setattr(Lane, "park", park)


def forgotten_key(patch: pytest.MonkeyPatch) -> None:
    """A request that comes again under its key is handled again."""
    patch.setattr(KeyTable, "enter", lambda *_: Run())


def forgotten_durable_key(patch: pytest.MonkeyPatch) -> None:
    """A durable actor does not know the messages that it has taken."""
    patch.setattr(Transactions, "_repeated", lambda _core, _key, _waiter: None)


def old_incarnation_accepted(patch: pytest.MonkeyPatch) -> None:
    """A message for a former life of an actor goes to the present one."""
    real = Receiver._request

    def request(receiver: Receiver, link: Link, message: Any, frames: Any) -> None:
        cell = receiver._node.cells.get(message.target)
        if cell is not None:
            message = msgspec.structs.replace(message, incarnation=cell.address.incarnation)
        real(receiver, link, message, frames)

    patch.setattr(Receiver, "_request", request)


def lost_cancel(patch: pytest.MonkeyPatch) -> None:
    """Who no longer waits does not say so."""
    patch.setattr(
        RemoteTarget, "cancel", lambda target, sending: target.link.pending.pop(sending.id, None)
    )


def double_restart(patch: pytest.MonkeyPatch) -> None:
    """A failed actor is restarted twice."""
    real = Cell.renew

    async def renew(cell: Cell) -> None:
        await real(cell)
        await real(cell)

    patch.setattr(Cell, "renew", renew)


def no_end_of_restarts(patch: pytest.MonkeyPatch) -> None:
    """Failures are forgotten, so that no actor is ever given up."""
    real = RestartPolicy.handle

    def handle(policy: RestartPolicy, event: Any) -> Any:
        policy._failures.clear()
        return real(policy, event)

    patch.setattr(RestartPolicy, "handle", handle)


def slot_reused_under_a_reader(patch: pytest.MonkeyPatch) -> None:
    """A slot of shared memory counts as free while the other process still reads it."""
    patch.setattr(SlotPool, "lend", lambda _slots, _slot, _peer: None)
    patch.setattr(SlotPool, "give_back", lambda _slots, _peer, _segment, _offset: None)


def lost_wake_up(patch: pytest.MonkeyPatch) -> None:
    """Now and then an actor is not told that there is something in its mailbox."""
    real = Cell.wake

    def wake(cell: Cell) -> None:
        if cell.handled % 7 != 6 or cell.address.actor.startswith("@"):
            real(cell)

    patch.setattr(Cell, "wake", wake)


def acknowledged_before_commit(patch: pytest.MonkeyPatch) -> None:
    """A transaction counts as written as soon as it is handed in."""
    real = GroupedJournal.commit

    def commit(journal: GroupedJournal, change: Change) -> asyncio.Future[None]:
        real(journal, change).add_done_callback(lambda written: written.exception())
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    patch.setattr(GroupedJournal, "commit", commit)


def delivered_twice(patch: pytest.MonkeyPatch) -> None:
    """What the network repeats is let through twice."""
    real = GoBackN.accept

    def accept(flow: GoBackN, mark: Any) -> bool:
        return real(flow, mark) or mark.number == flow.received

    patch.setattr(GoBackN, "accept", accept)


def loss_not_mended(patch: pytest.MonkeyPatch) -> None:
    """What the network loses is not sent again."""
    patch.setattr(GoBackN, "answer", lambda _flow, _mark: [])


def deadline_ignored(patch: pytest.MonkeyPatch) -> None:
    """Deadlines pass, and nobody is told."""
    patch.setattr(DeadlineWheel, "_turn", lambda _wheel: None)


def failure_kept_to_itself(patch: pytest.MonkeyPatch) -> None:
    """An actor that fails stays as it is, half way through."""

    async def run(recovery: Recovery) -> None:
        recovery._cell.pause()

    patch.setattr(Recovery, "run", run)


def keys_repeat_after_a_restart(patch: pytest.MonkeyPatch) -> None:
    """A node makes the same keys again when the whole runtime is started again."""
    real = Retrying.__init__

    def init(retrying: Retrying, node: Any, make: Any) -> None:
        real(retrying, node, make)
        secret = f"{node.name}/{node.life}".encode()
        retrying._prefix = hashlib.blake2b(secret, digest_size=8).hexdigest()

    patch.setattr(Retrying, "__init__", init)


def orphan_that_stays(patch: pytest.MonkeyPatch) -> None:
    """A node does not notice that its leader is gone."""
    patch.setattr(SimulatedProcess, "orphan", lambda _process: None)


def state_left_out(patch: pytest.MonkeyPatch) -> None:
    """Now and then a durable actor's state is not written with the message that changed it."""
    real = SavedState.advance
    calls = count()

    def advance(saved: SavedState, actor: Any) -> Any:
        found = real(saved, actor)
        return ([], []) if next(calls) % 7 == 6 else found

    patch.setattr(SavedState, "advance", advance)


def inbox_left_behind(patch: pytest.MonkeyPatch) -> None:
    """What an earlier life of a durable actor has taken is not handled."""
    real = Transactions.begin

    def begin(core: Transactions, contents: Any) -> Any:
        return real(core, replace(contents, inbox={}))

    patch.setattr(Transactions, "begin", begin)


def outbox_left_behind(patch: pytest.MonkeyPatch) -> None:
    """What an earlier life of a durable actor has not got rid of is not sent."""
    real = Transactions.begin

    def begin(core: Transactions, contents: Any) -> Any:
        return real(core, replace(contents, outbox={}))

    patch.setattr(Transactions, "begin", begin)


def parcel_sent_too_early(patch: pytest.MonkeyPatch) -> None:
    """What a durable actor's handler tells leaves before it is written."""
    real = DurableMessage.post

    def post(message: DurableMessage, ref: Any, spec: Any, arguments: Any) -> None:
        real(message, ref, spec, arguments)
        durable = message._durable
        parcel = message._parcels.pop()

        async def send() -> None:
            await deliver(durable._node, durable._cell.key, parcel)

        durable._node.start_task(send())

    patch.setattr(DurableMessage, "post", post)


def ask_before_the_tells(patch: pytest.MonkeyPatch) -> None:
    """A durable actor handles an ask before tells that came earlier, and are still being written."""

    def ask(core: Transactions, key: str, waiter: Any) -> Any:
        repeated = core._repeated(key, waiter)
        if repeated is not None:
            return repeated
        entry = core._enter(key, None, waiter)
        entry.stage = Stage.WAITING
        return [Handle(entry)]

    patch.setattr(Transactions, "ask", ask)


def keyed_first(patch: pytest.MonkeyPatch) -> None:
    """A request with a key is handled before those that came earlier."""
    real = Cell.enqueue

    def enqueue(cell: Cell, request: Any, *, first: bool = False) -> None:
        real(cell, request, first=first or isinstance(request, Keyed))

    patch.setattr(Cell, "enqueue", enqueue)


def traces_of_failure(patch: pytest.MonkeyPatch) -> None:
    """A durable actor keeps what a handler did before it raised."""
    patch.setattr(DurableCell, "roll_back", lambda _durable: None)


BUGS = [
    lost_credit,
    reordered_lane,
    forgotten_key,
    forgotten_durable_key,
    old_incarnation_accepted,
    lost_cancel,
    double_restart,
    no_end_of_restarts,
    slot_reused_under_a_reader,
    lost_wake_up,
    acknowledged_before_commit,
    delivered_twice,
    loss_not_mended,
    deadline_ignored,
    failure_kept_to_itself,
    keys_repeat_after_a_restart,
    orphan_that_stays,
    state_left_out,
    inbox_left_behind,
    outbox_left_behind,
    parcel_sent_too_early,
    ask_before_the_tells,
    keyed_first,
    traces_of_failure,
]

DURABLE_BUGS = [
    forgotten_durable_key,
    acknowledged_before_commit,
    state_left_out,
    inbox_left_behind,
    outbox_left_behind,
    ask_before_the_tells,
    traces_of_failure,
]
"""Those that are caught also where the user has said nothing of what must hold."""


TELLING: dict[Plant, int] = {
    forgotten_durable_key: 8,
    inbox_left_behind: 8,
    deadline_ignored: 11,
    no_end_of_restarts: 11,
    state_left_out: 11,
    loss_not_mended: 14,
    parcel_sent_too_early: 15,
    keys_repeat_after_a_restart: 16,
    orphan_that_stays: 29,
}
"""The first seed that catches a bug, where it is a late one: it is tried before all others."""


OTHER_FILES: dict[Plant, Path] = {old_incarnation_accepted: FILE.with_name("swapped.yaml")}
"""Where a bug shows that the mixed topology has no use for."""


@pytest.mark.parametrize("plant", BUGS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = experiment_of(OTHER_FILES.get(plant, FILE))
    if plant in DURABLE_BUGS:
        experiment = replace(experiment, invariants=Invariants)
    plant(monkeypatch)

    seeds = sorted(range(SEEDS), key=lambda seed: seed != TELLING.get(plant))
    found = (simulate(experiment, seed).violation for seed in seeds)
    violation = next(filter(None, found), None)

    assert violation is not None
    assert "TypeError" not in violation.what, "the bug does not fit what it is put into"
