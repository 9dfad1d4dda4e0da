"""Writes plans in the form that the embedded planner is trained on: one spelling for each plan."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Ref:
    """The result of a task."""

    task: int

    @property
    def inside(self) -> str:
        """How it stands inside a longer text."""
        return f"${{{self.task}}}"

    def __str__(self) -> str:
        return f"${self.task}"


Argument: TypeAlias = "str | Ref | list[str] | list[Ref] | list[str | Ref]"


@dataclass(slots=True)
class PlanText:
    """A plan that is being written."""

    lines: list[str] = field(default_factory=list)

    def call(self, tool: str, *arguments: Argument) -> Ref:
        """Write the next call; return what refers to its result."""
        number = len(self.lines) + 1
        shown = ", ".join(_shown(argument) for argument in arguments)
        self.lines.append(f"{number}. {tool}({shown})")
        return Ref(number)

    def finished(self) -> str:
        """Return the whole plan, with `join` at its end."""
        return "\n".join([*self.lines, f"{len(self.lines) + 1}. join()"])


def _shown(argument: Argument) -> str:
    if isinstance(argument, list):
        return f"[{', '.join(_shown(item) for item in argument)}]"
    return str(argument) if isinstance(argument, Ref) else json.dumps(argument, ensure_ascii=False)
