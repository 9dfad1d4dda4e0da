"""Plans as JSON, for models whose answers can be held to a schema; the same items come out.

    {"tasks": [
      {"id": 1, "thought": "...", "tool": "search", "arguments": {"query": "cheetah"}},
      {"id": 2, "tool": "math", "arguments": {"expression": "$1 * 2"}}
    ]}

A task is complete the moment its closing brace arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from ...protocols.plan import PlanEnded, PlanItem, PlannedTask, RefusedTask, TaskId
from ..notation.scanner import MAX_CALL_CHARACTERS
from ..notation.values import ArgumentError, UnknownTaskError, in_text

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from ...protocols.plan import Fault
    from ...protocols.tools import ToolSpec

    CheckTask = Callable[[PlannedTask], str]

REFERENCE: Final = {"type": "string", "pattern": r"^\$(\d+|\{\d+\})$"}
"""Schema of an argument that is the result of a task, whatever its type."""

_TASK_DEPTH: Final = 2
"""Tasks lie in a list in an object."""


def plan_schema(tools: Iterable[ToolSpec]) -> dict[str, Any]:
    """Return the JSON Schema of plans for these tools.

    Every argument may also be a reference, and so may each item of a list.
    """
    kinds = [_task_schema(spec) for spec in tools]
    definitions: dict[str, Any] = {}
    for spec in tools:
        definitions |= spec.parameters.get("$defs", {})
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"tasks": {"type": "array", "items": {"anyOf": kinds}}},
        "required": ["tasks"],
        "additionalProperties": False,
    }
    return schema | ({"$defs": definitions} if definitions else {})


def _task_schema(spec: ToolSpec) -> dict[str, Any]:
    properties = spec.parameters.get("properties", {})
    return {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "minimum": 1},
            "thought": {"type": "string"},
            "tool": {"const": spec.name},
            "arguments": {
                "type": "object",
                "properties": {name: _or_result(schema) for name, schema in properties.items()},
                "required": list(spec.parameters.get("required", ())),
                "additionalProperties": False,
            },
        },
        "required": ["id", "tool", "arguments"],
        "additionalProperties": False,
    }


def _or_result(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("items"), dict):
        schema = {**schema, "items": {"anyOf": [schema["items"], REFERENCE]}}
    return {"anyOf": [schema, REFERENCE]}


class _Written(msgspec.Struct, frozen=True):
    """A task as the model writes it."""

    id: int
    tool: str
    arguments: dict[str, Any] | list[Any] = {}
    thought: str = ""


class JsonPlanReader:
    """Takes the JSON of one plan in pieces and returns its items, in order; see `PlanReader`.

    Whatever is wrong with a task costs that task alone. Text before the first brace, such as the
    mark of a code block, is passed over.

    Args:
        tools: Names of the tools there are.
        earlier: Numbers of the tasks of earlier rounds, whose results may be referred to.
        check: Says what is wrong with a task's arguments, or nothing.
    """

    def __init__(
        self,
        tools: Iterable[str],
        *,
        earlier: Iterable[int] = (),
        check: CheckTask = lambda _task: "",
    ) -> None:
        self._tools = tuple(tools)
        self._known = set(earlier)
        self._check = check
        self._brackets: list[str] = []
        self._quoted = self._escaped = False
        self._task: list[str] | None = None
        self._last = max(self._known, default=0)
        self._ended = False

    def feed(self, piece: str) -> list[PlanItem]:
        """Take the next piece of text, return the items that it completes."""
        found: list[PlanItem] = []
        for character in piece:
            if self._ended:
                break
            found += self._take(character)
        return found

    def finish(self) -> list[PlanItem]:
        """The text has ended: return what it leaves open, and the end."""
        if self._ended:
            return []
        self._ended = True
        found: list[PlanItem] = []
        if self._task is not None:
            text = "".join(self._task)
            found.append(
                self._refuse(self._last + 1, "", "unclosed", "the task is not whole", text)
            )
        return [*found, PlanEnded(joined=False)]

    def _take(self, character: str) -> list[PlanItem]:
        if self._task is not None and len(self._task) <= MAX_CALL_CHARACTERS:
            self._task.append(character)
        if self._quoted:
            self._take_quoted(character)
        elif character == '"':
            self._quoted = bool(self._brackets)
        elif character == "{" or (character == "[" and self._brackets):
            if character == "{" and self._task is None and self._brackets == ["{", "["]:
                self._task = [character]
            self._brackets.append(character)
        elif character in "]}" and self._brackets:
            self._brackets.pop()
            return self._closed()
        return []

    def _take_quoted(self, character: str) -> None:
        if self._escaped:
            self._escaped = False
        elif character == "\\":
            self._escaped = True
        elif character == '"':
            self._quoted = False

    def _closed(self) -> list[PlanItem]:
        if self._task is not None and len(self._brackets) == _TASK_DEPTH:
            text, self._task = "".join(self._task), None
            return [self._item(text)]
        if len(self._brackets) < _TASK_DEPTH:
            self._ended = True
            return [PlanEnded(joined=True)]
        return []

    def _item(self, text: str) -> PlannedTask | RefusedTask:
        expected = self._last + 1
        if len(text) > MAX_CALL_CHARACTERS:
            detail = f"the task is longer than {MAX_CALL_CHARACTERS} characters"
            self._note(expected)
            return self._refuse(expected, "", "size", detail, text[:200])
        try:
            written = msgspec.json.decode(text, type=_Written)
        except (msgspec.DecodeError, RecursionError) as error:
            self._note(expected)
            return self._refuse(expected, "", "arguments", f"the task does not read: {error}", text)
        if written.id in self._known:
            detail = f"there is a task {written.id} already; go on counting"
            return self._refuse(written.id, written.tool, "duplicate", detail, text)
        known = frozenset(self._known)
        self._note(written.id)
        if written.tool not in self._tools:
            detail = f"there is no tool {written.tool}; there are {', '.join(self._tools)}"
            return self._refuse(written.id, written.tool, "tool", detail, text)
        try:
            task = self._planned(written, known, text)
        except UnknownTaskError as error:
            return self._refuse(written.id, written.tool, "reference", str(error), text)
        except ArgumentError as error:
            return self._refuse(written.id, written.tool, "arguments", str(error), text)
        wrong = self._check(task)
        return self._refuse(task.id, task.tool, "arguments", wrong, text) if wrong else task

    def _note(self, number: int) -> None:
        self._known.add(number)
        self._last = max(self._last, number)

    @staticmethod
    def _planned(written: _Written, known: Container[int], text: str) -> PlannedTask:
        arguments = with_references(written.arguments, known)
        by_name = isinstance(arguments, dict)
        return PlannedTask(
            id=TaskId(written.id),
            tool=written.tool,
            arguments=() if by_name else tuple(arguments),
            keywords=arguments if by_name else {},
            thought=written.thought,
            text=text,
        )

    @staticmethod
    def _refuse(number: int, tool: str, fault: Fault, detail: str, text: str) -> RefusedTask:
        return RefusedTask(id=TaskId(number), tool=tool, fault=fault, detail=detail, text=text)


def with_references(value: Any, known: Container[int]) -> Any:
    """Return a value of JSON with the references in its texts.

    Raises:
        UnknownTaskError: One can only be a reference, to a task that is not known.
    """
    if isinstance(value, str):
        return in_text(value, known)
    if isinstance(value, dict):
        return {key: with_references(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [with_references(item, known) for item in value]
    return value
