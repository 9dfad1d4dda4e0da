"""What is asked of a tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...protocols.plan import TaskId


@dataclass(frozen=True, slots=True)
class StartCall:
    """Call a tool now, with results in the place of references.

    `key` is the same for every attempt of a task: a tool that remembers keys does its work once.
    """

    task: TaskId
    attempt: int
    tool: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    key: str
    timeout: float
