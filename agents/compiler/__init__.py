"""LLMCompiler: plans as task graphs, dispatched while they are still being written."""

from __future__ import annotations

from .budget import Account, Budget, Prices, Spent
from .dispatch import Dispatcher
from .reader import PlanReader
from .signature import Signature, checker
from .structured import JsonPlanReader, plan_schema
from .values import ArgumentError, read_arguments
from .verdict import (
    VERDICT_SCHEMA,
    Finished,
    Replan,
    Unreadable,
    Verdict,
    read_json_verdict,
    read_verdict,
)

__all__ = [
    "VERDICT_SCHEMA",
    "Account",
    "ArgumentError",
    "Budget",
    "Dispatcher",
    "Finished",
    "JsonPlanReader",
    "PlanReader",
    "Prices",
    "Replan",
    "Signature",
    "Spent",
    "Unreadable",
    "Verdict",
    "checker",
    "plan_schema",
    "read_arguments",
    "read_json_verdict",
    "read_verdict",
]
