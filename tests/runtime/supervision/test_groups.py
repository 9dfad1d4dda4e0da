"""The group's core, as lists of events: what OTP's supervisors promise."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passel.protocols.control import GroupOptions
from passel.runtime.supervision.groups import (
    Closed,
    Ended,
    Escalate,
    Escalated,
    Event,
    Failed,
    Group,
    Halt,
    Halted,
    Joined,
    Left,
    Lost,
    Restarted,
    Start,
    StartFailed,
    State,
    Stop,
    Wait,
    Waited,
)

if TYPE_CHECKING:
    from passel.protocols.control import Strategy
    from passel.runtime.supervision.groups import Effect

STRATEGIES = ("one_for_one", "one_for_all", "rest_for_one")
NAMES = ("a", "b", "c", "d")


@dataclass
class Shell:
    """Carries a group's effects out at once, and writes them down.

    Attributes:
        orders: What was ordered, as words: `halt b`, `wait 0.05`, `start b`.
        held: Answers that are kept back, while `holds`.
    """

    group: Group
    orders: list[str] = field(default_factory=list)
    held: deque[Event] = field(default_factory=deque)
    ended: Ended | None = None
    holds: bool = False

    def tell(self, event: Event) -> None:
        self._carry_out(self.group.handle(event))

    def release(self) -> None:
        """Let what is held back, and all that follows from it, happen."""
        while self.held:
            self._carry_out(self.group.handle(self.held.popleft()))

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            self._note(effect)
        if not self.holds:
            self.release()

    def _note(self, effect: Effect) -> None:
        if isinstance(effect, Halt):
            self.orders.append(f"halt {effect.member}")
            self.held.append(Halted(effect.member))
        elif isinstance(effect, Wait):
            self.orders.append(f"wait {effect.seconds:g}")
            self.held.append(Waited(effect.ticket))
        elif isinstance(effect, Start):
            self.orders.append(f"start {effect.member}")
            self.held.append(Restarted(effect.member))
        elif isinstance(effect, Stop):
            self.orders.append(f"stop {effect.member}")
            self.held.append(Left(effect.member))
        elif isinstance(effect, Escalate):
            self.orders.append("escalate")
        else:
            assert self.ended is None, "a group ends once"
            self.ended = effect


def shell_of(strategy: Strategy, **options: float) -> Shell:
    """Return the shell of a group that all of `NAMES` have joined."""
    group = Group(GroupOptions(strategy=strategy, **options))  # type: ignore[arg-type]  # numbers
    shell = Shell(group)
    for name in NAMES:
        shell.tell(Joined(name))
    return shell


@pytest.mark.parametrize(
    ("strategy", "orders"),
    [
        ("one_for_one", "halt b, wait 0.05, start b"),
        ("rest_for_one", "halt d, halt c, halt b, wait 0.05, start b, start c, start d"),
        (
            "one_for_all",
            "halt d, halt c, halt b, halt a, wait 0.05, start a, start b, start c, start d",
        ),
    ],
)
def test_a_strategy_says_who_is_restarted_and_in_which_order(
    strategy: Strategy, orders: str
) -> None:
    shell = shell_of(strategy)
    shell.tell(Failed("b", "ill", 1.0))
    assert ", ".join(shell.orders) == orders
    assert shell.group.state == "running"
    assert set(shell.group.members.values()) == {State.UP}


def test_one_failure_too_many_stops_all_the_latest_first_and_escalates() -> None:
    shell = shell_of("one_for_one", max_restarts=1, within=10.0)
    shell.tell(Failed("a", "ill", 0.0))
    shell.tell(Failed("b", "ill", 11.0))  # the first one is forgotten by now
    assert shell.ended is None
    shell.orders.clear()
    shell.tell(Failed("c", "very ill", 12.0))
    assert shell.orders == ["escalate", "stop d", "stop c", "stop b", "stop a"]
    assert shell.ended is not None
    assert "failed 2 times within 10 s, the last one c: very ill" in shell.ended.reason


def test_a_member_that_escalates_ends_the_group_at_once() -> None:
    shell = shell_of("one_for_all")
    shell.tell(Escalated("c", "no use"))
    assert shell.orders == ["escalate", "stop d", "stop c", "stop b", "stop a"]
    assert shell.ended == Ended("c escalated: no use")
    shell.tell(Failed("a", "late", 1.0))
    assert shell.group.handle(Joined("e")) == [Stop("e", "c escalated: no use")]


def test_a_group_that_is_stopped_does_not_escalate() -> None:
    shell = shell_of("one_for_one")
    shell.tell(Closed())
    assert shell.ended == Ended("it was stopped")
    assert "escalate" not in shell.orders


def test_a_member_that_was_stopped_is_not_restarted_with_the_others() -> None:
    shell = shell_of("one_for_all")
    shell.tell(Left("d"))
    shell.tell(Failed("a", "ill", 0.0))
    assert "start d" not in shell.orders
    assert shell.orders[-1] == "start c"


def test_the_death_of_a_node_is_one_failure_and_its_members_need_no_end() -> None:
    shell = shell_of("rest_for_one", max_restarts=1)
    shell.tell(Lost(("b", "c"), "killed", 0.0))
    assert shell.orders == ["halt d", "wait 0.05", "start b", "start c", "start d"]


def test_a_failure_that_crosses_with_its_own_restart_is_not_counted_twice() -> None:
    shell = shell_of("one_for_all", max_restarts=1)
    shell.holds = True
    shell.tell(Failed("a", "ill", 0.0))
    shell.tell(Failed("d", "cut off", 0.0))
    shell.tell(Lost(("a",), "killed", 0.1))
    shell.tell(Lost(("a",), "killed", 0.1))
    shell.holds = False
    shell.release()
    assert shell.ended is None
    assert shell.orders.count("start a") == 1


def test_a_start_that_fails_is_tried_again_after_a_longer_pause() -> None:
    shell = shell_of("one_for_one")
    shell.holds = True
    shell.tell(Failed("b", "ill", 0.0))
    for _ in range(2):
        shell._carry_out(shell.group.handle(shell.held.popleft()))
    assert shell.held.pop() == Restarted("b")
    shell.holds = False
    shell.tell(StartFailed("b", "no start", 0.2))
    assert shell.orders == ["halt b", "wait 0.05", "start b", "wait 0.1", "start b"]


def test_a_member_that_fails_while_it_starts_is_ended_again_before_the_rest() -> None:
    shell = shell_of("one_for_all", max_restarts=5)
    shell.holds = True
    shell.tell(Failed("b", "ill", 0.0))
    for _ in range(5):
        shell._carry_out(shell.group.handle(shell.held.popleft()))
    assert shell.orders[-1] == "start a"
    shell.tell(Failed("a", "ill at once", 0.2))
    shell.holds = False
    shell.release()
    assert shell.orders[6:] == [
        "halt a", "wait 0.1", "start a", "start b", "start c", "start d",
    ]  # fmt: skip


@st.composite
def happenings(draw: st.DrawFn) -> list[tuple[str, str]]:
    what = st.sampled_from(["fail", "lose", "answer", "answer", "start fails", "leave"])
    return draw(st.lists(st.tuples(what, st.sampled_from(NAMES)), max_size=40))


@given(strategy=st.sampled_from(STRATEGIES), events=happenings(), limit=st.integers(0, 30))
def test_whatever_happens_in_whatever_order_the_group_keeps_its_rules(
    strategy: Strategy, events: list[tuple[str, str]], limit: int
) -> None:
    """Nobody is started who runs, nobody ended who is down, and all run again in the end."""
    shell = shell_of(strategy, max_restarts=limit)
    shell.holds = True
    group = shell.group
    running = dict.fromkeys(NAMES, True)
    failures = 0
    for at, (what, name) in enumerate(events):
        before = group.members
        seen = len(shell.orders)
        if what == "fail" and running[name]:
            failures += before.get(name) is State.UP
            shell.tell(Failed(name, "ill", float(at) / 1000))
        elif what == "lose" and name in before:
            running[name] = False
            _forget(shell, name)
            shell.tell(Lost((name,), "killed", float(at) / 1000))
        elif what == "leave":
            _forget(shell, name)
            shell.tell(Left(name))
        elif shell.held:
            answer = shell.held.popleft()
            if what == "start fails" and isinstance(answer, Restarted):
                answer = StartFailed(answer.member, "no start", float(at) / 1000)
            _apply(answer, running)
            shell.tell(answer)
        _check(shell, shell.orders[seen:], running, before)
    while shell.held:
        answer = shell.held.popleft()
        _apply(answer, running)
        shell.tell(answer)
    if shell.ended is None:
        assert all(state is State.UP for state in group.members.values())
        assert group.state == "running"
    else:
        assert failures + len(events) > limit
        assert not group.members


def _forget(shell: Shell, name: str) -> None:
    """A dead node, or one that has left, answers no order."""
    shell.held = deque(e for e in shell.held if getattr(e, "member", "") != name)
    if shell.group.members.get(name) is State.STOPPING:
        shell.held.append(Left(name))


def _apply(answer: Event, running: dict[str, bool]) -> None:
    if isinstance(answer, Halted):
        running[answer.member] = False
    elif isinstance(answer, Restarted):
        running[answer.member] = True


def _check(
    shell: Shell, orders: list[str], running: dict[str, bool], before: dict[str, State]
) -> None:
    for order in orders:
        verb, _, name = order.partition(" ")
        if verb == "start":
            assert not running[name], f"{name} runs already: it would be there twice"
            assert before[name] is not State.UP
        if verb == "halt":
            assert running[name], f"{name} is down already"
    busy = [s for s in shell.group.members.values() if s in (State.HALTING, State.STARTING)]
    if shell.group._options.strategy != "one_for_one":
        assert len(busy) <= 1, "one after the other"
