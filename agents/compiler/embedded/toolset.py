"""The tools that the embedded planner plans with: what they are called, and those that only compute.

`search` and `lookup` bring something in; all others work on what those found. A value that `lookup`
gives is in the SI unit of its kind, so that values can be compared and converted.
"""

from __future__ import annotations

from datetime import date
from statistics import fmean
from typing import TYPE_CHECKING, Final, Literal, get_args

from ....actors.tools import FunctionTools, tool
from ....actors.tools.calculator import calculator
from ....actors.tools.errors import ToolArgumentsError
from ....actors.tools.function_tools import FunctionTool
from ....protocols.tools import ToolPolicy, ToolSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Property = Literal[
    "height", "prominence", "length", "discharge", "area", "depth", "volume", "population",
    "elevation", "speed", "weight", "lifespan", "diameter", "distance", "capacity", "floors", "year",
    "date",
]  # fmt: skip
"""What can be looked up of a subject."""

Unit = Literal[
    "feet", "yards", "miles", "kilometers", "acres", "square miles", "gallons", "pounds", "tons",
    "miles per hour", "kilometers per hour", "knots", "days",
]  # fmt: skip
"""What values can be converted to."""

_PER_UNIT: Final[dict[Unit, float]] = {
    "feet": 0.3048, "yards": 0.9144, "miles": 1609.344, "kilometers": 1000.0,
    "acres": 4046.8564224, "square miles": 2589988.110336,
    "gallons": 0.003785411784,
    "pounds": 0.45359237, "tons": 1000.0,
    "miles per hour": 0.44704, "kilometers per hour": 1 / 3.6, "knots": 1852 / 3600,
    "days": 86400.0,
}  # fmt: skip
"""SI units in each: metres, square and cubic metres, kilograms, metres per second, seconds."""

How = Literal["sum", "mean", "largest", "smallest", "difference", "ratio"]
"""What many values can be made one by."""

_BRINGS: Final = ToolPolicy(concurrency=8, timeout=30.0, idempotent=True)


@tool(concurrency=64, timeout=5.0, idempotent=True)
async def convert(value: float, unit: Unit) -> float:
    """Convert a value from the SI unit of its kind.

    Args:
        value: In metres, square or cubic metres, kilograms, metres per second, or seconds.
        unit: What to convert to.
    """
    return value / _PER_UNIT[unit]


@tool(concurrency=64, timeout=5.0, idempotent=True)
async def combine(values: list[float], how: How) -> float:
    """Make one value of many.

    Args:
        values: The values.
        how: Their sum, mean, largest, smallest; the difference between the largest and the smallest;
            or the ratio of the first of two to the second.
    """
    if not values:
        raise ToolArgumentsError("combine", "values", reason="is empty")
    if how == "ratio":
        if len(values) != 2 or values[1] == 0:
            raise ToolArgumentsError(
                "combine", "values", reason="a ratio needs two, the second not 0"
            )
        return values[0] / values[1]
    if how == "difference":
        return max(values) - min(values)
    reduce: dict[How, Callable[[Sequence[float]], float]] = {
        "sum": sum, "mean": fmean, "largest": max, "smallest": min,
    }  # fmt: skip
    return float(reduce[how](values))


@tool(concurrency=64, timeout=5.0, idempotent=True)
async def pick(names: list[str], values: list[float], which: Literal["largest", "smallest"]) -> str:
    """Return the name that has the largest or the smallest value.

    Args:
        names: One name for each value.
        values: The values.
        which: Which value is sought; of equal ones, the first.
    """
    ranked = _ranked("pick", names, values, falling=which == "largest")
    return ranked[0]


@tool(concurrency=64, timeout=5.0, idempotent=True)
async def rank(
    names: list[str], values: list[float], order: Literal["ascending", "descending"]
) -> list[str]:
    """Return the names in the order of their values.

    Args:
        names: One name for each value.
        values: The values.
        order: Whether the smallest or the largest value comes first.
    """
    return _ranked("rank", names, values, falling=order == "descending")


@tool(concurrency=64, timeout=5.0, idempotent=True)
async def days_between(first: str, second: str) -> int:
    """Count the days between two dates.

    Args:
        first: A date, as `1969-07-20`.
        second: Another one, before or after it.
    """
    return abs((_day("second", second) - _day("first", first)).days)


COMPUTING: Final = (calculator, convert, combine, pick, rank, days_between)
"""The tools that only compute; `Arithmetic` offers them."""


class Arithmetic(FunctionTools):
    """Offers the tools that only compute."""

    def __init__(self) -> None:
        super().__init__(functions=COMPUTING)


def declared_tools() -> tuple[ToolSpec, ...]:
    """Return the tools that plans of the embedded planner call."""
    search = ToolSpec(
        name="search",
        description="Search the user's documents; returns the best passages.",
        parameters=_object({"query": {"type": "string"}}),
        policy=_BRINGS,
    )
    lookup = ToolSpec(
        name="lookup",
        description="Look up one number or date of a subject, in the SI unit of its kind.",
        parameters=_object(
            {"subject": {"type": "string"}, "property": {"enum": list(get_args(Property))}}
        ),
        policy=_BRINGS,
    )
    return (search, lookup, *(FunctionTool(function).spec for function in COMPUTING))


def _object(properties: dict[str, dict[str, object]]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _ranked(
    name: str, names: Sequence[str], values: Sequence[float], *, falling: bool
) -> list[str]:
    if not names or len(names) != len(values):
        raise ToolArgumentsError(name, "values", reason="there must be one for each name")
    order = sorted(range(len(names)), key=values.__getitem__, reverse=falling)
    return [names[place] for place in order]


def _day(argument: str, text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise ToolArgumentsError("days_between", argument, reason=str(error)) from None
