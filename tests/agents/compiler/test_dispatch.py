from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passel.agents.compiler.dispatch import Dispatcher
from passel.agents.compiler.events import Abandoned, PlanClosed, Planned
from passel.agents.toolrun.budget import Account, Budget, Prices
from passel.protocols.errors import DeadActorError
from passel.protocols.plan import (
    PlannedTask,
    RefusedTask,
    ResultOf,
    TaskId,
    TaskOutcome,
    Template,
)
from passel.protocols.tools import ToolPolicy
from tests.agents.compiler.shell import Shell

if TYPE_CHECKING:
    from passel.agents.toolrun.start_call import StartCall

FREE = ToolPolicy(concurrency=10**9, timeout=1e9)


def task(number: int, *needs: int, tool: str = "t", **keywords: Any) -> PlannedTask:
    return PlannedTask(
        id=TaskId(number), tool=tool, arguments=tuple(ResultOf(TaskId(n)) for n in needs),
        keywords=keywords, text=f"{number}. {tool}()",
    )  # fmt: skip


def shell(policies: dict[str, ToolPolicy] | None = None, call: Any = None, **options: Any) -> Shell:
    dispatcher = Dispatcher(policies or {"t": FREE}, run="r", **options)
    return Shell(dispatcher, call or (lambda start: (1.0, f"<{start.task}>")))


def plan(host: Shell, *tasks: PlannedTask | RefusedTask, gap: float = 0.0) -> None:
    """Let lines arrive one after the other, then the end."""
    for index, line in enumerate(tasks):
        host.at(index * gap, Planned(index * gap, line))
    host.at(len(tasks) * gap, PlanClosed(len(tasks) * gap))
    host.run()


def begun(host: Shell) -> dict[int, float]:
    return {start.task: at for at, start in host.starts}


def endings(host: Shell) -> dict[int, str]:
    return {number: outcome.ending for number, outcome in host.outcomes.items()}


def test_results_take_the_place_of_references_and_are_not_looked_into() -> None:
    host = shell(call=lambda start: (1.0, "$1 of $2"))
    deep = PlannedTask(
        id=TaskId(2),
        tool="t",
        arguments=([ResultOf(TaskId(1)), {"a": ResultOf(TaskId(1))}],),
        keywords={"text": Template(("x ", ResultOf(TaskId(1)), " y"))},
    )
    plan(host, task(1), deep)
    start = host.starts[1][1]
    assert start.arguments == (["$1 of $2", {"a": "$1 of $2"}],)
    assert start.keywords == {"text": "x $1 of $2 y"}


def test_a_whole_reference_keeps_the_type_of_the_result() -> None:
    found = {"rows": [1, 2]}
    host = shell(call=lambda start: (1.0, found))
    plan(host, task(1), task(2, 1))
    assert host.starts[1][1].arguments == (found,)


def test_a_task_starts_when_its_last_dependency_ends_whatever_the_planner_does() -> None:
    host = shell()
    for line, at in ((task(1), 0.0), (task(2, 1), 0.1), (task(3), 100.0)):
        host.at(at, Planned(at, line))
    host.at(101.0, PlanClosed(101.0))
    host.run()
    assert begun(host) == {1: 0.0, 2: 1.0, 3: 100.0}
    assert host.finished == 1


def test_a_failure_costs_what_depends_on_it_and_nothing_else() -> None:
    host = shell(call=lambda s: (1.0, ValueError("no") if s.task == 1 else "yes"))
    plan(host, task(1), task(2, 1), task(3, 2), task(4))
    assert endings(host) == {1: "failed", 2: "skipped", 3: "skipped", 4: "done"}
    assert host.outcomes[TaskId(1)].error == "no"
    assert host.outcomes[TaskId(2)].error == "task 1 has no result"


def test_a_refused_task_is_reported_and_its_dependents_are_skipped() -> None:
    host = shell()
    refused = RefusedTask(id=TaskId(1), tool="x", fault="tool", detail="no tool x", text="1. x()")
    plan(host, refused, task(2, 1), task(3))
    assert endings(host) == {1: "refused", 2: "skipped", 3: "done"}


def test_only_idempotent_tools_are_called_again() -> None:
    policies = {
        "safe": ToolPolicy(retries=3, backoff=1.0, idempotent=True),
        "once": ToolPolicy(retries=3, backoff=1.0),
    }
    host = shell(policies, lambda s: (0.5, s.attempt if s.attempt > 2 else OSError("flaky")))
    plan(host, task(1, tool="safe"), task(2, tool="once"))
    assert endings(host) == {1: "done", 2: "failed"}
    assert [at for at, s in host.starts if s.task == 1] == [0.0, 1.5, 4.0]
    assert {s.key for _, s in host.starts if s.task == 1} == {"r/1"}
    assert host.outcomes[TaskId(1)].attempts == 3


