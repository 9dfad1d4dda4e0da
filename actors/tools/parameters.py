"""What a function takes, as a model is told of it: JSON Schema from type hints, and the way back."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from ...protocols.errors import CodecError
from ..handler import resolved_hints
from .binding import bound
from .docstring import Docstring, read_docstring
from .errors import ToolArgumentsError, ToolDefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TEMPLATE: Final = "#/$defs/{name}"
_UNNAMED: Final = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}

_MISFITS: Final = {
    "many": "is one too many; call {signature}",
    "unknown": "is unknown; call {signature}",
    "twice": "is given twice, by position and by name; give it once",
}


class Parameter(NamedTuple):
    """One parameter of a tool.

    Attributes:
        name: Its name.
        kind: The type that its arguments have.
        schema: JSON Schema of that.
        required: Whether it has no default.
        by_position: Whether the function takes it by position only.
    """

    name: str
    kind: Any
    schema: dict[str, Any]
    required: bool
    by_position: bool = False


class Parameters:
    """The parameters of a tool, in order.

    Args:
        tool: Its name, for errors.
        parameters: What it takes.
        definitions: Schemas that those of the parameters refer to.
    """

    def __init__(
        self,
        tool: str,
        parameters: tuple[Parameter, ...],
        definitions: Mapping[str, Any] | None = None,
    ) -> None:
        self._tool = tool
        self._parameters = parameters
        self._definitions = dict(definitions or {})

    @classmethod
    def of(cls, function: Callable[..., Any], tool: str) -> Parameters:
        """Return the parameters of a function.

        Raises:
            ToolDefinitionError: One has no type hint, cannot be named, or has a type without schema.
        """
        said = read_docstring(inspect.getdoc(function) or "")
        hints = hints_of(function, tool)
        found = list(inspect.signature(function).parameters.values())
        for parameter in found:
            if parameter.kind in _UNNAMED:
                raise ToolDefinitionError(
                    tool, reason=f"it takes *{parameter.name}; name each parameter"
                )
            if parameter.name not in hints:
                raise ToolDefinitionError(
                    tool, reason=f"parameter {parameter.name!r} has no type hint; add one"
                )
        kinds = [hints[parameter.name] for parameter in found]
        try:
            schemas, definitions = msgspec.json.schema_components(kinds, ref_template=_TEMPLATE)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ToolDefinitionError(tool, reason=f"a type hint has no schema: {error}") from None
        read = [
            _parameter(parameter, kind, dict(schema), said)
            for parameter, kind, schema in zip(found, kinds, schemas, strict=True)
        ]
        return cls(tool, tuple(read), definitions)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of an object that has the parameters as properties, in order."""
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {p.name: p.schema for p in self._parameters},
            "required": [p.name for p in self._parameters if p.required],
            "additionalProperties": False,
        }
        if self._definitions:
            schema["$defs"] = self._definitions
        return schema

    def bind(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments by name, each of its parameter's type.

        What fits exactly is taken as it is. Else a text that reads as the type wanted becomes
        that, as models write numbers in quotes, and a number becomes a text where one is wanted,
        as results of other tools are numbers.

        Raises:
            ToolArgumentsError: One is missing, unknown, given twice, or does not fit.
        """
        given = self._named(arguments, keywords)
        for parameter in self._parameters:
            if parameter.name in given:
                given[parameter.name] = self._converted(parameter, given[parameter.name])
            elif parameter.required:
                reason = f"is missing; call {self.signature()}"
                raise ToolArgumentsError(self._tool, parameter.name, reason=reason)
        return given

    def split(self, given: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return bound arguments as a function takes them: by position where it must, else by name."""
        first = [p.name for p in self._parameters if p.by_position and p.name in given]
        rest = {name: value for name, value in given.items() if name not in first}
        return [given[name] for name in first], rest

    def signature(self) -> str:
        """Return how the tool is called, in one line."""
        words = [
            f"{p.name}: {_words(p.schema)}{'' if p.required else ' (optional)'}"
            for p in self._parameters
        ]
        return f"{self._tool}({', '.join(words)})"

    def _named(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> dict[str, Any]:
        names = [parameter.name for parameter in self._parameters]
        given, misfit = bound(names, arguments, keywords)
        if misfit is None:
            return given
        reason = _MISFITS[misfit.kind].format(signature=self.signature())
        raise ToolArgumentsError(self._tool, misfit.argument, reason=reason)

    def _converted(self, parameter: Parameter, value: Any) -> Any:
        kind = parameter.kind
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            first = error
        if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        try:
            return msgspec.convert(value, kind, strict=False)
        except msgspec.ValidationError:
            reason = f"does not fit: {first}; give {_words(parameter.schema)}"
            raise ToolArgumentsError(self._tool, parameter.name, reason=reason) from None


def hints_of(function: Callable[..., Any], tool: str) -> dict[str, Any]:
    """Return the type hints of a function, resolved.

    Raises:
        ToolDefinitionError: One names what cannot be imported at run time.
    """
    target = function if inspect.isroutine(function) else type(function).__call__
    try:
        return resolved_hints(target)
    except (CodecError, TypeError) as error:
        raise ToolDefinitionError(tool, reason=str(error)) from None


def _parameter(
    parameter: inspect.Parameter, kind: Any, schema: dict[str, Any], said: Docstring
) -> Parameter:
    text = said.arguments.get(parameter.name, "")
    if text:
        schema.setdefault("description", text)
    required = parameter.default is inspect.Parameter.empty
    if not required:
        try:
            schema["default"] = msgspec.to_builtins(parameter.default)
        except TypeError:
            schema.pop("default", None)  # a default that no schema can say stays the function's own
    by_position = parameter.kind is inspect.Parameter.POSITIONAL_ONLY
    return Parameter(parameter.name, kind, schema, required, by_position)


def _words(schema: Mapping[str, Any]) -> str:
    """Return what a schema asks for, in a few words."""
    if "enum" in schema:
        return "one of " + ", ".join(repr(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_words(part) for part in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    kind = schema.get("type", "anything")
    if kind == "array" and isinstance(schema.get("items"), dict):
        return f"array of {_words(schema['items'])}"
    bounds = [f"{word} {schema[word]}" for word in _BOUNDS if word in schema]
    return f"{kind} ({', '.join(bounds)})" if bounds else str(kind)


_BOUNDS: Final = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
    "minItems", "maxItems", "pattern",
)  # fmt: skip
