"""How models write calls, plans and verdicts, and how tools and results are shown to them."""

from __future__ import annotations

from .reader import PlanReader

__all__ = ["PlanReader"]