def test_a_call_that_was_lost_with_its_node_is_made_once_more() -> None:
    gone, flaky = DeadActorError("far/tools", "its node has died"), OSError("flaky")
    policies = {
        "safe": ToolPolicy(backoff=1.0, idempotent=True),
        "retried": ToolPolicy(backoff=1.0, idempotent=True, retries=2),
        "once": ToolPolicy(),
    }
    said: dict[int, list[Any]] = {
        1: [gone, "x"], 2: [gone, gone, "x"], 3: [flaky, "x"], 4: [gone, "x"],
        5: [gone, flaky, "x"], 6: [gone, flaky, gone, "x"],
    }  # fmt: skip
    host = shell(policies, lambda s: (0.5, said[s.task][s.attempt - 1]))
    tools = ["safe", "safe", "safe", "once", "retried", "retried"]
    plan(host, *(task(number, tool=tool) for number, tool in enumerate(tools, 1)))
    assert endings(host) == {
        1: "done", 2: "failed", 3: "failed", 4: "failed", 5: "done", 6: "failed"
    }  # fmt: skip
    assert [at for at, s in host.starts if s.task == 1] == [0.0, 1.5]
    assert {number: o.attempts for number, o in host.outcomes.items()} == {
        1: 2, 2: 2, 3: 1, 4: 1, 5: 3, 6: 3
    }  # fmt: skip


def test_a_straggler_and_its_second_call_fail_together() -> None:
    """Both were lost with one node: that is one failure, after which the call is made once more."""
    gone = DeadActorError("far/tools", "its node has died")
    policy = ToolPolicy(idempotent=True, hedge_after=1.0, backoff=1.0)
    said: dict[int, tuple[float, Any]] = {1: (3.0, gone), 2: (2.0, gone), 3: (0.5, "x")}
    host = shell({"t": policy}, lambda s: said[s.attempt])
    plan(host, task(1))
    assert [at for at, _ in host.starts] == [0.0, 1.0, 4.0]
    assert host.outcomes[TaskId(1)].result == "x"


def test_a_straggler_is_called_once_more_and_the_first_answer_counts() -> None:
    policy = ToolPolicy(idempotent=True, hedge_after=2.0)
    host = shell({"t": policy}, lambda s: (50.0 if s.attempt == 1 else 1.0, s.attempt))
    plan(host, task(1))
    assert host.outcomes[TaskId(1)].result == 2
    assert host.outcomes[TaskId(1)].seconds == 3.0
    assert not host.running, "the first call was cancelled"


def test_a_straggler_that_comes_due_while_its_tool_is_full_is_called_again_later() -> None:
    """Tasks that wait for their first call go before it; no place is taken twice."""
    policy = ToolPolicy(idempotent=True, hedge_after=2.0, concurrency=2)
    seconds = {(1, 1): 50.0, (2, 1): 5.0, (3, 1): 1.0}
    host = shell({"t": policy}, lambda s: (seconds.get((s.task, s.attempt), 3.0), s.attempt))
    plan(host, task(1), task(2), task(3))
    starts = [(at, start.task, start.attempt) for at, start in host.starts]
    assert starts == [(0.0, 1, 1), (0.0, 2, 1), (5.0, 3, 1), (6.0, 1, 2)]
    assert host.outcomes[TaskId(1)].result == 2
    assert host.outcomes[TaskId(1)].seconds == 9.0
    assert host.peak == {"t": 2}


def test_a_straggler_that_has_failed_meanwhile_is_not_called_beside_itself() -> None:
    policy = ToolPolicy(
        idempotent=True, hedge_after=2.0, concurrency=1, retries=1, backoff=10.0, timeout=100.0
    )
    said = {1: (3.0, OSError("flaky")), 2: (3.0, "x"), 3: (1.0, "y")}
    host = shell({"t": policy}, lambda s: said[s.attempt])
    plan(host, task(1))
    assert [at for at, _ in host.starts] == [0.0, 13.0]
    assert host.peak == {"t": 1}


def test_a_budget_without_calls_leaves_a_straggler_alone() -> None:
    policy = ToolPolicy(idempotent=True, hedge_after=2.0, concurrency=2)
    account = Account(Budget(calls=2), Prices())
    host = shell({"t": policy}, lambda s: (50.0 if s.task == 1 else 5.0, "x"), account=account)
    plan(host, task(1), task(2))
    assert endings(host) == {1: "done", 2: "done"}
    assert len(host.starts) == 2


def test_a_call_that_takes_too_long_fails() -> None:
    host = shell({"t": ToolPolicy(timeout=2.0)}, lambda s: (50.0, "late"))
    plan(host, task(1))
    assert host.outcomes[TaskId(1)].error == "it took too long"


def test_the_longest_way_goes_first_when_not_all_can_start() -> None:
    """Three tasks are ready, one may run: the head of the chain is what the others wait for."""
    host = shell({"t": ToolPolicy(concurrency=1)})
    lines = [task(1), task(2), task(3), task(4, 3), task(5, 4)]
    for line in lines[1:]:
        host.at(0.0, Planned(0.0, line))
    host.at(0.5, PlanClosed(0.5))
    host.run()
    assert [s.task for _, s in host.starts] == [2, 3, 4, 5]
    assert host.peak == {"t": 1}


