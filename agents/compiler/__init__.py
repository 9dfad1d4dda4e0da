"""LLMCompiler: plans as task graphs, dispatched while they are still being written."""

from __future__ import annotations

from .compiler import Compiler
from .errors import CompilerError, PlanFileError
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
from .shared import (
    Budget,
    NoToolsError,
    PlanReader,
    Prices,
    Spent,
    ToolNameTakenError,
    UsageUnknownError,
)

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
