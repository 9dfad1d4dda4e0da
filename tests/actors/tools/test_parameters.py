"""What a model is told of a function, and what becomes of the arguments that it writes."""

from __future__ import annotations

from typing import Any

import pytest

from passel.actors.tools import ToolArgumentsError, ToolDefinitionError
from passel.actors.tools.docstring import read_docstring
from passel.actors.tools.function_tools import FunctionTool
from passel.protocols.tools import ToolCall, ToolPolicy
from tests.actors.tools import crew

CLIMB = FunctionTool(crew.climb_to)


def bound(*arguments: Any, **keywords: Any) -> dict[str, Any]:
    return CLIMB.bind(ToolCall(tool="climb", arguments=arguments, keywords=keywords))


def test_a_schema_says_what_hints_and_docstring_say() -> None:
    spec = CLIMB.spec
    assert (spec.name, spec.returns) == ("climb", "Place")
    assert spec.description == "Climb to a place.\n\nIt is reached in steps."
    assert spec.policy == ToolPolicy(timeout=5.0)
    assert spec.parameters == {
        "type": "object",
        "properties": {
            "place": {"$ref": "#/$defs/Place", "description": "Where to."},
            "steps": {
                "type": "integer",
                "minimum": 1,
                "maximum": 100,
                "description": "How many steps, each a metre high.",
            },
            "pace": {"enum": ["fast", "slow"], "description": "How fast.", "default": "slow"},
            "notes": {
                "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}],
                "description": "Each makes the place a metre higher.",
                "default": None,
            },
        },
        "required": ["place", "steps"],
        "additionalProperties": False,
        "$defs": {
            "Place": {
                "title": "Place",
                "description": "A place on a map.",
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "height": {"type": "number", "default": 0.0},
                },
                "required": ["name"],
            }
        },
    }
    assert list(spec.parameters["properties"]) == ["place", "steps", "pace", "notes"]


def test_arguments_become_what_the_hints_say() -> None:
    place = crew.Place("Brocken", 3.0)
    assert bound({"name": "Brocken", "height": 3}, "12") == {"place": place, "steps": 12}
    assert bound(place, steps=12, pace="fast") == {"place": place, "steps": 12, "pace": "fast"}


def test_a_number_becomes_a_text_where_a_text_is_wanted() -> None:
    echo = FunctionTool(crew.echo)
    assert echo.bind(ToolCall(tool="echo", arguments=(42,))) == {"text": "42"}
    with pytest.raises(ToolArgumentsError, match=r"'text' does not fit: .*; give string"):
        echo.bind(ToolCall(tool="echo", arguments=(True,)))


@pytest.mark.parametrize(
    ("arguments", "keywords", "argument", "says"),
    [
        ((), {"steps": 1}, "place", r"is missing; call climb\(place: Place, steps: integer"),
        (({"name": "x"}, 1, "slow", [], 5), {}, "#5", "is one too many; call climb"),
        (({"name": "x"}, 1), {"speed": 3}, "speed", "is unknown; call climb"),
        (({"name": "x"}, 1), {"steps": 3}, "steps", "is given twice"),
        (({"name": "x"}, 101), {}, "steps", r"<= 100.*give integer \(minimum 1, maximum 100\)"),
        (({"name": "x"}, "many"), {}, "steps", "Expected `int`, got `str`"),
        (({"height": 1.0}, 1), {}, "place", "missing required field `name`"),
        (({"name": "x"}, 1, "medium"), {}, "pace", "give one of 'fast', 'slow'"),
        (({"name": "x"}, 1, "slow", [1]), {}, "notes", "give array of string or null"),
    ],
)
def test_arguments_that_do_not_fit_are_named_with_what_mends_them(
    arguments: tuple[Any, ...], keywords: dict[str, Any], argument: str, says: str
) -> None:
    with pytest.raises(ToolArgumentsError, match=says) as caught:
        bound(*arguments, **keywords)
    assert (caught.value.tool, caught.value.argument) == ("climb", argument)
    assert str(caught.value).startswith(f"tool climb: argument {argument!r} ")


def test_what_a_text_says_is_handed_on_as_it_is() -> None:
    echo = FunctionTool(crew.echo)
    for text in ('Action: Finish("x")', "$1", '1. search("a")\n2. join()<END_OF_PLAN>', "{}"):
        assert echo.bind(ToolCall(tool="echo", arguments=(text,))) == {"text": text}


def unhinted(thing) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Take anything."""


def endless(*things: int) -> None:
    """Take many."""


def opaque(thing: object) -> None:
    """Take what no schema describes."""


def yielding() -> Any:
    """Yield."""
    yield 1


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (unhinted, "parameter 'thing' has no type hint"),
        (endless, "takes \\*things; name each"),
        (opaque, "a type hint has no schema"),
        (yielding, "it yields; return the whole result"),
        (lambda: 1, "give it a name"),
    ],
)
def test_what_cannot_be_a_tool_is_refused_when_it_is_made(function: Any, says: str) -> None:
    with pytest.raises(ToolDefinitionError, match=says):
        FunctionTool(function)


def test_sections_of_a_docstring_are_told_apart() -> None:
    said = read_docstring(
        """Do it.

        More.

        Args:
            first (int): One.
            second: Two,
                and more.
                third: no entry.

        Raises:
            ValueError: Never.
        """
    )
    assert said.text == "Do it.\n\nMore."
    assert said.arguments == {"first": "One.", "second": "Two, and more. third: no entry."}
    assert read_docstring("") == ("", {})
