"""Plans as JSON, for models whose answers can be held to a schema; the same items come out.

    {"tasks": [
      {"id": 1, "thought": "...", "tool": "search", "arguments": {"query": "cheetah"}},
      {"id": 2, "tool": "math", "arguments": {"expression": "$1 * 2"}}
    ]}

A task is complete the moment its closing brace arrives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ...protocols.plan import PlanEnded, PlanItem, PlannedTask, RefusedTask
from ..notation.item_reader import ItemReader
from ..notation.scanner import MAX_CALL_CHARACTERS
from ..notation.values import in_text

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from ...protocols.plan import Fault
    from ...protocols.tools import ToolSpec

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


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A task as the model writes it."""

    id: int
    tool: str
    arguments: dict[str, Any] | list[Any] = {}
    thought: str = ""


class _Named(msgspec.Struct, frozen=True):
    """What of a task that is wrong says which it is."""

    id: int
    tool: str = ""


@dataclass(eq=False)
class JsonPlanReader(ItemReader):
    """Reads a plan that is written as JSON; see `ItemReader`.

    Text before the first brace, such as the mark of a code block, is passed over.
    """

    _brackets: list[str] = field(default_factory=list, init=False, repr=False)
    _quoted: bool = field(default=False, init=False, repr=False)
    _escaped: bool = field(default=False, init=False, repr=False)
    _task: list[str] | None = field(default=None, init=False, repr=False)

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
            found.append(self._unread("".join(self._task), "unclosed", "the task is not whole"))
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
            return [self._read_task(text)]
        if len(self._brackets) < _TASK_DEPTH:
            self._ended = True
            return [PlanEnded(joined=True)]
        return []

    def _read_task(self, text: str) -> PlannedTask | RefusedTask:
        if len(text) > MAX_CALL_CHARACTERS:
            detail = f"the task is longer than {MAX_CALL_CHARACTERS} characters"
            return self._unread(text[:200], "size", detail)
        try:
            written = msgspec.json.decode(text, type=_Written)
        except (msgspec.DecodeError, RecursionError) as error:
            detail = f"the task does not read: {error}; it has id, tool, arguments and thought"
            return self._unread(text, "arguments", detail)
        read = partial(_arguments_of, written)
        return self._item(written.id, written.tool, text, read, thought=written.thought)

    def _unread(self, text: str, fault: Fault, detail: str) -> PlannedTask | RefusedTask:
        """Return the refusal of a task; one that does not say its number is taken for the next."""
        try:
            named = msgspec.json.decode(text, type=_Named)
        except (msgspec.DecodeError, RecursionError):
            named = _Named(max(self._known, default=0) + 1)
        return self._item(named.id, named.tool, text, (fault, detail))


def _arguments_of(
    written: _Written, known: Container[int]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    arguments = with_references(written.arguments, known)
    return ((), arguments) if isinstance(arguments, dict) else (tuple(arguments), {})


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
