"""Reads one step of a ReAct agent: a call of a tool, an answer, or what is neither."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from ...protocols.plan import PlannedTask, RefusedTask
from ..notation.reader import PlanReader
from ..notation.verdict import Finished, read_verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ACTION = re.compile(r"^[ \t*]*Action\s*:\**[ \t]*(?=\w+[ \t]*\()", re.MULTILINE)


class Misstep(msgspec.Struct, frozen=True):
    """What the model said is neither a call nor an answer; `reason` says what mends it."""

    reason: str


Step = PlannedTask | Finished | Misstep


def read_step(
    text: str, number: int, tools: Sequence[str], check: Callable[[PlannedTask], str]
) -> Step:
    """Read `Thought: ... Action: search("cats")`, or `Action: Finish(...)`.

    Args:
        text: What the model said.
        number: Number of the step, which becomes that of the task.
        tools: Names of the tools.
        check: Says what is wrong with a call's arguments, or nothing.
    """
    verdict = read_verdict(text)
    if isinstance(verdict, Finished):
        return verdict
    action = _ACTION.search(text)
    if action is None:
        return Misstep("there is no `Action: tool(...)` or `Action: Finish(...)`")
    reader = PlanReader(tools, check=check)
    first = reader.read(f"{number}. {text[action.end() :]}")[0]
    if isinstance(first, PlannedTask):
        return first
    return Misstep(first.detail if isinstance(first, RefusedTask) else "there is no call")
