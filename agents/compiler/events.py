"""What the dispatcher is told, and what it wants done: plain records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...protocols.chat import Usage
from ...protocols.plan import PlannedTask, RefusedTask, TaskId, TaskOutcome
from ..toolrun.start_call import StartCall


@dataclass(frozen=True, slots=True)
class Planned:
    """A line of the plan is complete."""

    at: float
    task: PlannedTask | RefusedTask


@dataclass(frozen=True, slots=True)
class PlanClosed:
    """No more lines come: the plan has ended, or its planner failed."""

    at: float


@dataclass(frozen=True, slots=True)
class CallSucceeded:
    """A call returned."""

    at: float
    task: TaskId
    attempt: int
    result: Any


@dataclass(frozen=True, slots=True)
class CallFailed:
    """A call raised, took too long, or was `lost` with its actor or that one's process."""

    at: float
    task: TaskId
    attempt: int
    error: str
    lost: bool = False


@dataclass(frozen=True, slots=True)
class TimePassed:
    """A moment that `WakeAt` asked for has come."""

    at: float


@dataclass(frozen=True, slots=True)
class Abandoned:
    """Nobody needs what has not ended yet: the joiner has its answer, or a budget is spent."""

    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class TokensUsed:
    """A model says what it has taken."""

    at: float
    usage: Usage


Event = Planned | PlanClosed | CallSucceeded | CallFailed | TimePassed | Abandoned | TokensUsed


@dataclass(frozen=True, slots=True)
class CancelCall:
    """Cancel a call: its task is settled, or nobody needs it."""

    task: TaskId
    attempt: int


@dataclass(frozen=True, slots=True)
class Settle:
    """A task has come to its end."""

    outcome: TaskOutcome


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Say `TimePassed` at this time."""

    at: float


@dataclass(frozen=True, slots=True)
class StopPlanning:
    """Let the planner write no further: nobody will run what it writes."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Every task of the plan is settled, and no more come."""


Effect = StartCall | CancelCall | Settle | WakeAt | StopPlanning | Finish
