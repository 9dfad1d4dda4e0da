"""What the compiler has in common with other agents and shows in its own face, too."""

from __future__ import annotations

from ..notation import PlanReader
from ..toolrun import (
    Budget,
    NoToolsError,
    Prices,
    Spent,
    ToolNameTakenError,
    UsageUnknownError,
)

__all__ = [
    "Budget",
    "NoToolsError",
    "PlanReader",
    "Prices",
    "Spent",
    "ToolNameTakenError",
    "UsageUnknownError",
]
