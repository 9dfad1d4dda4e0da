"""Decides which task of a plan runs next. Pure: knows no actor, no clock and no task of asyncio.

The task fetching unit of LLMCompiler (arXiv 2312.04511, section 3.2), driven by events alone: a task
starts the moment its line is complete and its last dependency has ended, whatever the planner or
the slowest other task is doing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...protocols.plan import (
    Ending,
    PlannedTask,
    RefusedTask,
    ResultOf,
    TaskId,
    TaskOutcome,
    Template,
)
from ..toolrun.budget import Account, Budget, Prices
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
from .ready import ReadyQueue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...protocols.tools import ToolPolicy
    from ..toolrun.budget import Limited


@dataclass(slots=True)
class _Task:
    """A task on its way.

    Attributes:
        planned: What the planner wrote.
        missing: How many of the tasks it refers to have not ended.
        running: Begin of its calls under way, by attempt.
        attempts: Calls made so far.
        failures: How often they failed; a straggler and its second call fail together.
        began: When the first of them began.
    """

    planned: PlannedTask
    missing: int = 0
    running: dict[int, float] = field(default_factory=dict)
    attempts: int = 0
    failures: int = 0
    began: float = 0.0


class Dispatcher:
    """Runs the tasks of one plan over the results of those before it.

    Args:
        policies: How each tool may be called, by name.
        run: Name of the run; the first part of every idempotency key.
        settled: Outcomes of earlier rounds.
        journal: Outcomes of tasks of this plan from an interrupted run: they are not called again.
        account: What the run may spend; all its rounds share one. Without it there are no limits.

    A budget of calls that is used up abandons what would still have to be called; what runs may end.
    One of time, tokens or money abandons everything, the planner's writing too.

    Attributes:
        outcomes: How tasks ended, those of earlier rounds included.
        exhausted: The budget that ended the round early, or None.
    """

    def __init__(
        self,
        policies: Mapping[str, ToolPolicy],
        *,
        run: str,
        settled: Mapping[TaskId, TaskOutcome] | None = None,
        journal: Mapping[TaskId, TaskOutcome] | None = None,
        account: Account | None = None,
    ) -> None:
        self._account = account or Account(Budget(), Prices())
        self._alarm_set = False
        self.exhausted: Limited | None = None
        self._policies = policies
        self._run = run
        self._journal = dict(journal or {})
        self.outcomes: dict[TaskId, TaskOutcome] = dict(settled or {})
        self._tasks: dict[TaskId, _Task] = {}
        self._dependents: dict[TaskId, list[TaskId]] = {}
        self._busy: dict[str, int] = dict.fromkeys(policies, 0)
        self._pauses: dict[TaskId, float] = {}
        self._stragglers: dict[TaskId, float] = {}
        self._overdue: dict[TaskId, None] = {}
        self._means: dict[str, float] = {}
        self._ready = ReadyQueue(self._dependents, self._expected)
        self._closed = False
        self._finished = False
        self._abandoned = ""

    def handle(self, event: Event) -> list[Effect]:
        """Take one event, return in order what the shell must now do."""
        effects: list[Effect] = []
        match event:
            case Planned(at, task):
                self._plan(task, effects)
            case PlanClosed():
                self._closed = True
            case CallSucceeded(at, task, attempt, result):
                self._succeeded(task, attempt, result, at, effects)
            case CallFailed():
                self._failed(event, effects)
            case TimePassed(at):
                self._wake(at, effects)
            case Abandoned(at, reason):
                self._abandon(reason, at, effects)
            case TokensUsed(_, usage):
                self._account.used(usage)
        self._keep_to_budget(event.at, effects)
        self._start_what_can(event.at, effects)
        if self._closed and not self._tasks and not self._finished:
            self._finished = True
            effects.append(Finish())
        return effects

    # Budgets.

    def _keep_to_budget(self, now: float, effects: list[Effect]) -> None:
        """Abandon everything once time, tokens or money are used up; ask to be woken for the time."""
        if self._finished or self.exhausted not in (None, "calls"):
            return
        until = self._account.until
        if until is not None and not self._alarm_set:
            self._alarm_set = True
            effects.append(WakeAt(until))
        found = self._account.exhausted(now)
        if found is not None:
            self.exhausted = found
            reason = f"the budget of {self._account.limit(found):g} {found} is used up"
            self._abandon(reason, now, effects)

    def _out_of_calls(self, task: TaskId, now: float, effects: list[Effect]) -> None:
        """Abandon a task that would have to be called; those that need it have no result of it."""
        self.exhausted = "calls"
        reason = f"the budget of {self._account.limit('calls'):g} calls is used up"
        self._end(task, "abandoned", reason, now, effects)

    # Tasks come.

    def _plan(self, task: PlannedTask | RefusedTask, effects: list[Effect]) -> None:
        if isinstance(task, RefusedTask):
            self._refuse(task, effects)
            return
        earlier = self._journal.get(task.id)
        if earlier is not None and earlier.text == task.text and earlier.ending == "done":
            self._settle(earlier, effects)
            return
        entry = self._tasks[task.id] = _Task(task)
        self._dependents[task.id] = []
        if self._abandoned:
            self._end(task.id, "abandoned", self._abandoned, 0.0, effects)
            return
        for needed in dict.fromkeys(references_in((task.arguments, task.keywords))):
            if needed in self._tasks:
                self._dependents[needed].append(task.id)
                entry.missing += 1
            elif not self._has_result(needed):
                self._end(task.id, "skipped", f"task {needed} has no result", 0.0, effects)
                return
        if not entry.missing:
            self._ready.add(task.tool, task.id)

    def _refuse(self, task: RefusedTask, effects: list[Effect]) -> None:
        outcome = TaskOutcome(
            id=task.id, tool=task.tool, text=task.text, ending="refused", error=task.detail
        )
        if task.fault in ("duplicate", "number"):  # the task of that number may be another one
            effects.append(Settle(outcome))
        else:
            self._settle(outcome, effects)

    def _has_result(self, task: TaskId) -> bool:
        outcome = self.outcomes.get(task)
        return outcome is not None and outcome.ending == "done"

    # Calls begin.

    def _start_what_can(self, now: float, effects: list[Effect]) -> None:
        for tool, policy in self._policies.items():
            for task in self._ready.take(tool, policy.concurrency - self._busy[tool]):
                if self._account.may_call():
                    self._start(task, now, effects)
                else:
                    self._out_of_calls(task, now, effects)
        for task in list(self._overdue):
            tool = self._tasks[task].planned.tool
            if self._busy[tool] < self._policies[tool].concurrency:
                del self._overdue[task]
                if self._account.may_call():
                    self._start(task, now, effects)

    def _expected(self, task: TaskId) -> float:
        """Return the seconds that a task may take, as its tool's calls so far did."""
        return self._means.get(self._tasks[task].planned.tool, 1.0)

    def _start(self, task: TaskId, now: float, effects: list[Effect]) -> None:
        entry = self._tasks[task]
        planned, policy = entry.planned, self._policies[entry.planned.tool]
        self._account.called()
        entry.attempts += 1
        if entry.attempts == 1:
            entry.began = now
        entry.running[entry.attempts] = now
        self._busy[planned.tool] += 1
        effects.append(
            StartCall(
                task=task,
                attempt=entry.attempts,
                tool=planned.tool,
                arguments=self._filled(planned.arguments),
                keywords=self._filled(planned.keywords),
                key=f"{self._run}/{task}",
                timeout=policy.timeout,
            )
        )
        if policy.idempotent and policy.hedge_after is not None and len(entry.running) == 1:
            self._stragglers[task] = now + policy.hedge_after
            effects.append(WakeAt(now + policy.hedge_after))

    def _filled(self, value: Any) -> Any:
        """Return a value with results in the place of references; results are not looked into."""
        if isinstance(value, ResultOf):
            return self.outcomes[value.task].result
        if isinstance(value, Template):
            parts = (p if isinstance(p, str) else str(self._filled(p)) for p in value.parts)
            return "".join(parts)
        if isinstance(value, dict):
            return {key: self._filled(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._filled(item) for item in value)
        return value

    # Calls end.

    def _ended(self, task: TaskId, attempt: int) -> _Task | None:
        """Return the task of a call that was still wanted, and give its place back."""
        entry = self._tasks.get(task)
        if entry is None or entry.running.pop(attempt, None) is None:
            return None
        self._busy[entry.planned.tool] -= 1
        return entry

    def _succeeded(
        self, task: TaskId, attempt: int, result: Any, now: float, effects: list[Effect]
    ) -> None:
        entry = self._ended(task, attempt)
        if entry is None:
            return
        tool, seconds = entry.planned.tool, now - entry.began
        self._means[tool] = (
            seconds if tool not in self._means else (0.8 * self._means[tool] + 0.2 * seconds)
        )
        self._end(task, "done", "", now, effects, result=result)

    def _failed(self, failed: CallFailed, effects: list[Effect]) -> None:
        task, now = failed.task, failed.at
        entry = self._ended(task, failed.attempt)
        if entry is None or entry.running:
            return  # another call may still do it
        policy = self._policies[entry.planned.tool]
        entry.failures += 1
        self._stragglers.pop(task, None)
        self._overdue.pop(task, None)
        repetitions = max(policy.retries, int(failed.lost))  # the tool has had no say in a loss
        if policy.idempotent and entry.failures <= repetitions:
            pause = policy.backoff * 2.0 ** (entry.failures - 1)
            self._pauses[task] = now + pause
            effects.append(WakeAt(now + pause))
            return
        self._end(task, "failed", failed.error, now, effects)

    def _wake(self, now: float, effects: list[Effect]) -> None:
        for task in [task for task, due in self._pauses.items() if due <= now]:
            del self._pauses[task]
            self._ready.add(self._tasks[task].planned.tool, task)
        for task in [task for task, due in self._stragglers.items() if due <= now]:
            del self._stragglers[task]
            self._overdue[task] = None  # its second call starts with the next place that is free

    # Tasks end.

    def _end(
        self, task: TaskId, ending: Ending, error: str, now: float, effects: list[Effect],
        *, result: Any = None,
    ) -> None:  # fmt: skip
        """End a task; those that refer to it may start, or are skipped with all that refer to them."""
        outcome = self._close(task, ending, error, now, effects, result=result)
        ended = deque([outcome])
        while ended:
            needed = ended.popleft()
            for dependent in self._dependents.pop(needed.id, ()):
                entry = self._tasks.get(dependent)
                if entry is None:
                    continue
                entry.missing -= 1
                if needed.ending != "done":
                    why = f"task {needed.id} has no result"
                    ended.append(self._close(dependent, "skipped", why, now, effects))
                elif not entry.missing:
                    self._ready.add(entry.planned.tool, dependent)

    def _close(
        self, task: TaskId, ending: Ending, error: str, now: float, effects: list[Effect],
        *, result: Any = None,
    ) -> TaskOutcome:  # fmt: skip
        """Take a task out of everything, and settle it."""
        entry = self._tasks.pop(task)
        planned = entry.planned
        for attempt in entry.running:
            self._busy[planned.tool] -= 1
            effects.append(CancelCall(task, attempt))
        self._ready.discard(planned.tool, task)
        self._pauses.pop(task, None)
        self._stragglers.pop(task, None)
        self._overdue.pop(task, None)
        outcome = TaskOutcome(
            id=task,
            tool=planned.tool,
            text=planned.text,
            thought=planned.thought,
            ending=ending,
            result=result,
            error=error,
            attempts=entry.attempts,
            seconds=now - entry.began if entry.attempts else 0.0,
        )
        self._settle(outcome, effects)
        return outcome

    def _settle(self, outcome: TaskOutcome, effects: list[Effect]) -> None:
        self.outcomes[outcome.id] = outcome
        effects.append(Settle(outcome))

    def _abandon(self, reason: str, now: float, effects: list[Effect]) -> None:
        if not self._closed:
            self._closed = True
            effects.append(StopPlanning())
        self._abandoned = reason
        for task in list(self._tasks):
            self._close(task, "abandoned", reason, now, effects)
        self._dependents.clear()


def references_in(value: Any) -> Iterator[TaskId]:
    """Yield the tasks whose results a value refers to."""
    if isinstance(value, ResultOf):
        yield value.task
    elif isinstance(value, Template):
        yield from (part.task for part in value.parts if isinstance(part, ResultOf))
    elif isinstance(value, dict):
        for item in value.values():
            yield from references_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references_in(item)
