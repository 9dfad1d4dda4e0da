"""Says whether a task's arguments fit what its tool takes, before anything is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from ...actors.tools.binding import Misfit, bound
from ...protocols.plan import ResultOf, Template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ...protocols.plan import PlannedTask
    from ...protocols.tools import ToolSpec

Schema = Any
"""A JSON Schema: a mapping, or a truth value."""

_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
    "null": (type(None),),
}
_READ: Final[dict[str, Any]] = {
    "integer": int,
    "number": float,
    "boolean": bool,
    "null": type(None),
}
"""What tools read a text as where they want such a value; see `actors.tools.parameters`."""


class Signature:
    """What one tool takes.

    Read of its schema are `properties`, their order, `required` and `additionalProperties`; of each
    value `type`, `enum`, `const`, `anyOf`, `oneOf`, `items`, `properties`, `required` and `$ref`.
    What else a schema says is the tool's to check. A reference fits everywhere, since its result is
    not there yet; a text with results inside fits where a text does. As the tools themselves do, it
    takes a text that reads as a number, or as what else is wanted, for that, and a number for a text.

    Args:
        spec: The tool.
    """

    def __init__(self, spec: ToolSpec) -> None:
        self._name = spec.name
        self._properties: dict[str, Schema] = spec.parameters.get("properties", {})
        self._required: Sequence[str] = spec.parameters.get("required", ())
        self._more: Schema = spec.parameters.get("additionalProperties", False)
        self._root = spec.parameters

    def fault(self, task: PlannedTask) -> str:
        """Return what is wrong with the arguments of a task and what mends it, or nothing."""
        given, wrong = self._bound(task.arguments, task.keywords)
        if wrong:
            return f"{wrong}; {self._usage()}"
        for name, value in given.items():
            schema = self._properties.get(name, self._more)
            wrong = next(faults_of(_as_text(value, schema), schema, name, self._root), "")
            if wrong:
                return f"{wrong}; {self._usage()}"
        return ""

    def _bound(
        self, arguments: Sequence[Any], keywords: Mapping[str, Any]
    ) -> tuple[dict[str, Any], str]:
        names = list(self._properties)
        given, misfit = bound(names, arguments, keywords, more=bool(self._more))
        match misfit:
            case Misfit("many"):
                return {}, f"{self._name} takes {_count(len(names))}, {len(arguments)} are given"
            case Misfit("twice", name):
                return {}, f"the argument {name} is given twice"
            case Misfit("unknown", name):
                return {}, f"{self._name} takes no argument {name}"
        missing = [name for name in self._required if name not in given]
        return given, f"{self._name} needs {', '.join(missing)}" if missing else ""

    def _usage(self) -> str:
        words = [n if n in self._required else f"{n}=..." for n in self._properties]
        return f"write {self._name}({', '.join(words)})"


def checker(tools: Iterable[ToolSpec]) -> Callable[[PlannedTask], str]:
    """Return what says of any task of these tools how its arguments are wrong, or nothing."""
    signatures = {spec.name: Signature(spec) for spec in tools}
    return lambda task: signatures[task.tool].fault(task)


def faults_of(value: Any, schema: Schema, where: str, root: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a value does not fit its schema, in words."""
    if isinstance(value, ResultOf) or schema is True or not isinstance(schema, dict):
        return
    if "$ref" in schema:
        schema = _resolved(schema["$ref"], root)
        if not isinstance(schema, dict):
            return
    options = schema.get("anyOf") or schema.get("oneOf")
    if options and all(any(faults_of(value, option, where, root)) for option in options):
        yield f"{where} is {_shown(value)}, which is none of what it may be"
        return
    kinds = schema.get("type", ())
    kinds = (kinds,) if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        yield f"{where} is {_shown(value)}, not {_article(' or '.join(kinds))}"
        return
    if isinstance(value, Template):
        return  # what it will say is not known
    allowed = schema.get("enum") or ([schema["const"]] if "const" in schema else ())
    if allowed and value not in allowed:
        yield f"{where} is {_shown(value)}, not one of {', '.join(map(repr, allowed))}"
    yield from _faults_inside(value, schema, where, root)


def _faults_inside(
    value: Any, schema: Mapping[str, Any], where: str, root: Mapping[str, Any]
) -> Iterator[str]:
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{where} lacks {name}"
        for name, item in value.items():
            inner = properties.get(name, schema.get("additionalProperties", True))
            if inner is False:
                yield f"{where} has no {name}"
            yield from faults_of(item, inner, f"{where}.{name}", root)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from faults_of(item, schema.get("items", True), f"{where}[{index}]", root)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, Template):
        return kind == "string"
    if isinstance(value, str | int) and kind in _READ:
        return _reads_as(value, _READ[kind])
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _KINDS.get(kind, (object,)))


def _reads_as(value: str | int, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def _as_text(value: Any, schema: Schema) -> Any:
    """Return a number as a text where its parameter is one, since a tool takes it for that."""
    wanted = isinstance(schema, dict) and schema.get("type") == "string"
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if wanted and plain else value


def _resolved(pointer: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for step in pointer.removeprefix("#/").split("/"):
        found = found.get(step, {}) if isinstance(found, dict) else {}
    return found


def _shown(value: Any) -> str:
    text = "a text with results" if isinstance(value, Template) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeio' else 'a'} {word}"


def _count(number: int) -> str:
    return "no arguments" if number == 0 else f"{number} argument{'s' if number > 1 else ''}"
