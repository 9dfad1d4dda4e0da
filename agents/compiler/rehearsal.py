"""Runs a plan over functions of this process, without a runtime, planner or joiner."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from ...actors.tools import FunctionTools
from ...actors.tools.daemon_threads import DaemonThreads
from ...protocols.tools import ToolCall
from .dispatch import Dispatcher
from .fetching import FetchingUnit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from ...actors import Context
    from ...protocols.chat import Usage
    from ...protocols.plan import PlanItem, TaskId, TaskOutcome
    from ...protocols.tools import ToolSpec
    from ..toolrun.start_call import StartCall
    from .events import Effect, Event


class Functions:
    """Functions as tools of this process; those that block run in threads.

    Args:
        paths: Each `"module:function"`.

    Raises:
        ToolDefinitionError: One of them cannot be a tool.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._tools = FunctionTools(functions=list(paths))
        self._tools.context = cast("Context", _ThisProcess())  # threads are all that tools ask for

    async def specs(self) -> tuple[ToolSpec, ...]:
        """Return what the tools say of themselves; to be awaited first."""
        await self._tools.started()
        return await self._tools.tools()

    async def call(self, start: StartCall) -> Any:
        """Call the function of a task.

        Raises:
            ToolError: It cannot be called so, failed, or took longer than its policy allows.
        """
        call = ToolCall(tool=start.tool, arguments=start.arguments, keywords=start.keywords)
        return await self._tools.call(call)


class _ThisProcess:
    """What tools need of a context: threads."""

    def threads(self, _count: int) -> DaemonThreads:
        """Return what runs blocking work."""
        return DaemonThreads()


async def rehearse(
    items: Sequence[PlanItem],
    specs: Sequence[ToolSpec],
    functions: Functions,
    *,
    observe: Callable[[Event | Effect], None] = lambda _: None,
) -> dict[TaskId, TaskOutcome]:
    """Run a plan that is there as a whole; return how each task ended."""
    loop = asyncio.get_running_loop()
    dispatcher = Dispatcher({spec.name: spec.policy for spec in specs}, run="rehearsal")

    async def plan() -> AsyncGenerator[PlanItem | Usage]:
        for item in items:
            yield item

    async with asyncio.TaskGroup() as group:
        unit = FetchingUnit(dispatcher, functions.call, group=group, now=loop.time, observe=observe)
        await unit.run(plan())
    return dispatcher.outcomes
