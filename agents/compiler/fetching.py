"""The task fetching unit: carries out what the dispatcher decides, and tells it what happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ...protocols.chat import Usage
from ...protocols.errors import DeadActorError, PasselError, RestartedError
from ...protocols.plan import PlanEnded, PlannedTask, RefusedTask
from ..alarms import Alarms
from ..toolrun.start_call import StartCall
from .events import (
    Abandoned,
    CallFailed,
    CallSucceeded,
    CancelCall,
    Effect,
    Event,
    Finish,
    PlanClosed,
    Planned,
    Settle,
    StopPlanning,
    TimePassed,
    TokensUsed,
    WakeAt,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ...protocols.plan import PlanItem, TaskId, TaskOutcome
    from .dispatch import Dispatcher

CallTool = Callable[[StartCall], Coroutine[Any, Any, Any]]
Observer = Callable[[Event | Effect], None]
Keep = Callable[["TaskOutcome"], Coroutine[Any, Any, None]]


class FetchingUnit:
    """Runs one plan. Each line, result and moment goes to the dispatcher as it comes; nothing polls.

    Args:
        dispatcher: Decides.
        call: Calls a tool; keeps to the call's timeout.
        group: Owns the tasks; whoever leaves it waits for them, or cancels them.
        now: Returns monotonic seconds.
        observe: Is told of everything that happens, in order.
        keep: Writes down a task's result; `run` returns after all have been.

    Attributes:
        failure: What ended the planner's writing too early, or None.
        planning: The task that reads the plan; it may outlast `run`, for what comes behind `join`.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        call: CallTool,
        *,
        group: asyncio.TaskGroup,
        now: Callable[[], float],
        observe: Observer = lambda _: None,
        keep: Keep | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._call_tool = call
        self._group = group
        self._now = now
        self._observe = observe
        self._keep = keep
        self._calls: dict[tuple[TaskId, int], asyncio.Task[None]] = {}
        self._kept: list[asyncio.Task[None]] = []
        self._alarms = Alarms(group, now, lambda at: self._take(TimePassed(at)))
        self._over = asyncio.Event()
        self._closed = self._stopped = False
        self.failure: PasselError | None = None
        self.planning: asyncio.Task[None] | None = None

    async def run(self, plan: AsyncGenerator[PlanItem | Usage]) -> None:
        """Run a plan to its end: every task is settled, and what is to be kept is kept."""
        self.planning = self._group.create_task(self._read(plan))
        try:
            await self._over.wait()
            for task in self._kept:
                await task
        finally:
            self._alarms.cancel()
            for call in self._calls.values():
                call.cancel()

    @property
    def closed(self) -> bool:
        """Whether the plan has ended: no more tasks come."""
        return self._closed

    def abandon(self, reason: str) -> None:
        """Nobody needs what has not ended: cancel it all."""
        self._take(Abandoned(self._now(), reason))

    # --- What happens ----------------------------------------------------------------------------

    async def _read(self, plan: AsyncGenerator[PlanItem | Usage]) -> None:
        """Hand the plan over line by line, then its end, however that came."""
        try:
            async with aclosing(plan):
                async for item in plan:
                    self._heard(item)
                    if self._stopped:
                        return
        except PasselError as error:
            if not self._closed:
                self.failure = error
                self._take(Abandoned(self._now(), f"the planner failed: {error}"))
        self._close()

    def _heard(self, item: PlanItem | Usage) -> None:
        match item:
            case PlannedTask() | RefusedTask():
                self._take(Planned(self._now(), item))
            case PlanEnded():
                self._close()
            case Usage():
                self._take(TokensUsed(self._now(), item))

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._take(PlanClosed(self._now()))

    async def _call(self, start: StartCall) -> None:
        try:
            result = await self._call_tool(start)
        except Exception as error:  # noqa: BLE001  # whatever a tool raises costs its task alone
            text = str(error) or type(error).__name__
            lost = isinstance(error, DeadActorError | RestartedError)
            event: Event = CallFailed(self._now(), start.task, start.attempt, text, lost)
        else:
            event = CallSucceeded(self._now(), start.task, start.attempt, result)
        self._calls.pop((start.task, start.attempt), None)
        self._take(event)

    # --- What is to be done ----------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        self._observe(event)
        for effect in self._dispatcher.handle(event):
            self._observe(effect)
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case StartCall(task, attempt):
                self._calls[task, attempt] = self._group.create_task(self._call(effect))
            case CancelCall(task, attempt):
                self._calls.pop((task, attempt)).cancel()
            case Settle(outcome):
                if self._keep is not None and outcome.ending == "done":
                    self._kept.append(self._group.create_task(self._keep(outcome)))
            case WakeAt(at):
                self._alarms.set(at)
            case StopPlanning():
                self._stop_planning()
            case Finish():
                self._over.set()

    def _stop_planning(self) -> None:
        self._closed = self._stopped = True
        if self.planning is not None and self.planning is not asyncio.current_task():
            self.planning.cancel()
