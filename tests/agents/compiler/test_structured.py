from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from passel.agents.compiler.structured import REFERENCE, JsonPlanReader, plan_schema
from passel.agents.notation.reader import PlanReader
from passel.agents.notation.scanner import MAX_CALL_CHARACTERS
from passel.agents.toolrun.signature import checker, faults_of
from passel.protocols.plan import (
    PlanEnded,
    PlanItem,
    PlannedTask,
    RefusedTask,
    ResultOf,
    TaskId,
    Template,
)
from passel.protocols.tools import ToolSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

SEARCH = ToolSpec(
    name="search",
    description="Searches.",
    parameters={
        "type": "object",
        "properties": {"query": {"type": "string"}, "most": {"type": "integer"}},
        "required": ["query"],
    },
)
SUM = ToolSpec(
    name="sum",
    description="Adds.",
    parameters={
        "type": "object",
        "properties": {"numbers": {"type": "array", "items": {"type": "number"}}},
        "required": ["numbers"],
    },
)
TOOLS = (SEARCH, SUM)


def read(text: str, *, pieces: Iterable[str] = (), earlier: Iterable[int] = ()) -> list[PlanItem]:
    reader = JsonPlanReader([t.name for t in TOOLS], earlier=earlier, check=checker(TOOLS))
    items: list[PlanItem] = []
    for piece in pieces or (text,):
        items += reader.feed(piece)
    return items + reader.finish()


def plan(*tasks: dict[str, Any]) -> str:
    return json.dumps({"tasks": tasks})


GOOD = (
    {"id": 1, "thought": "look", "tool": "search", "arguments": {"query": 'a } ] " b'}},
    {"id": 2, "tool": "sum", "arguments": {"numbers": ["$1", 2.5]}},
    {"id": 4, "tool": "search", "arguments": {"query": "of $2, $5 million", "most": "$2"}},
)


def test_both_ways_to_write_a_plan_are_judged_alike() -> None:
    calls = [
        (1, "search", 'query="a"', {"query": "a"}),
        (1, "search", 'query="again"', {"query": "again"}),
        (2, "serach", 'query="b"', {"query": "b"}),
        (3, "search", 'query="of the refused", most=$2', {"query": "of the refused", "most": "$2"}),
        (4, "search", "query=$9", {"query": "$9"}),
        (5, "search", "most=3", {"most": 3}),
        (6, "sum", 'numbers=[1, "two"]', {"numbers": [1, "two"]}),
        (7, "sum", "numbers=[$0, 1]", {"numbers": ["$0", 1]}),
    ]
    names, check = [tool.name for tool in TOOLS], checker(TOOLS)
    text = "".join(f"{number}. {tool}({given})\n" for number, tool, given, _ in calls)
    tasks = [{"id": n, "tool": tool, "arguments": given} for n, tool, _, given in calls]
    one = PlanReader(names, earlier=[0], check=check).read(f"{text}8. join()\n")
    other = JsonPlanReader(names, earlier=[0], check=check).read(plan(*tasks))
    for items in (one, other):
        faults = [item.fault for item in items if isinstance(item, RefusedTask)]
        assert faults == ["duplicate", "tool", "reference", "arguments", "arguments"]
    assert [without_text(item) for item in one] == [without_text(item) for item in other]


def without_text(item: PlanItem) -> PlanItem:
    return item if isinstance(item, PlanEnded) else replace(item, text="")


def test_the_same_items_come_of_json() -> None:
    first, second, third, end = read(plan(*GOOD))
    assert isinstance(first, PlannedTask)
    assert (first.id, first.tool, first.thought) == (1, "search", "look")
    assert first.keywords == {"query": 'a } ] " b'}
    assert isinstance(second, PlannedTask)
    assert second.keywords == {"numbers": [ResultOf(TaskId(1)), 2.5]}
    assert isinstance(third, PlannedTask)
    assert third.keywords == {
        "query": Template(("of ", ResultOf(TaskId(2)), ", $5 million")),
        "most": ResultOf(TaskId(2)),
    }
    assert end == PlanEnded(joined=True)


def test_a_task_is_there_when_its_brace_is() -> None:
    reader = JsonPlanReader(["search"])
    assert (
        reader.feed('```json\n{"tasks": [{"id": 1, "tool": "search", "arguments": {"q": 1}') == []
    )
    assert len(reader.feed("}")) == 1


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_chunking_reads_as_the_whole(data: st.DataObject) -> None:
    text = plan(*GOOD)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(text, pieces=pieces) == read(text) == read(text, pieces=list(text))


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('{}[]",:\\1 tasksidtool')))
def test_any_text_at_all_is_read(text: str) -> None:
    assert isinstance(read(text)[-1], PlanEnded)


def refused(*tasks: dict[str, Any], **options: Any) -> list[tuple[int, str, str]]:
    items = read(plan(*tasks), **options)
    return [(i.id, i.fault, i.detail) for i in items if isinstance(i, RefusedTask)]


def test_what_is_wrong_costs_its_task_alone() -> None:
    faults = refused(
        {"id": 1, "tool": "search", "arguments": {"query": "$1"}},
        {"id": 2, "tool": "find", "arguments": {}},
        {"id": 2, "tool": "search", "arguments": {"query": "a"}},
        {"id": "x"},
        {"id": 7, "tool": "search", "arguments": {"most": 1}},
        {"id": 8, "tool": "search", "arguments": ["a", 1, 2]},
        {"id": 9, "tool": "search", "arguments": {"query": "fine"}},
    )
    assert [(number, fault) for number, fault, _ in faults] == [
        (1, "reference"), (2, "tool"), (2, "duplicate"), (3, "arguments"), (7, "arguments"),
        (8, "arguments"),
    ]  # fmt: skip
    assert "search needs query; write search(query, most=...)" in faults[4][2]
    assert "takes 2 arguments, 3 are given" in faults[5][2]


def test_a_text_that_breaks_off_says_so() -> None:
    items = read(plan(*GOOD)[:-40])
    assert isinstance(items[-2], RefusedTask)
    assert items[-2].fault == "unclosed"
    assert items[-1] == PlanEnded(joined=False)


def test_a_task_that_is_too_long_is_refused() -> None:
    long = {"id": 1, "tool": "search", "arguments": {"query": "x" * MAX_CALL_CHARACTERS}}
    assert [fault for _, fault, _ in refused(long, GOOD[0] | {"id": 2})] == ["size"]


def test_the_schema_of_plans_lets_good_ones_through_and_no_others() -> None:
    schema = plan_schema(TOOLS)
    root = schema

    def fits(*tasks: dict[str, Any]) -> bool:
        return not list(faults_of({"tasks": list(tasks)}, schema, "plan", root))

    assert fits(*GOOD[:2])
    assert fits({"id": 1, "tool": "search", "arguments": {"query": "$1", "most": "$2"}})
    assert not fits({"id": 1, "tool": "find", "arguments": {}})
    assert not fits({"id": 1, "tool": "search", "arguments": {"most": 1}})
    assert not fits({"id": 1, "tool": "sum", "arguments": {"numbers": 3}})
    assert schema["properties"]["tasks"]["items"]["anyOf"][0]["properties"]["arguments"][
        "properties"
    ]["most"] == {"anyOf": [{"type": "integer"}, REFERENCE]}
