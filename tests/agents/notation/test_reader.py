from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passel.agents.notation.reader import PlanReader
from passel.agents.notation.scanner import MAX_CALL_CHARACTERS, Scanner
from passel.agents.notation.values import MAX_DEPTH, ArgumentError, in_text, read_arguments
from passel.protocols.plan import (
    PlanEnded,
    PlanItem,
    PlannedTask,
    RefusedTask,
    ResultOf,
    TaskId,
    Template,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

TOOLS = ("search", "math")


def read(text: str, *, earlier: Iterable[int] = (), pieces: Iterable[str] = ()) -> list[PlanItem]:
    """Read a plan, whole or in pieces."""
    reader = PlanReader(TOOLS, earlier=earlier)
    items: list[PlanItem] = []
    for piece in pieces or (text,):
        items += reader.feed(piece)
    return items + reader.finish()


def tasks(text: str, **options: Any) -> list[PlannedTask | RefusedTask]:
    """Return the tasks of a plan, refused ones included."""
    return [item for item in read(text, **options) if not isinstance(item, PlanEnded)]


def result(number: int) -> ResultOf:
    return ResultOf(TaskId(number))


def test_the_published_example_is_read() -> None:
    text = (
        'Thought: two things\n1. search("cheetah")\n2. math("max speed in km/h?", ["$1"])\n'
        '3. math("max($2, ${1})")\nThought: I can answer now.\n4. join()<END_OF_PLAN>\n'
    )
    first, second, third, end = read(text)
    assert first == PlannedTask(
        id=TaskId(1), tool="search", arguments=("cheetah",), thought="two things",
        text='1. search("cheetah")',
    )  # fmt: skip
    assert isinstance(second, PlannedTask)
    assert second.arguments == ("max speed in km/h?", [result(1)])
    assert isinstance(third, PlannedTask)
    assert third.arguments == (Template(("max(", result(2), ", ", result(1), ")")),)
    assert end == PlanEnded(joined=True, thought="I can answer now.")


def test_a_task_is_there_when_its_parenthesis_is() -> None:
    reader = PlanReader(TOOLS)
    assert reader.feed('1. search("a"') == []
    assert len(reader.feed(")")) == 1
    assert len(reader.feed(" # and so on\n2. search('b')")) == 1


WORDS = st.text(st.sampled_from("abc $1{}2()[],\"'\\#:.=\n é😀"), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 10**12) | st.floats(-1e6, 1e6) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def plans(draw: st.DrawFn) -> tuple[str, list[tuple[int, str, tuple[Any, ...], dict[str, Any]]]]:
    """A plan as a careful planner writes it, and what it means."""
    lines: list[str] = []
    meant = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        if draw(st.booleans()):
            lines.append("Thought: " + draw(st.text("abc (1.)", max_size=12)))
        positional: list[Any] = draw(st.lists(VALUES, max_size=3))
        named: dict[str, Any] = draw(
            st.dictionaries(st.sampled_from(["x", "why"]), VALUES, max_size=2)
        )
        written = [_written(value) for value in positional]
        written += [f"{name}={_written(value)}" for name, value in named.items()]
        if number > 1:
            written.insert(0, f"${number - 1}")
            positional.insert(0, result(number - 1))
        tool = draw(st.sampled_from(TOOLS))
        comment = draw(st.sampled_from(["", " # why (not) 7. math(", "  "]))
        lines.append(f"{number}. {tool}({', '.join(written)}){comment}")
        meant.append((number, tool, tuple(positional), named))
    lines.append(f"{number + 1}. join()<END_OF_PLAN>")
    return "\n".join(lines), meant


def _written(value: Any) -> str:
    """Return a value as JSON; a dollar in a text is doubled, so that it stands for itself."""
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(k)}: {_written(v)}' for k, v in value.items())}}}"
    return json.dumps(value.replace("$", "$$") if isinstance(value, str) else value)


