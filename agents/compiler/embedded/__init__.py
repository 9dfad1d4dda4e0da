"""Planners that need no endpoint, for a declared set of tools."""

from __future__ import annotations

from .actors import EmbeddedPlanner, RulePlanner
from .rules import plan_by_rules
from .toolset import Arithmetic, declared_tools

__all__ = ["Arithmetic", "EmbeddedPlanner", "RulePlanner", "declared_tools", "plan_by_rules"]
