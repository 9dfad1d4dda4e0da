"""Plans by rules, without a model."""

from __future__ import annotations

from .planner import plan_by_rules

__all__ = ["plan_by_rules"]
