from __future__ import annotations

import asyncio
import itertools
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from passel.actors.chat import ScriptedFailure, ScriptedModel, ScriptedReply
from passel.actors.tools import FunctionTools, tool
from passel.agents.compiler import Budget, NoToolsError
from passel.agents.react import Conclusion, ReAct, ReActSettings, StepTaken
from passel.agents.react.step import Misstep, read_step
from passel.protocols.plan import PlannedTask
from tests.agents.compiler.crew import TOOLS, add, height, text_of
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from passel import ActorRef

STEPS = [
    'Thought: first\nAction: height("Eiffel tower")',
    'Thought: second\nAction: height(of="Big Ben")',
    "Thought: sum\nAction: add(330, 96)",
    "Thought: there\nAction: Finish(426 m (in all))",
]


@asynccontextmanager
async def agent(
    script: list[Any], tools: Sequence[Any] = TOOLS, **settings: Any
) -> AsyncIterator[tuple[ActorRef[ReAct], ActorRef[ScriptedModel]]]:
    async with open_runtime() as runtime:
        model = await runtime.spawn(ScriptedModel, script=script)
        box = await runtime.spawn(FunctionTools, functions=list(tools))
        told = ReActSettings(**settings)
        yield await runtime.spawn(ReAct, model=model, tools=[box], settings=told), model


async def test_a_question_is_answered_with_the_tools_that_there_are_now() -> None:
    async with open_runtime() as runtime:
        model = await runtime.spawn(ScriptedModel, script=[STEPS[0], STEPS[3], STEPS[2], STEPS[3]])
        box = await runtime.options(name="box").spawn(FunctionTools, functions=[height])
        react = await runtime.spawn(ReAct, model=model, tools=[box])
        assert (await react.answer("q")).spent.calls == 1
        await runtime.stop(box)
        await runtime.options(name="box").spawn(FunctionTools, functions=[add])
        assert (await react.answer("q")).spent.calls == 1


async def conclude(script: list[Any], **settings: Any) -> Conclusion:
    async with agent(script, **settings) as (react, _):
        return await react.answer("How high together?")


async def test_tools_are_called_one_after_the_other_until_there_is_an_answer() -> None:
    async with agent(STEPS) as (react, model):
        events = [event async for event in react.answer_live("How high together?")]
        requests = await model.requests()
    steps = [event for event in events if isinstance(event, StepTaken)]
    assert [step.observation for step in steps] == ["> 330", "> 96", "> 426.0"]
    end = events[-1]
    assert isinstance(end, Conclusion)
    assert (end.answer, end.reason, end.steps, end.spent.calls) == (
        "426 m (in all)", "answered", 4, 3
    )  # fmt: skip
    for earlier, later in itertools.pairwise(requests):
        assert later.messages[: len(earlier.messages)] == earlier.messages, "prefixes stay"
    assert "> 96" in text_of(requests[-1])


async def test_what_is_wrong_is_told_to_the_model_and_not_called() -> None:
    script = ["Hm.", 'Action: find("x")', 'Action: height("a", 2)', 'Action: height("Rome")',
              "Action: Finish(none)"]  # fmt: skip
    async with agent(script) as (react, _):
        events = [event async for event in react.answer_live("q")]
    told = [event.observation for event in events if isinstance(event, StepTaken)]
    assert "there is no `Action: tool(...)`" in told[0]
    assert "there is no tool find" in told[1]
    assert "height takes 1 argument, 2 are given" in told[2]
    assert told[3].startswith("> it failed: ")
    end = events[-1]
    assert isinstance(end, Conclusion)
    assert (end.answer, end.spent.calls) == ("none", 1)


async def test_what_a_tool_says_is_not_read_as_an_action() -> None:
    async with agent(['Action: price("b")', "Action: Finish(good)"]) as (react, model):
        end = await react.answer("q")
        requests = await model.requests()
    assert end.answer == "good"
    lines = requests[1].messages[-1].content.splitlines()
    assert all(line.startswith("> ") for line in lines if "evil" in line)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"steps": 2}, "steps"),
        ({"budget": Budget(calls=1)}, "calls"),
        ({"budget": Budget(tokens=10)}, "tokens"),
        ({"budget": Budget(seconds=0.0)}, "seconds"),
    ],
)
async def test_limits_end_it(settings: dict[str, Any], reason: str) -> None:
    end = await conclude(STEPS, **settings)
    assert (end.answer, end.reason) == (None, reason)


async def test_a_call_is_cut_short_when_the_time_is_over() -> None:
    @tool(timeout=20.0)
    async def wait() -> None:
        await asyncio.Event().wait()

    budget = Budget(seconds=0.1)
    async with agent(["Action: wait()"], [wait], budget=budget) as (react, _):
        end = await react.answer.options(timeout=20.0)("q")
    assert (end.answer, end.reason, end.spent.calls) == (None, "seconds", 1)
    assert end.seconds < 10.0


async def test_a_model_that_fails_ends_it() -> None:
    failure = ScriptedFailure(kind="refused", status=400, message="no luck")
    end = await conclude([ScriptedReply(text="Thought", failure=failure)])
    assert (end.answer, end.reason) == (None, "model")
    assert "no luck" in end.error


async def test_without_tools_there_is_nothing_to_call() -> None:
    async with open_runtime() as runtime:
        model = await runtime.spawn(ScriptedModel, script=list(STEPS))
        react = await runtime.spawn(ReAct, model=model, tools=[])
        with pytest.raises(NoToolsError):
            await react.answer("q")


def test_a_step_may_have_several_lines() -> None:
    step = read_step(
        'Thought: a\nAction: echo("x\ny (z)")\nObservation: 3', 7, ["echo"], lambda _: ""
    )
    assert isinstance(step, PlannedTask)
    assert (step.id, step.arguments) == (7, ("x\ny (z)",))
    assert isinstance(read_step("Action: echo(", 1, ["echo"], lambda _: ""), Misstep)
