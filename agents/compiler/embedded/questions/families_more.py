"""Families of a form of their own: looking up, converting, two cases, two stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .draw import called
from .families import CHANGING, REDUCING, Family, anything, convertible, reduced, summable
from .wordings_more import CASES, CONVERTED, DIAMOND, IN_UNIT, LOOK_UP, PAIRS, RESULTS, THEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..plan_text import PlanText
    from .draw import Draw


def _each(draw: Draw, plan: PlanText) -> str:
    kind = draw.kind(anything, draw.branches)
    measure = draw.measure(kind, anything)
    names = draw.names(kind, draw.branches)
    for name in names:
        plan.call("lookup", called(name), measure.key)
    return draw.words(LOOK_UP["each"], **draw.fields(kind, measure, names))


def _search(draw: Draw, plan: PlanText) -> str:
    topics = draw.topics(draw.branches)
    for topic in topics:
        plan.call("search", topic)
    return draw.words(LOOK_UP["search"], list=draw.listed(topics))


def _several(draw: Draw, plan: PlanText) -> str:
    kind = draw.kind(anything, measures=2)
    (name,) = draw.names(kind, 1)
    measures = draw.random.sample(kind.measures, 2)
    for measure in measures:
        plan.call("lookup", called(name), measure.key)
    return draw.words(
        LOOK_UP["several"], e=name, nouns=draw.listed([measure.noun for measure in measures])
    )


def _mixed(draw: Draw, plan: PlanText) -> str:
    fields: dict[str, str] = {}
    for prefix in ("", "other "):
        kind = draw.kind(anything)
        measure = draw.measure(kind, anything)
        (name,) = draw.names(kind, 1)
        plan.call("lookup", called(name), measure.key)
        fields |= {f"{prefix}noun": measure.noun, prefix.strip() or "e": name}
    return draw.words(LOOK_UP["mixed"], **fields)


def _search_and_look_up(draw: Draw, plan: PlanText) -> str:
    kind = draw.kind(anything)
    measure = draw.measure(kind, anything)
    (name,), (topic,) = draw.names(kind, 1), draw.topics(1)
    plan.call("search", topic)
    plan.call("lookup", called(name), measure.key)
    return draw.words(LOOK_UP["search and look up"], topic=topic, e=name, noun=measure.noun)


def _days(draw: Draw, plan: PlanText) -> str:
    names = draw.events()
    first, second = [plan.call("lookup", called(name), "date") for name in names]
    plan.call("days_between", first, second)
    return draw.words(LOOK_UP["days"], a=names[0], b=names[1])


def _converted(operation: str) -> Callable[[Draw, PlanText], str]:
    def build(draw: Draw, plan: PlanText) -> str:
        count = 2 if operation == "difference" else draw.branches
        kind = draw.kind(convertible, count)
        measure = draw.measure(kind, convertible)
        unit = draw.random.choice(measure.units)
        names = draw.names(kind, count)
        values = []
        for name in names:
            found = plan.call("lookup", called(name), measure.key)
            values.append(plan.call("convert", found, unit))
        reduced(plan, operation, names, values)
        return draw.words(CONVERTED[operation], unit=unit, **draw.fields(kind, measure, names))

    return build


def _in_unit(operation: str) -> Callable[[Draw, PlanText], str]:
    def build(draw: Draw, plan: PlanText) -> str:
        count = 2 if operation == "difference" else draw.branches
        kind = draw.kind(convertible, count)
        measure = draw.measure(kind, convertible)
        unit = draw.random.choice(measure.units)
        names = draw.names(kind, count)
        values = [plan.call("lookup", called(name), measure.key) for name in names]
        plan.call("convert", reduced(plan, operation, names, values), unit)
        return draw.words(IN_UNIT[operation], unit=unit, **draw.fields(kind, measure, names))

    return build


def _diamond(operation: str) -> Callable[[Draw, PlanText], str]:
    def build(draw: Draw, plan: PlanText) -> str:
        kind = draw.kind(summable)
        measure = draw.measure(kind, summable)
        (name,) = draw.names(kind, 1)
        first = draw.case(CASES)
        second = draw.case(CASES, other_than=first.kind)
        value = plan.call("lookup", called(name), measure.key)
        cases = [plan.call("calculator", value.inside + case.operation) for case in (first, second)]
        plan.call("combine", cases, operation)
        return draw.words(
            DIAMOND, e=name, noun=measure.noun, first=first.text, second=second.text,
            result=draw.words(RESULTS[operation]),
        )  # fmt: skip

    return build


def _pairs(outer: str, inner: str) -> Callable[[Draw, PlanText], str]:
    def build(draw: Draw, plan: PlanText) -> str:
        kind = draw.kind(summable, 2 * draw.branches)
        measure = draw.measure(kind, summable)
        names = draw.names(kind, 2 * draw.branches)
        pairs = list(zip(names[::2], names[1::2], strict=True))
        results = []
        for pair in pairs:
            values = [plan.call("lookup", called(name), measure.key) for name in pair]
            results.append(plan.call("combine", values, inner))
        plan.call("combine", results, outer)
        between = [f"between {a} and {b}" for a, b in pairs]
        return draw.words(
            PAIRS[outer, inner],
            **{
                "noun": measure.noun,
                "pairs": f"{', '.join(between[:-1])}, and {between[-1]}",
                "pairs or": f"{', '.join(between[:-1])}, or {between[-1]}",
                "pairs plain": "; ".join(f"{a} and {b}" for a, b in pairs),
            },
        )

    return build


def _then(which: str) -> Callable[[Draw, PlanText], str]:
    def build(draw: Draw, plan: PlanText) -> str:
        kind = draw.kind(summable, draw.branches, measures=2)
        measure = draw.measure(kind, summable)
        other = draw.measure(kind, lambda found: found != measure)
        names = draw.names(kind, draw.branches)
        values = [plan.call("lookup", called(name), measure.key) for name in names]
        plan.call("lookup", reduced(plan, f"{which} name", names, values), other.key)
        fields = draw.fields(kind, measure, names)
        return draw.words(THEN[which], other=other.noun, **fields)

    return build


def _of_all(operation: str) -> Callable[[Draw, PlanText], str]:
    def build(draw: Draw, plan: PlanText) -> str:
        kind = draw.kind(summable, draw.branches)
        measure = draw.measure(kind, summable)
        names = draw.names(kind, draw.branches)
        values = [plan.call("lookup", called(name), measure.key) for name in names]
        place = draw.random.randrange(len(names))
        if operation == "share":
            total = plan.call("combine", values, "sum")
            plan.call("calculator", f"{values[place].inside} / {total.inside} * 100")
        else:
            mean = plan.call("combine", values, "mean")
            plan.call("combine", [values[place], mean], "ratio")
        fields = draw.fields(kind, measure, names) | {"a": names[place]}
        return draw.words(THEN[operation], **fields)

    return build


LOOKING_UP: Final = (
    Family("each", "fan-out", _each),
    Family("search", "fan-out", _search),
    Family("several", "fan-out", _several, branches=(2,)),
    Family("mixed", "fan-out", _mixed, branches=(2,), held_out=True),
    Family("search and look up", "fan-out", _search_and_look_up, branches=(2,)),
)
"""Families that make nothing of what they find."""

OF_ONE_STAGE: Final = (
    Family("days", "fan-out and reduce", _days, branches=(2,)),
    Family("converted: sum", "chains and reduce", _converted("sum")),
    Family("converted: mean", "chains and reduce", _converted("mean"), held_out=True),
    Family("converted: difference", "chains and reduce", _converted("difference"), branches=(2,)),
    *(
        Family(
            f"two cases: {operation}",
            "diamond",
            _diamond(operation),
            branches=(2,),
            held_out=operation == "mean",
        )
        for operation in RESULTS
    ),
)
"""Families with one call that takes what others found."""

OF_TWO_STAGES: Final = (
    *(
        Family(
            f"pairs: {outer} {inner}",
            "two stages",
            _pairs(outer, inner),
            branches=(2, 3),
            held_out=outer == "sum",
        )
        for outer, inner in PAIRS
    ),
    Family("largest, then", "two stages", _then("largest")),
    Family("smallest, then", "two stages", _then("smallest")),
    Family("share", "two stages", _of_all("share")),
    Family("to the mean", "two stages", _of_all("to the mean")),
    Family("in a unit: sum", "two stages", _in_unit("sum")),
    Family("in a unit: mean", "two stages", _in_unit("mean")),
    Family("in a unit: difference", "two stages", _in_unit("difference"), branches=(2,)),
)
"""Families in which a result of several values is worked on."""

FAMILIES: Final = (*LOOKING_UP, *REDUCING, *CHANGING, *OF_ONE_STAGE, *OF_TWO_STAGES)
"""All families."""
