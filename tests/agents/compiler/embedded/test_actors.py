from __future__ import annotations

import pytest

from passel import ActorRef, Runtime
from passel.actors.chat import ChatError, ScriptedModel
from passel.actors.tools import FunctionTools, Toolbox
from passel.agents.compiler import Compiler, CompilerSettings, PlannerFailed
from passel.agents.compiler.embedded import Arithmetic, EmbeddedPlanner, RulePlanner, declared_tools
from passel.agents.compiler.prompts import planner_messages
from passel.agents.toolrun.budget import Budget
from passel.protocols.chat import ChatEnded, ChatMessage, ChatRequest, TextDelta

HEIGHTS = {"K2": 8611.0, "Denali": 6190.0}


async def lookup(subject: str, property: str) -> float:  # noqa: A002  # the name that plans use
    """Look up a height."""
    assert property == "height"
    return HEIGHTS[subject]


def last_result(request: ChatRequest) -> str:
    """Say that the last result is the answer."""
    *_, last = [line for line in request.messages[-1].content.splitlines() if line[:2] == "> "]
    return f"Thought: that is it\nAction: Finish({last[2:]})"


def first_prompt(question: str) -> ChatRequest:
    """Return what a compiler asks a planner first."""
    messages = planner_messages(question, (), declared_tools(), CompilerSettings())
    return ChatRequest(messages=messages)


async def test_a_compiler_answers_by_rules_alone() -> None:
    question = "Which is the highest: K2 or Denali?"
    async with Runtime() as runtime:
        tools: list[ActorRef[Toolbox]] = [
            await runtime.spawn(FunctionTools, functions=[lookup]),
            await runtime.spawn(Arithmetic),
        ]
        compiler = await runtime.spawn(
            Compiler,
            model=await runtime.spawn(RulePlanner),
            joiner=await runtime.spawn(ScriptedModel, function=f"{__name__}:last_result"),
            tools=tools,
            settings=CompilerSettings(budget=Budget(replans=0, calls=9)),
        )
        answer = await compiler.answer(question)

    assert answer.answer == "K2"


async def test_whoever_asks_for_anything_but_a_first_plan_is_told_so() -> None:
    """A compiler without a joiner of its own would ask its planner for a verdict."""
    other = ChatRequest(messages=(ChatMessage(role="user", content="Question: is it late?"),))
    async with Runtime() as runtime:
        planner = await runtime.spawn(RulePlanner)
        with pytest.raises(ChatError, match="joiner of its own"):
            async for _ in planner.chat(other):
                pass
        boxes: list[ActorRef[Toolbox]] = [await runtime.spawn(Arithmetic)]
        compiler = await runtime.spawn(Compiler, model=planner, tools=boxes)
        answer = await compiler.answer("Which is the highest: K2 or Denali?")

    assert answer.answer is None
    assert not isinstance(answer.shortfall, PlannerFailed)


@pytest.mark.model
async def test_the_embedded_planner_writes_a_plan_as_it_decodes_it() -> None:
    """With the weights and the adapter that are shipped."""
    pieces: list[str] = []
    async with Runtime() as runtime:
        options = runtime.options(timeout=50.0)
        planner = await options.spawn(EmbeddedPlanner, threads=1)
        async for piece in planner.chat(
            first_prompt("Which is the tallest: Big Ben or the Shard?")
        ):
            if isinstance(piece, TextDelta):
                pieces.append(piece.text)
            elif isinstance(piece, ChatEnded):
                ended = piece

    assert "".join(pieces).splitlines() == [
        '1. lookup("Big Ben", "height")',
        '2. lookup("Shard", "height")',
        '3. pick(["Big Ben", "Shard"], [$1, $2], "largest")',
        "4. join()",
    ]
    assert len(pieces) > 5
    assert ended.reason == "stop"
    assert ended.usage is not None
    assert ended.usage.prompt > ended.usage.cached > ended.usage.completion > 20
