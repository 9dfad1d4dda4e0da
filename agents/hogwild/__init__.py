"""Hogwild! Inference: workers that write into one shared attention cache."""

from __future__ import annotations

from .answers import boxed, same_answer
from .errors import CacheLostError, ModelFailedError, SolveError, TeamLostError, TeamSizeError
from .messages import (
    Prepared,
    Solution,
    SolveEvent,
    TeamSettings,
    WorkerLost,
    WorkerReport,
    WorkerReturned,
    WorkerTask,
)
from .prompts import NAMES, team_names, team_prompt
from .session import RULE, Session
from .step_rule import StepRule, StepSettings
from .worker import Worker

__all__ = [
    "NAMES",
    "RULE",
    "CacheLostError",
    "ModelFailedError",
    "Prepared",
    "Session",
    "Solution",
    "SolveError",
    "SolveEvent",
    "StepRule",
    "StepSettings",
    "TeamLostError",
    "TeamSettings",
    "TeamSizeError",
    "Worker",
    "WorkerLost",
    "WorkerReport",
    "WorkerReturned",
    "WorkerTask",
    "boxed",
    "same_answer",
    "team_names",
    "team_prompt",
]
