from __future__ import annotations

from typing import Any

import msgspec
import pytest

from passel.actors.tools import ToolArgumentsError
from passel.actors.tools.parameters import Parameters
from passel.agents.toolrun.signature import Signature
from passel.protocols.plan import PlannedTask, ResultOf, TaskId, Template
from passel.protocols.tools import ToolSpec

RESULT = ResultOf(TaskId(1))

PAINT = Signature(
    ToolSpec(
        name="paint",
        description="Paints.",
        parameters={
            "type": "object",
            "properties": {
                "colour": {"enum": ["red", "blue"]},
                "width": {"type": "integer"},
                "share": {"type": "number"},
                "where": {"$ref": "#/$defs/Point"},
                "words": {"anyOf": [{"type": "array", "items": {"type": "string"}},
                                    {"type": "null"}]},
                "title": {"type": "string"},
            },
            "required": ["colour", "width"],
            "$defs": {
                "Point": {
                    "type": "object",
                    "properties": {"x": {"type": "number"}},
                    "required": ["x"],
                    "additionalProperties": False,
                }
            },
        },
    )
)  # fmt: skip


def fault(*arguments: Any, **keywords: Any) -> str:
    task = PlannedTask(id=TaskId(2), tool="paint", arguments=arguments, keywords=keywords)
    return PAINT.fault(task)


@pytest.mark.parametrize(
    ("arguments", "keywords"),
    [
        (("red", 1), {}),
        ((), {"width": 2.0, "colour": "blue"}),
        (("red", 1, 3, {"x": 1}, ["a"]), {}),
        (("red", RESULT, RESULT, RESULT, RESULT), {}),
        (("red", 1), {"where": {"x": RESULT}, "words": [Template(("a ", RESULT)), RESULT]}),
        (("red", 1), {"words": None}),
        (("red", "1", "0.5", {"x": "2"}), {}),
        (("red", 1), {"title": 1984}),
    ],
)
def test_what_fits_has_no_fault(arguments: Any, keywords: Any) -> None:
    assert fault(*arguments, **keywords) == ""


@pytest.mark.parametrize(
    ("arguments", "keywords", "words"),
    [
        (("red",), {}, "paint needs width; write paint(colour, width, share=..., where"),
        (("red", 1, 2, {}, [], "", 7), {}, "takes 6 arguments, 7 are given"),
        (("red", 1), {"width": 2}, "width is given twice"),
        (("red", 1), {"size": 2}, "takes no argument size"),
        (("green", 1), {}, "colour is 'green', not one of 'red', 'blue'"),
        (("red", "one"), {}, "width is 'one', not an integer"),
        (("red", 1), {"title": True}, "title is True, not a string"),
        (("red", True), {}, "width is True, not an integer"),
        (("red", Template(("1", RESULT))), {}, "width is a text with results, not an integer"),
        (("red", 1), {"where": {}}, "where lacks x"),
        (("red", 1), {"where": {"x": 1, "y": 2}}, "where has no y"),
        (("red", 1), {"where": {"x": "a"}}, "where.x is 'a', not a number"),
        (("red", 1), {"words": ["a", 2]}, "words is ['a', 2], which is none of what it may be"),
    ],
)
def test_what_does_not_fit_says_what_and_what_mends_it(
    arguments: Any, keywords: Any, words: str
) -> None:
    assert words in fault(*arguments, **keywords)


class Length(msgspec.Struct):
    metres: float


def measure(
    count: int, share: float, exact: bool, length: Length, parts: list[int], of: str
) -> None:
    """Measure."""


@pytest.mark.parametrize("index", range(6))
@pytest.mark.parametrize(
    "value", ["3", "0.5", "three", "true", "", 1, 3, 0.5, 2.0, True, None, ["3"], {"metres": "3"}]
)
def test_a_plan_takes_the_arguments_that_the_tool_takes(index: int, value: Any) -> None:
    parameters = Parameters.of(measure, "measure")
    spec = ToolSpec(name="measure", description="Measures.", parameters=parameters.schema())
    arguments: list[Any] = [1, 1.0, True, {"metres": 1}, [1], "metres"]
    arguments[index] = value

    found = Signature(spec).fault(
        PlannedTask(id=TaskId(1), tool="measure", arguments=tuple(arguments))
    )

    try:
        parameters.bind(tuple(arguments), {})
    except ToolArgumentsError:
        assert found
    else:
        assert not found


def test_a_tool_that_takes_whatever_it_is_given_is_given_it() -> None:
    open_ended = Signature(
        ToolSpec(name="log", description="Logs.", parameters={"additionalProperties": True})
    )
    given = PlannedTask(id=TaskId(1), tool="log", keywords={"a": 1})
    assert open_ended.fault(given) == ""


def test_a_schema_that_refers_to_a_truth_value_takes_anything() -> None:
    parameters = {"properties": {"a": {"$ref": "#/$defs/Any"}}, "$defs": {"Any": True}}
    signature = Signature(ToolSpec(name="log", description="Logs.", parameters=parameters))
    assert signature.fault(PlannedTask(id=TaskId(1), tool="log", arguments=(1,))) == ""
