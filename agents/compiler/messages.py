"""What a run is told, what it says while it goes on, and its answer."""

from __future__ import annotations

from typing import Literal, NewType

import msgspec

from ...protocols.plan import TaskId, TaskOutcome
from ..notation.verdict import Verdict
from ..toolrun.budget import Budget, Limited, Prices, Spent

RunId = NewType("RunId", str)
"""Names a run: first part of the keys of its calls, and what its journal goes by."""


class CompilerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a compiler works.

    Attributes:
        budget: What one run may spend.
        prices: What tokens cost.
        form: How plans and verdicts are written: as `text` or, for models whose answers can be held to a
            schema, as `json`.
        examples: Questions with good plans, shown to the planner.
        hints: What else the joiner should know of a good answer.
        plan_tokens: Most tokens of a plan.
        verdict_tokens: Most tokens of a verdict.
        temperature: 0 is greedy.
        model_timeout: Seconds that one answer of a model may take.
        join_early: Seconds after which the joiner is asked about what is there while calls of a whole
            plan still run; an answer cancels them. None waits for all.
        observation_characters: A result's text is cut after so many in prompts; other tasks get all.
        note: Goes into every answer.
    """

    budget: Budget = Budget()
    prices: Prices = Prices()
    form: Literal["text", "json"] = "text"
    examples: tuple[str, ...] = ()
    hints: str = ""
    plan_tokens: int | None = 2_048
    verdict_tokens: int | None = 1_024
    temperature: float = 0.0
    model_timeout: float = 120.0
    join_early: float | None = None
    observation_characters: int = 4_000
    note: str = ""


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, how its tasks ended, in the order in which they were planned, and the verdict."""

    outcomes: tuple[TaskOutcome, ...]
    verdict: Verdict | None = None


class RunBegan(msgspec.Struct, frozen=True, kw_only=True, tag="began"):
    """A run begins; `resumed` says that a journal holds earlier results of it."""

    run: RunId
    question: str
    tools: tuple[str, ...]
    resumed: bool = False


class PlanGrown(msgspec.Struct, frozen=True, kw_only=True, tag="plan"):
    """The planner has written more; the first round is 1."""

    round: int
    text: str


class TaskPlanned(msgspec.Struct, frozen=True, kw_only=True, tag="planned"):
    """A line of the plan is complete, `at` seconds after the question; `needs` are tasks it refers to."""

    round: int
    at: float
    task: TaskId
    tool: str
    text: str
    needs: tuple[TaskId, ...]


class TaskStarted(msgspec.Struct, frozen=True, kw_only=True, tag="started"):
    """A tool is called for a task, `at` seconds after the question; the first attempt is 1."""

    round: int
    at: float
    task: TaskId
    tool: str
    attempt: int


class TaskSettled(msgspec.Struct, frozen=True, kw_only=True, tag="settled"):
    """A task has come to its end, `at` seconds after the question."""

    round: int
    at: float
    outcome: TaskOutcome


class VerdictGrown(msgspec.Struct, frozen=True, kw_only=True, tag="verdict"):
    """The joiner has written more."""

    round: int
    text: str


class Judged(msgspec.Struct, frozen=True, kw_only=True, tag="judged"):
    """The joiner has decided."""

    round: int
    at: float
    verdict: Verdict


class ReplanLimitReached(msgspec.Struct, frozen=True, kw_only=True, tag="replan_limit"):
    """The joiner wanted one plan more than the budget allows; `feedback` is what it missed."""

    replans: int
    feedback: str


class BudgetSpent(msgspec.Struct, frozen=True, kw_only=True, tag="budget"):
    """A budget was used up before there was an answer."""

    what: Limited
    limit: float


class PlannerFailed(msgspec.Struct, frozen=True, kw_only=True, tag="planner"):
    """The planner's model failed; what was under way was cancelled."""

    error: str
    cause: str


class JoinerFailed(msgspec.Struct, frozen=True, kw_only=True, tag="joiner"):
    """The joiner's model failed, or said twice what is no verdict."""

    error: str
    cause: str


Shortfall = ReplanLimitReached | BudgetSpent | PlannerFailed | JoinerFailed
"""Why a run has no answer."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag="answer"):
    """How a run ended.

    Attributes:
        answer: The answer, None when there is none.
        shortfall: Why there is none.
        thought: What the joiner thought.
        rounds: Plans that were made.
        tasks: Tasks that were planned.
        failed: Tasks without a result.
        spent: What it took.
        first_call_seconds: From the question to the first call of a tool; None without any.
        seconds: From the question to the end.
        note: What a reader should know of it.
    """

    answer: str | None
    shortfall: Shortfall | None = None
    thought: str = ""
    rounds: int = 0
    tasks: int = 0
    failed: int = 0
    spent: Spent = Spent()
    first_call_seconds: float | None = None
    seconds: float = 0.0
    note: str = ""


RunEvent = (
    RunBegan | PlanGrown | TaskPlanned | TaskStarted | TaskSettled | VerdictGrown | Judged | Answer
)
"""What a run's audience is told; an `Answer` is the last."""
