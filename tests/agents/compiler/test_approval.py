"""Runs whose calls wait for somebody's word: what is left of them when they end."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from passel.actors.chat import ScriptedModel
from passel.actors.tools import FunctionTools
from passel.actors.tools.approval import Approval
from passel.agents.compiler import Budget, BudgetSpent, Compiler, CompilerSettings, RunJournal
from passel.agents.react import ReAct, ReActSettings
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from passel import ActorRef, Runtime

PLAN = '1. echo("a")\n2. echo("b")\n3. join()'


@asynccontextmanager
async def approving(path: Path) -> AsyncIterator[tuple[Runtime, Any]]:
    async with open_runtime(state=path) as runtime:
        tools: Any = await runtime.spawn(
            FunctionTools, functions=["tests.agents.compiler.crew:echo"]
        )
        named = runtime.options(name="approval", durable=True)
        yield runtime, await named.spawn(Approval, tools=tools)


async def waiting(approval: ActorRef[Approval], count: int) -> list[int]:
    """Return the numbers of the requests, once there are so many."""
    async with asyncio.timeout(10.0):  # what waits has no event to await
        while len(pending := await approval.pending()) != count:  # noqa: ASYNC110
            await asyncio.sleep(0)
    return [request.id for request in pending]


async def left(asking: asyncio.Future[Any]) -> None:
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_a_run_that_its_budget_ends_leaves_no_requests(tmp_path: Path) -> None:
    async with approving(tmp_path) as (runtime, approval):
        model = await runtime.spawn(ScriptedModel, script=[PLAN])
        journal = await runtime.options(name="journal", durable=True).spawn(RunJournal)
        settings = CompilerSettings(budget=Budget(seconds=0.5))
        compiler = await runtime.spawn(
            Compiler, model=model, tools=[approval], journal=journal, settings=settings
        )
        asking = asyncio.ensure_future(compiler.answer("q"))
        await waiting(approval, 2)
        assert isinstance((await asking).shortfall, BudgetSpent)
        await waiting(approval, 0)


@pytest.mark.parametrize("agent", ["compiler", "react"])
async def test_a_run_that_nobody_can_resume_leaves_no_requests_when_its_caller_leaves(
    tmp_path: Path, agent: str
) -> None:
    async with approving(tmp_path) as (runtime, approval):
        script: list[Any] = [PLAN] if agent == "compiler" else ['Action: echo("a")']
        model = await runtime.spawn(ScriptedModel, script=script)
        asked: Any
        if agent == "compiler":
            asked = await runtime.spawn(Compiler, model=model, tools=[approval])
        else:
            asked = await runtime.spawn(
                ReAct, model=model, tools=[approval], settings=ReActSettings()
            )
        asking = asyncio.ensure_future(asked.answer("q"))
        await waiting(approval, 2 if agent == "compiler" else 1)
        await left(asking)
        await waiting(approval, 0)


async def test_a_run_that_may_be_resumed_finds_the_word_that_was_said_meanwhile(
    tmp_path: Path,
) -> None:
    async with approving(tmp_path) as (runtime, approval):
        model = await runtime.spawn(ScriptedModel, script=[PLAN, "Action: Finish(both)"])
        journal = await runtime.options(name="journal", durable=True).spawn(RunJournal)
        compiler = await runtime.spawn(Compiler, model=model, tools=[approval], journal=journal)
        asking = asyncio.ensure_future(compiler.answer("q"))
        numbers = await waiting(approval, 2)
        await left(asking)
        for number in numbers:
            await approval.decide(number, "approve")
        assert (await compiler.answer("q")).answer == "both"
