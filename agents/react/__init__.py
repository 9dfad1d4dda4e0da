"""ReAct: one tool call after the other, each thought of when the result before it is there."""

from __future__ import annotations

from .agent import ReAct
from .messages import Conclusion, ReActSettings, StepTaken

__all__ = ["Conclusion", "ReAct", "ReActSettings", "StepTaken"]
