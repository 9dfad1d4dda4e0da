"""LLMCompiler: plans as task graphs, dispatched while they are still being written."""

from __future__ import annotations

from .budget import Budget, Prices, Spent
from .compiler import Compiler
from .errors import (
    CompilerError,
    NoToolsError,
    PlanFileError,
    ToolNameTakenError,
    UsageUnknownError,
)
from .journal import RunJournal
from .messages import (
    Answer,
    BudgetSpent,
    CompilerSettings,
    JoinerFailed,
    Judged,
    PlanGrown,
    PlannerFailed,
    ReplanLimitReached,
    RunBegan,
    RunEvent,
    TaskPlanned,
    TaskSettled,
    TaskStarted,
    VerdictGrown,
)
from .reader import PlanReader

__all__ = [
    "Answer",
    "Budget",
    "BudgetSpent",
    "Compiler",
    "CompilerError",
    "CompilerSettings",
    "JoinerFailed",
    "Judged",
    "NoToolsError",
    "PlanFileError",
    "PlanGrown",
    "PlanReader",
    "PlannerFailed",
    "Prices",
    "ReplanLimitReached",
    "RunBegan",
    "RunEvent",
    "RunJournal",
    "Spent",
    "TaskPlanned",
    "TaskSettled",
    "TaskStarted",
    "ToolNameTakenError",
    "UsageUnknownError",
    "VerdictGrown",
]
