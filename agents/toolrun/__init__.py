"""Calling the tools of tool actors within a budget: what all agents do that call tools."""

from __future__ import annotations

from .budget import Budget, Prices, Spent
from .errors import NoToolsError, ToolNameTakenError, ToolRunError, UsageUnknownError

__all__ = [
    "Budget",
    "NoToolsError",
    "Prices",
    "Spent",
    "ToolNameTakenError",
    "ToolRunError",
    "UsageUnknownError",
]
