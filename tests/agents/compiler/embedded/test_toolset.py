from __future__ import annotations

import pytest

from passel.actors.tools import ToolArgumentsError
from passel.agents.compiler.embedded.toolset import (
    combine,
    convert,
    days_between,
    declared_tools,
    pick,
    rank,
)


async def test_values_are_converted_from_si_units() -> None:
    assert await convert(8848.86, "feet") == pytest.approx(29031.7, abs=0.1)
    assert await convert(10.0, "kilometers per hour") == pytest.approx(36.0)
    assert await convert(1e6, "square miles") == pytest.approx(0.386102, rel=1e-5)


@pytest.mark.parametrize(
    ("how", "result"),
    [("sum", 12.0), ("mean", 6.0), ("largest", 9.0), ("smallest", 3.0), ("difference", 6.0), ("ratio", 3.0)],
)  # fmt: skip
async def test_values_are_made_one(how: str, result: float) -> None:
    assert await combine([9.0, 3.0], how) == result  # type: ignore[arg-type]  # a parameter's literal


async def test_what_has_no_ratio_is_said() -> None:
    with pytest.raises(ToolArgumentsError, match="a ratio needs two"):
        await combine([1.0, 0.0], "ratio")
    with pytest.raises(ToolArgumentsError, match="is empty"):
        await combine([], "sum")


async def test_names_go_by_their_values() -> None:
    assert await pick(["a", "b", "c"], [2.0, 3.0, 3.0], "largest") == "b"
    assert await pick(["a", "b", "c"], [2.0, 3.0, 1.0], "smallest") == "c"
    assert await rank(["a", "b", "c"], [2.0, 3.0, 1.0], "descending") == ["b", "a", "c"]
    with pytest.raises(ToolArgumentsError, match="one for each name"):
        await rank(["a"], [], "ascending")


async def test_days_are_counted_in_both_directions() -> None:
    assert await days_between("1969-07-20", "1970-07-20") == 365
    assert await days_between("1970-07-20", "1969-07-20") == 365
    with pytest.raises(ToolArgumentsError, match="second"):
        await days_between("1970-07-20", "yesterday")


def test_each_tool_says_what_it_takes() -> None:
    tools = {spec.name: list(spec.parameters["properties"]) for spec in declared_tools()}

    assert tools == {
        "search": ["query"],
        "lookup": ["subject", "property"],
        "calculator": ["expression"],
        "convert": ["value", "unit"],
        "combine": ["values", "how"],
        "pick": ["names", "values", "which"],
        "rank": ["names", "values", "order"],
        "days_between": ["first", "second"],
    }
