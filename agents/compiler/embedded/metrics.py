"""How good a plan is beside the one that was wanted, and whether one planner beats another.

Two plans have the same graph if there is a bijection of their tasks that keeps tools and references:
the measure of TinyAgent (Erdogan et al., arXiv 2409.00608). Their calls are the same if, beyond that,
every task has the arguments that were wanted. Neither looks at the order of lines.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from ....actors.tools.calculator.expression import evaluate
from ....actors.tools.calculator.magnitude import ExpressionError
from ....protocols.plan import PlanEnded, PlannedTask, ResultOf, TaskId, Template
from ...notation.reader import PlanReader
from ...toolrun.signature import checker
from ..plan_file import plan_graph

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ....protocols.tools import ToolSpec

UNORDERED: Final = {"largest", "smallest", "sum", "mean", "difference", "ascending", "descending"}
"""Last arguments of calls that do not depend on the order of the values before them."""

_REFERENCE = re.compile(r"\$\{(\d+)\}")
_PROBES: Final = ((997, 31), (101, 57))
"""What expressions are compared at: the value of a result is a + b * its rank."""


@dataclass(frozen=True, slots=True)
class Grade:
    """What a plan is worth.

    Attributes:
        valid: Every line can be read and fits its tool, and the plan ends with `join`.
        same_graph: Its graph is the one that was wanted.
        same_calls: So are all of its calls.
    """

    valid: bool
    same_graph: bool
    same_calls: bool


def grade(plan: str, wanted: str, tools: Sequence[ToolSpec]) -> Grade:
    """Compare a plan with the one that is wanted."""
    found, gold = tasks_of(plan, tools), tasks_of(wanted, tools)
    assert gold is not None, f"the wanted plan is none: {wanted}"
    if found is None:
        return Grade(valid=False, same_graph=False, same_calls=False)
    alike = isomorphic(found, gold)
    return Grade(
        valid=True, same_graph=alike, same_calls=alike and calls_of(found) == calls_of(gold)
    )


def tasks_of(plan: str, tools: Sequence[ToolSpec]) -> list[PlannedTask] | None:
    """Read a plan; None if anything in it is refused, or it does not end with `join`."""
    reader = PlanReader([tool.name for tool in tools], check=checker(tools))
    *items, end = reader.read(plan)
    tasks = [item for item in items if isinstance(item, PlannedTask)]
    whole = isinstance(end, PlanEnded) and end.joined and len(tasks) == len(items)
    return tasks if whole else None


def isomorphic(one: Sequence[PlannedTask], other: Sequence[PlannedTask]) -> bool:
    """Whether two plans have the same graph, tools for nodes."""
    import networkx as nx  # slow to start

    return bool(
        nx.is_isomorphic(
            plan_graph(one),
            plan_graph(other),
            node_match=lambda left, right: left["task"].tool == right["task"].tool,
        )
    )


def calls_of(tasks: Sequence[PlannedTask]) -> list[str]:
    """Return every call with the calls that it refers to in the place of references, sorted."""
    written: dict[TaskId, str] = {}
    for task in tasks:
        written[task.id] = _written(task, written)
    return sorted(written.values())


def mcnemar(wins: int, losses: int) -> float:
    """Return the exact two-sided p of McNemar's test.

    Args:
        wins: Questions that only the first planner gets right.
        losses: Questions that only the second one does.
    """
    discordant = wins + losses
    if discordant == 0:
        return 1.0
    tail = sum(math.comb(discordant, k) for k in range(min(wins, losses) + 1))
    return min(1.0, float(Fraction(2 * tail, 2**discordant)))


def _written(task: PlannedTask, written: Mapping[TaskId, str]) -> str:
    if task.tool == "calculator" and len(task.arguments) == 1:
        return f"calculator({_expression(task.arguments[0], written)})"
    arguments = [*task.arguments, *(task.keywords[name] for name in sorted(task.keywords))]
    return f"{task.tool}({', '.join(_arguments(arguments, written))})"


def _arguments(arguments: Sequence[Any], written: Mapping[TaskId, str]) -> list[str]:
    """Return the arguments as text; where their order does not matter, in one of their own."""
    lists = [value for value in arguments if isinstance(value, list)]
    if not arguments or arguments[-1] not in UNORDERED or not lists:
        return [_value(argument, written) for argument in arguments]
    rows = sorted(zip(*([_value(v, written) for v in row] for row in lists), strict=False))
    sizes = ",".join(str(len(row)) for row in lists)
    return [sizes, str(rows), *(_value(v, written) for v in arguments if not isinstance(v, list))]


def _value(value: Any, written: Mapping[TaskId, str]) -> str:
    if isinstance(value, ResultOf):
        return f"<{written[value.task]}>"
    if isinstance(value, list):
        return f"[{', '.join(_value(item, written) for item in value)}]"
    if isinstance(value, Template):
        return "".join(_value(part, written) for part in value.parts)
    return " ".join(str(value).casefold().split()).removeprefix("the ")


def _expression(value: Any, written: Mapping[TaskId, str]) -> str:
    """Return an expression so that those of the same value are the same text."""
    parts = value.parts if isinstance(value, Template) else (value,)
    results = sorted({written[part.task] for part in parts if isinstance(part, ResultOf)})
    values = []
    for start, step in _PROBES:
        text = "".join(
            str(start + step * results.index(written[part.task]))
            if isinstance(part, ResultOf)
            else str(part)
            for part in parts
        )
        try:
            values.append(f"{float(evaluate(text)):.12g}")
        except ExpressionError:
            return _value(value, written)
    return f"{' '.join(values)} of {results}"
