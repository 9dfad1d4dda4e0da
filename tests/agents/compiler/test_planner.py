"""Plans as a model writes them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from passel.agents.compiler.messages import CompilerSettings
from passel.agents.compiler.planner import Planner
from passel.protocols.chat import TextDelta
from passel.protocols.plan import PlannedTask
from passel.protocols.tools import ToolSpec
from tests.agents.compiler.fakes import model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from passel.protocols.chat import ChatPiece, ChatRequest

ECHO = ToolSpec(
    name="echo",
    description="Says it again.",
    parameters={"properties": {"word": {"type": "string"}}, "required": ["word"]},
)


async def test_a_planner_that_is_left_closes_its_models_stream_at_once() -> None:
    closed = asyncio.Event()

    async def say(_: ChatRequest) -> AsyncIterator[ChatPiece]:
        try:
            yield TextDelta('1. echo("a")\n2. ')
            await asyncio.Event().wait()
        finally:
            closed.set()

    planner = Planner(model(say), [ECHO], CompilerSettings())
    plan = planner.write("q", [], lambda _: None)
    assert isinstance(await anext(plan), PlannedTask)
    await plan.aclose()
    assert closed.is_set()