def test_what_nobody_needs_is_cancelled() -> None:
    host = shell(call=lambda s: (10.0, "x"))
    for line in (task(1), task(2, 1), task(3)):
        host.at(0.0, Planned(0.0, line))
    host.at(5.0, Abandoned(5.0, "the answer is there"))
    host.at(6.0, Planned(6.0, task(4)))
    host.at(7.0, PlanClosed(7.0))
    host.run()
    assert set(endings(host).values()) == {"abandoned"}
    assert len(host.starts) == 2
    assert host.finished == 1


def test_what_an_interrupted_run_has_done_is_not_called_again() -> None:
    done = TaskOutcome(id=TaskId(1), tool="t", text="1. t()", result="kept", attempts=1)
    other = TaskOutcome(id=TaskId(2), tool="t", text="2. t('another')", result="old")
    host = shell(journal={TaskId(1): done, TaskId(2): other})
    plan(host, task(1), task(2, 1))
    assert [s.task for _, s in host.starts] == [2]
    assert host.starts[0][1].arguments == ("kept",)


def test_results_of_earlier_rounds_may_be_referred_to() -> None:
    done = TaskOutcome(id=TaskId(1), tool="t", text="", result=7)
    failed = TaskOutcome(id=TaskId(2), tool="t", text="", ending="failed", error="no")
    host = shell(settled={TaskId(1): done, TaskId(2): failed})
    plan(host, task(3, 1), task(4, 2))
    assert endings(host) == {3: "done", 4: "skipped"}
    assert host.starts[0][1].arguments == (7,)


@st.composite
def graphs(draw: st.DrawFn) -> list[PlannedTask]:
    size = draw(st.integers(1, 25))
    tools = st.sampled_from(["t", "u"])
    return [
        task(n, *draw(st.lists(st.integers(1, n - 1), max_size=3, unique=True)), tool=draw(tools))
        if n > 1
        else task(1)
        for n in range(1, size + 1)
    ]


@settings(max_examples=300, deadline=None)
@given(graphs(), st.data())
def test_every_plan_ends_and_nothing_runs_too_early_twice_or_too_wide(
    lines: list[PlannedTask], data: st.DataObject
) -> None:
    policies = {
        "t": ToolPolicy(
            concurrency=data.draw(st.integers(1, 3)),
            timeout=3.0,
            retries=1,
            backoff=0.125,
            idempotent=True,
        ),
        "u": ToolPolicy(concurrency=2, timeout=3.0, hedge_after=1.0, idempotent=True),
    }
    times = st.sampled_from([0.0, 0.5, 1.0, 2.0, 9.0])  # like all here, sums without rounding

    def call(start: StartCall) -> tuple[float, Any]:
        failing = data.draw(st.integers(0, 9)) == 0
        return data.draw(times), ValueError("no") if failing else start.task

    host = shell(policies, call)
    plan(host, *lines, gap=data.draw(st.sampled_from([0.0, 0.25])))
    assert host.finished == 1
    assert not host.running
    assert set(host.outcomes) == {line.id for line in lines}
    for at, start in host.starts:
        for needed in lines[start.task - 1].arguments:
            outcome = host.outcomes[needed.task]
            assert outcome.ending == "done"
            first = min(t for t, s in host.starts if s.task == needed.task)
            assert at >= first + outcome.seconds
    for tool, peak in host.peak.items():
        assert peak <= policies[tool].concurrency


@settings(max_examples=200, deadline=None)
@given(graphs(), st.data())
def test_with_room_for_all_the_makespan_is_the_critical_path(
    lines: list[PlannedTask], data: st.DataObject
) -> None:
    """The oracle: a task begins at the latest of its line's arrival and its dependencies' ends."""
    seconds = {line.id: data.draw(st.sampled_from([0.1, 1.0, 5.0])) for line in lines}
    gap = data.draw(st.sampled_from([0.0, 0.7]))
    host = shell({"t": FREE, "u": FREE}, lambda s: (seconds[s.task], s.task))
    plan(host, *lines, gap=gap)
    ends: dict[int, float] = {}
    for index, line in enumerate(lines):
        begin = max([index * gap, *(ends[n.task] for n in line.arguments)])
        assert begun(host)[line.id] == pytest.approx(begin)
        ends[line.id] = begin + seconds[line.id]


def test_ten_thousand_tasks_are_no_trouble() -> None:
    """Chains, fans and a tool that everybody waits for: no recursion, nothing quadratic."""
    lines = [task(1)] + [task(n, n - 1 if n % 2 else 1) for n in range(2, 10_001)]
    host = shell({"t": ToolPolicy(concurrency=16, timeout=1e9)})
    plan(host, *lines)
    assert set(endings(host).values()) == {"done"}
    chain = [task(1)] + [task(n, n - 1) for n in range(2, 10_001)]
    broken = shell(call=lambda s: (1.0, ValueError("no")))
    plan(broken, *chain)
    assert set(endings(broken).values()) == {"failed", "skipped"}
