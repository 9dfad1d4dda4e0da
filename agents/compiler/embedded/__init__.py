"""A planner that needs no endpoint, for a declared set of tools."""

from __future__ import annotations

from .rules import plan_by_rules
from .toolset import Arithmetic, declared_tools

__all__ = ["Arithmetic", "declared_tools", "plan_by_rules"]
