"""The families of questions: each asks for one kind of plan.

A family draws what its question is about, writes the plan, and puts the question into words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ..plan_text import PlanText
from .draw import Draw, called, sentence
from .wordings import AFTER, PLAIN, SUPPOSED

if TYPE_CHECKING:
    from ..plan_text import Ref
    from .subjects import Measure

Shape = Literal["fan-out", "fan-out and reduce", "chains and reduce", "diamond", "two stages"]
"""What the graph of a plan looks like."""


@dataclass(frozen=True, slots=True)
class Family:
    """One family.

    Attributes:
        name: Unique.
        shape: The shape of its plans.
        build: Writes a plan and returns its question.
        branches: How many subjects may be asked of in training; one number where that is fixed.
        held_out: Whether it is kept from training.
    """

    name: str
    shape: Shape
    build: Callable[[Draw, PlanText], str]
    branches: tuple[int, ...] = (2, 3, 4)
    held_out: bool = False


def summable(measure: Measure) -> bool:
    """Whether values of a measure can be added, or changed."""
    return measure.key != "year"


def convertible(measure: Measure) -> bool:
    """Whether there is a unit that a measure can be converted to."""
    return bool(measure.units)


def anything(measure: Measure) -> bool:
    """Take every measure."""
    return bool(measure.key)


def reduced(plan: PlanText, operation: str, names: list[str], values: list[Ref]) -> Ref:
    """Write the call that makes one result of many values."""
    subjects: list[str] = [called(name) for name in names]
    if operation in {"largest name", "smallest name"}:
        return plan.call("pick", subjects, values, operation.removesuffix(" name"))
    if operation in {"ascending", "descending"}:
        return plan.call("rank", subjects, values, operation)
    return plan.call("combine", values, operation)


def _of_two(operation: str) -> bool:
    return operation in {"difference", "ratio"}


def _plain(operation: str) -> Callable[[Draw, PlanText], str]:
    def build(draw: Draw, plan: PlanText) -> str:
        by_name = operation.endswith(("name", "scending"))
        suits = anything if by_name else summable
        count = 2 if _of_two(operation) else draw.branches
        kind = draw.kind(suits, count)
        measure = draw.measure(kind, suits)
        names = draw.names(kind, count)
        values = [plan.call("lookup", called(name), measure.key) for name in names]
        reduced(plan, operation, names, values)
        return draw.words(PLAIN[operation], **draw.fields(kind, measure, names))

    return build


def _changed(operation: str) -> Callable[[Draw, PlanText], str]:
    def build(draw: Draw, plan: PlanText) -> str:
        count = 2 if _of_two(operation) else draw.branches
        kind = draw.kind(summable, count)
        measure = draw.measure(kind, summable)
        names = draw.names(kind, count)
        changes = draw.changes(names, measure.noun)
        values = []
        for name, change in zip(names, changes, strict=True):
            value = plan.call("lookup", called(name), measure.key)
            if change.operation:
                value = plan.call("calculator", value.inside + change.operation)
            values.append(value)
        reduced(plan, operation, names, values)
        ask = draw.words(AFTER[operation], **draw.fields(kind, measure, names))
        supposed = draw.listed([change.text for change in changes])
        return draw.words(SUPPOSED, changes=supposed, ask=ask, Ask=sentence(ask))

    return build


_TWO: Final = (2,)
_KEPT_PLAIN: Final = {"smallest"}
_KEPT_CHANGED: Final = {"descending", "mean"}

REDUCING: Final = tuple(
    Family(
        f"plain: {operation}",
        "fan-out and reduce",
        _plain(operation),
        branches=_TWO if _of_two(operation) else (2, 3, 4),
        held_out=operation in _KEPT_PLAIN,
    )
    for operation in PLAIN
)
"""Families that look values up and make one result of them."""

CHANGING: Final = tuple(
    Family(
        f"changed: {operation}",
        "chains and reduce",
        _changed(operation),
        branches=_TWO if _of_two(operation) else (2, 3, 4),
        held_out=operation in _KEPT_CHANGED,
    )
    for operation in AFTER
)
"""Families that suppose a change of each value first."""
