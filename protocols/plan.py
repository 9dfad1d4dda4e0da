"""What a planner, the dispatcher of its plan and a joiner say to each other.

A plan is a numbered list of tool calls whose arguments may refer to the results of others: the task
graph of LLMCompiler (Kim et al., arXiv 2312.04511, sections 3.1 and 3.2).
"""

from __future__ import annotations

from typing import Any, Literal, NewType

import msgspec

TaskId = NewType("TaskId", int)
"""The number of a task in its plan; it goes on counting over the rounds of a run."""

JOIN = "join"
"""The pseudo tool that ends a plan; nothing is called."""


class ResultOf(msgspec.Struct, frozen=True, tag="result"):
    """Stands for the result of a task, whatever its type: `$3`, or `"$3"` as a whole text."""

    task: TaskId


class Template(msgspec.Struct, frozen=True, tag="template"):
    """A text with results inside, in order: `"max($2, ${1})"`."""

    parts: tuple[str | ResultOf, ...]


Value = Any
"""None, truth values, numbers, texts, lists and mappings of values, `ResultOf`, `Template`."""


class PlannedTask(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a tool, as the planner wants it.

    Attributes:
        id: Its number.
        tool: Name of the tool.
        arguments: Positional arguments.
        keywords: Arguments by name.
        thought: What the planner thought before it, or empty.
        text: The call as it was written.
    """

    id: TaskId
    tool: str
    arguments: tuple[Value, ...] = ()
    keywords: dict[str, Value] = {}
    thought: str = ""
    text: str = ""


Fault = Literal["unclosed", "number", "duplicate", "reference", "tool", "arguments", "size"]
"""What may be wrong with a task: no closing parenthesis, a line that begins wrongly, a number that
is taken, a reference to what is not there, no such tool, arguments that make no sense or do not fit
the tool, too long."""


class RefusedTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task that cannot be run as it was written; the others of its plan can.

    Attributes:
        id: Its number; 0 if it has none that can be read.
        tool: Name of the tool, as it was written.
        fault: What is wrong, for programs.
        detail: What is wrong and what mends it, for models and people.
        text: The call as far as it was written.
    """

    id: TaskId
    tool: str
    fault: Fault
    detail: str
    text: str


class PlanEnded(msgspec.Struct, frozen=True, kw_only=True):
    """The planner has written all that it wanted.

    Attributes:
        joined: Whether it said `join`.
        thought: What it thought before that, or empty.
    """

    joined: bool
    thought: str = ""


PlanItem = PlannedTask | RefusedTask | PlanEnded
"""What a plan is read into, item by item, while it is being written."""


Ending = Literal["done", "failed", "refused", "skipped", "abandoned"]
"""How a task ended: with a result; with an error of its tool; before it was called, as it was
written wrongly, as something it refers to has no result, or as nobody needed it any more."""


class TaskOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a task.

    Attributes:
        id: Its number.
        tool: Name of its tool.
        text: The call as it was written.
        thought: What the planner thought before it.
        ending: How it ended.
        result: What the tool returned, if it did.
        error: Why there is no result, or empty.
        attempts: Calls that were made.
        seconds: From the first call to the end.
    """

    id: TaskId
    tool: str
    text: str
    thought: str = ""
    ending: Ending = "done"
    result: Any = None
    error: str = ""
    attempts: int = 0
    seconds: float = 0.0