@pytest.mark.parametrize("_part", range(4))
@settings(max_examples=125, deadline=None)
@given(plan=plans(), data=st.data())
def test_any_chunking_of_a_plan_reads_as_the_whole_and_means_what_was_meant(
    _part: int,
    plan: tuple[str, list[tuple[int, str, tuple[Any, ...], dict[str, Any]]]],
    data: st.DataObject,
) -> None:
    """Five hundred plans, in four parts, so that a busy machine has time for each."""
    text, meant = plan
    whole = read(text)
    got = [(t.id, t.tool, t.arguments, t.keywords) for t in whole if isinstance(t, PlannedTask)]
    assert got == meant
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(text, pieces=pieces) == whole
    assert read(text, pieces=list(text)) == whole


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from("12. search(math)\"'[]{}$\\,=\nThought:#<END_OF_PLAN>")), st.data())
def test_any_text_at_all_is_read_the_same_in_pieces(text: str, data: st.DataObject) -> None:
    whole = read(text)
    assert isinstance(whole[-1], PlanEnded)
    cut = data.draw(st.integers(0, len(text)))
    assert read(text, pieces=[text[:cut], text[cut:]]) == whole


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", ((), {})),
        ("1, -2.5, 1e3, .5", ((1, -2.5, 1000.0, 0.5), {})),
        ("True, false, None, null", ((True, False, None, None), {})),
        (
            r"'it\'s', \"a\nb\", \"\u00e9\", '\d'".replace(r"\"", '"'),
            (("it's", "a\nb", "é", r"\d"), {}),
        ),
        ("'it's'", (("it's",), {})),
        ("[1, (2, 3), {'a': $1, b: 2}]", (([1, [2, 3], {"a": result(1), "b": 2}],), {})),
        ("'a', n=3, deep={'x': ['$2']}", (("a",), {"n": 3, "deep": {"x": [result(2)]}})),
        ("height of the Eiffel tower (in m)", (("height of the Eiffel tower (in m)",), {})),
        ("$1 + ${2}", ((Template((result(1), " + ", result(2))),), {})),
        ("(2 + 3) * 4", (("(2 + 3) * 4",), {})),
        ("'a',", (("a",), {})),
    ],
)
def test_arguments_are_values(text: str, meant: tuple[tuple[Any, ...], dict[str, Any]]) -> None:
    assert read_arguments(text, {1, 2}) == meant


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"a", ["b"', "] is missing"),
        ('"a" "b"', "expected ,"),
        ("x=1, x=2", "given twice"),
        ("x=1, 2", "without a name"),
        ("[a]", "a is no value"),
        ("[" * (MAX_DEPTH + 2), "deeper than"),
        ("$7", r"\$7 refers to no earlier task"),
        ("'${7} and so on'", r"\$7 refers to no earlier task"),
        ("[" + "9" * 400 + "]", "300 digits"),
        ('**{"article": "tea"}', "unpacks nothing"),
    ],
)
def test_arguments_that_make_no_sense_say_why(text: str, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        read_arguments(text, {1, 2})


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("$1", result(1)),
        (" ${1} ", result(1)),
        ("sum of $1 and $2", Template(("sum of ", result(1), " and ", result(2)))),
        ("$1 million", "$1 million"),
        ("$1.50 or $1,000 or $1M", "$1.50 or $1,000 or $1M"),
        ("$5 off", "$5 off"),
        ("$$1 and $1!", Template(("$1 and ", result(1), "!"))),
        ("${1} million", Template((result(1), " million"))),
        ("100$", "100$"),
        ("", ""),
    ],
)
def test_dollars_in_a_text_are_references_or_money(text: str, meant: object) -> None:
    assert in_text(text, {1, 2}) == meant


def test_a_call_that_is_too_long_is_refused_and_the_next_is_read() -> None:
    long = f'1. search("{"x" * (MAX_CALL_CHARACTERS + 10)}")\n2. search("b")'
    refused, fine = tasks(long)
    assert isinstance(refused, RefusedTask)
    assert refused.fault == "size"
    assert isinstance(fine, PlannedTask)


def test_the_scanner_needs_time_in_proportion_to_the_text() -> None:
    """Each character is looked at once: what no line needs is not kept."""
    scanner = Scanner()
    scanner.feed("1. search([" + "x" * 10_000)
    call = scanner._call
    assert call is not None
    assert len(call.line) < 200


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ('2) search("a")', 2),
        ('3: search("a")', 3),
        ('(4) search("a")', 4),
        ('**5. search("a")**', 5),
        ('- 6. search("a")', 6),
        ('7. x = search("a")', 7),
        ('1. `search("a")`', 1),
        ('* search("a")', 0),
        ('search("a")', 0),
        ('1.5. search("a")', 0),
        ('-1. search("a")', 0),
        ('12345678901234567890. search("a")', 0),
    ],
)
def test_a_call_whose_line_begins_wrongly_is_refused_and_costs_itself_alone(
    line: str, number: int
) -> None:
    wrong, right = tasks(f'{line}\n9. search("b")')
    assert isinstance(wrong, RefusedTask)
    assert (wrong.id, wrong.tool, wrong.fault) == (number, "search", "number")
    assert "its line begins" in wrong.detail
    assert isinstance(right, PlannedTask)


def test_lines_of_words_and_thoughts_and_comments_are_no_calls() -> None:
    text = (
        'Thought: 2) search("a")\nFirst I call search("a").\n# 2) search("a")\n* other("a")\n'
        '> 2. search("a")\n> * search("a")\n'
        '1. search("a")'
    )
    (only,) = tasks(text)
    assert isinstance(only, PlannedTask)


def test_what_refers_to_a_call_that_begins_wrongly_is_not_refused_for_it() -> None:
    wrong, after = tasks('1) search("a")\n2. math("$1")')
    assert isinstance(wrong, RefusedTask)
    assert isinstance(after, PlannedTask)
