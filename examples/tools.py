"""Tools of several kinds behind one way to call them; see tools.yaml."""

from __future__ import annotations

import asyncio
from typing import Any

from passel import Actor, ActorRef, handler
from passel.actors.tools import Toolbox, ToolError, tool
from passel.protocols.tools import ToolCall


@tool(concurrency=4, timeout=2.0, idempotent=True)
def in_feet(metres: float) -> float:
    """Convert a length.

    Args:
        metres: The length in metres.
    """
    return round(metres / 0.3048, 1)


class Bench(Actor):
    """Calls tools wherever they are.

    Args:
        tools: Actors that offer tools.
    """

    def __init__(self, *, tools: list[ActorRef[Toolbox]]) -> None:
        self._tools = tools

    @handler
    async def show(self, calls: list[dict[str, Any]]) -> str:
        """Make calls at once and return what each of them said, with the tools that there are."""
        offered = {spec.name: box for box in self._tools for spec in await box.tools()}
        async with asyncio.TaskGroup() as group:
            made = [group.create_task(self._said(offered, ToolCall(**call))) for call in calls]
        said = (f"{call['tool']}: {task.result()}" for call, task in zip(calls, made, strict=True))
        return "\n".join([f"there are: {', '.join(offered)}", *said])

    async def _said(self, offered: dict[str, ActorRef[Toolbox]], call: ToolCall) -> str:
        try:
            return str(await offered[call.tool].call(call))
        except ToolError as error:
            return f"({error})"
