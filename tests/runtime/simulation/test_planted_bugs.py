"""The simulator finds bugs: each of these is put into the runtime, and must be caught in time.

Patching the runtime is what is tested here: a bug is a method that does a little less, or more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from passel.runtime.delivery.keys import KeyTable, Run
from passel.runtime.delivery.reliability import GoBackN
from passel.runtime.delivery.wheel import DeadlineWheel
from passel.runtime.durable.grouping import GroupedJournal
from passel.runtime.durable.transactions import Transactions
from passel.runtime.memory.slots import SlotPool
from passel.runtime.node.cell import Cell
from passel.runtime.node.link import Link
from passel.runtime.node.receiver import Receiver
from passel.runtime.node.recovery import Recovery
from passel.runtime.node.target import Lane, RemoteTarget
from passel.runtime.simulation import simulate
from passel.runtime.simulation.experiment import experiment_of
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
    patch.setattr(KeyTable, "enter", lambda _table, _key, _request: Run())


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
]


@pytest.mark.parametrize("plant", BUGS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = experiment_of(FILE)
    plant(monkeypatch)

    assert any(simulate(experiment, seed).violation is not None for seed in range(SEEDS))
