"""What is known to go wrong in implementations of LLMCompiler; here it does not.

The numbers are those of a list that was made by running the original, so gaps would be gaps.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from passel.actors.chat import ScriptedFailure, ScriptedReply
from passel.actors.tools import tool
from passel.agents.compiler import Answer, Budget, CompilerSettings, ReplanLimitReached, TaskSettled
from passel.agents.compiler.messages import PlannerFailed, Round, RunEvent, TaskStarted
from passel.agents.compiler.prompts import scratchpad
from passel.agents.notation.verdict import Finished, read_verdict
from passel.protocols.chat import ChatEnded, ChatPiece, ChatRequest, TextDelta
from passel.protocols.plan import PlannedTask, RefusedTask, TaskId, TaskOutcome, Template
from passel.protocols.tools import ToolCall, ToolSpec
from tests.agents.compiler.crew import echo, team
from tests.agents.compiler.fakes import run_with
from tests.agents.compiler.test_dispatch import plan, shell
from tests.agents.notation.test_reader import result, tasks
from tests.runtime.virtual_time import virtual_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def only(text: str, **options: Any) -> PlannedTask:
    """Return the one task that a text is read into."""
    (item,) = tasks(text, **options)
    assert isinstance(item, PlannedTask), item
    return item


def refused(text: str, **options: Any) -> list[tuple[int, str]]:
    return [(i.id, i.fault) for i in tasks(text, **options) if isinstance(i, RefusedTask)]


async def settled(*script: Any) -> tuple[Answer, dict[int, TaskOutcome]]:
    """Carry out a run and return its answer and how its tasks ended."""
    async with team(script) as (_, compiler, _model):
        events: list[RunEvent] = [event async for event in compiler.answer_live("q")]
    outcomes = {int(e.outcome.id): e.outcome for e in events if isinstance(e, TaskSettled)}
    assert isinstance(events[-1], Answer)
    return events[-1], outcomes


async def test_01_a_tool_that_raises_does_not_hang_the_run() -> None:
    answer, outcomes = await settled('1. height("Atlantis")\n2. join()', "Action: Finish(sunk)")
    assert (outcomes[1].ending, answer.answer) == ("failed", "sunk")
    assert "KeyError" in outcomes[1].error


async def test_02_a_planner_that_raises_does_not_hang_the_run() -> None:
    failure = ScriptedFailure(kind="refused", status=400, message="no")
    answer, _ = await settled(ScriptedReply(text="1. echo(", failure=failure))
    assert isinstance(answer.shortfall, PlannerFailed)


async def test_03_an_unknown_tool_costs_its_task_alone() -> None:
    answer, outcomes = await settled('1. find("x")\n2. echo("y")\n3. join()', "Action: Finish(y)")
    assert {n: o.ending for n, o in outcomes.items()} == {1: "refused", 2: "done"}
    assert "there is no tool find; there are height, add" in outcomes[1].error
    assert answer.answer == "y"


async def test_04_a_line_without_its_parenthesis_costs_its_task_alone() -> None:
    _, outcomes = await settled(
        '1. echo("x"\n2. echo("y")\n3. echo($1)\n4. echo($7)\n5. join()', "Action: Finish(y)"
    )
    assert {n: o.ending for n, o in outcomes.items()} == {
        1: "refused", 2: "done", 3: "skipped", 4: "refused"
    }  # fmt: skip


async def test_05_numbers_may_have_gaps_and_go_on_in_the_next_plan() -> None:
    answer, outcomes = await settled(
        '2. echo("a")\n5. echo($2)\n9. join()', "Action: Replan(more)",
        "12. echo($5)\n13. join()", "Action: Finish(a)",
    )  # fmt: skip
    assert {n: o.result for n, o in outcomes.items()} == {2: "a", 5: "a", 12: "a"}
    assert answer.answer == "a"


def test_06_several_lines_in_one_piece_are_several_tasks() -> None:
    text = '1. search("a")\n2. search("b")\n3. math("$1")\n'
    assert [item.id for item in tasks(text, pieces=[text])] == [1, 2, 3]
    assert tasks(text, pieces=[text]) == tasks(text, pieces=text)


def test_07_spaces_at_the_edge_of_a_piece_stay() -> None:
    assert only("", pieces=['1. search("a', ' b")\n']).arguments == ("a b",)


def test_08_results_are_not_looked_into() -> None:
    host = shell(call=lambda start: (1.0, "costs $1 million"))
    second = PlannedTask(
        id=TaskId(2), tool="t", arguments=(Template(("it ", result(1))),), text="2. t()"
    )
    plan(host, PlannedTask(id=TaskId(1), tool="t", text="1. t()"), second)
    assert host.starts[1][1].arguments == ("it costs $1 million",)


def test_09_ten_is_not_one_and_a_nought() -> None:
    assert only('2. math("$1")', earlier=[1]).arguments == (result(1),)
    assert refused('2. math("$10")', earlier=[1]) == [(2, "reference")]
    assert only('2. math("a $10 b")', earlier=[1]).arguments == ("a $10 b",)


def test_10_money_is_no_reference() -> None:
    assert only('2. math("$1 million")', earlier=[1]).arguments == ("$1 million",)
    assert only('2. math("$5 million")', earlier=[1]).arguments == ("$5 million",)


def test_11_a_reference_to_a_later_task_is_refused() -> None:
    assert refused('1. math("$2")\n2. search("x")\n3. math($3)') == [
        (1, "reference"), (3, "reference"),
    ]  # fmt: skip


def test_12_arguments_may_have_names() -> None:
    task = only('2. math("age", context=["$1"])', earlier=[1])
    assert (task.arguments, task.keywords) == (("age",), {"context": [result(1)]})


def test_13_a_reference_needs_no_quotes() -> None:
    assert only("2. math($1, 3)", earlier=[1]).arguments == (result(1), 3)


def test_14_a_list_is_one_argument() -> None:
    assert only('1. search(["a", "b"])').arguments == (["a", "b"],)


async def test_15_references_in_mappings_are_filled_in() -> None:
    assert only('2. math({"a": "$1"})', earlier=[1]).arguments == ({"a": result(1)},)
    host = shell(call=lambda start: (1.0, "x"))
    first = PlannedTask(id=TaskId(1), tool="t", text="1. t()")
    plan(host, first, PlannedTask(id=TaskId(2), tool="t", arguments=({"a": result(1)},)))
    assert host.starts[1][1].arguments == ({"a": "x"},)


def test_16_lines_may_be_crowded_broken_or_commented() -> None:
    text = '1. search("a") 2. search("b\nc")  # two words (and 7. search("no"))\n3. search("d")'
    assert [(i.id, getattr(i, "arguments", None)) for i in tasks(text)] == [
        (1, ("a",)), (2, ("b\nc",)), (3, ("d",)),
    ]  # fmt: skip


def test_17_a_number_is_given_once() -> None:
    first, second = tasks('1. search("a")\n1. search("b")')
    assert isinstance(first, PlannedTask)
    assert isinstance(second, RefusedTask)
    assert (first.arguments, second.fault) == (("a",), "duplicate")


def test_18_an_answer_may_have_parentheses_and_lines() -> None:
    said = "Action: Finish(First for Women (magazine)\nsince 1989)"
    assert read_verdict(said) == Finished("First for Women (magazine)\nsince 1989")


def test_19_an_answer_may_begin_with_the_other_verb() -> None:
    assert read_verdict("Action: Finish(Replanning of Paris)") == Finished("Replanning of Paris")


async def test_20_feedback_is_no_answer() -> None:
    settings = CompilerSettings(budget=Budget(replans=0))
    script = ['1. echo("a")\n2. join()', "Action: Replan(look elsewhere)"]
    async with team(script, settings=settings) as (_, compiler, _model):
        answer = await compiler.answer("q")
    assert answer.answer is None
    assert answer.shortfall == ReplanLimitReached(replans=0, feedback="look elsewhere")


SPEC = ToolSpec(name="t", description="T.", parameters={"properties": {"a": {}}})


async def timeline(text: str, *, stall: str = "", seconds: float = 0.001) -> dict[int, float]:
    """Return when each task of a plan started, in virtual time; the planner may pause for a second."""
    loop = asyncio.get_running_loop()
    starts: dict[int, float] = {}

    async def write(_: ChatRequest) -> AsyncIterator[ChatPiece]:
        before, _stall, after = text.partition(stall) if stall else (text, "", "")
        yield TextDelta(before)
        if stall:
            await asyncio.sleep(1.0)
            yield TextDelta(stall + after)
        yield ChatEnded(reason="stop")

    async def join(_: ChatRequest) -> AsyncIterator[ChatPiece]:
        yield TextDelta("Action: Finish(x)")
        yield ChatEnded(reason="stop")

    async def do(_: ToolCall) -> str:
        await asyncio.sleep(seconds)
        return "x"

    def note(event: RunEvent) -> None:
        if isinstance(event, TaskStarted):
            starts[event.task] = event.at

    await run_with(write, join, {"t": SPEC}, do, now=loop.time, tell=note).carry_out()
    return starts


@virtual_time
async def test_21_a_planner_that_pauses_holds_up_nothing_that_is_ready() -> None:
    text = '1. t("a")\n2. t($1)\n3. t("b")\n4. join()'
    starts = await timeline(text, stall="3. t", seconds=0.02)
    assert starts == {1: 0.0, 2: pytest.approx(0.02), 3: pytest.approx(1.0)}


@virtual_time
async def test_22_a_chain_takes_no_longer_than_its_tools() -> None:
    chain = "\n".join(f"{n}. t(${n - 1})" if n > 1 else "1. t(0)" for n in range(1, 9))
    starts = await timeline(chain + "\n9. join()")
    assert starts == {n: pytest.approx(0.001 * (n - 1)) for n in range(1, 9)}


def test_23_prompts_show_calls_as_they_were_written() -> None:
    done = TaskOutcome(id=TaskId(1), tool="t", text='1. t("a")', result="x")
    bare = TaskOutcome(id=TaskId(2), tool="t", text="", result="y")
    pad = scratchpad(Round(outcomes=(done, bare)), CompilerSettings())
    assert pad == '1. t("a")\nResult of 1:\n> x\n\n2. t()\nResult of 2:\n> y\n\n'


_MEETING = threading.Barrier(2, timeout=20.0)


@tool
def meet(word: str) -> str:
    """Return when somebody else has come, too."""
    _MEETING.wait()
    return word


async def test_24_tools_that_block_run_side_by_side_and_do_not_hold_up_the_planner() -> None:
    script = ['1. meet("a")\n2. meet("b")\n3. echo("c")\n4. join()', "Action: Finish(x)"]
    async with team(script, tools=[meet, echo]) as (_, compiler, _model):
        answer = await compiler.answer("q")
    assert (answer.answer, answer.failed) == ("x", 0)


def test_the_numbers_are_complete() -> None:
    numbers = sorted(
        int(name[5:7]) for name in globals() if name[:5] == "test_" and name[5].isdigit()
    )
    assert numbers == list(range(1, 25))
