"""Plans in files: read as a planner's text would be, and as a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.plan import JOIN, PlanEnded, PlannedTask, RefusedTask
from ..notation.reader import PlanReader
from ..notation.scanner import Scanner
from ..toolrun.signature import checker
from .dispatch import references_in
from .errors import PlanFileError
from .structured import JsonPlanReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import networkx as nx

    from ...protocols.plan import PlanItem, TaskId
    from ...protocols.tools import ToolSpec

    Graph = nx.DiGraph[TaskId]

MAX_FILE_BYTES = 16 << 20
"""Largest plan file that is read."""


def read_plan_file(path: Path, tools: Sequence[ToolSpec] = ()) -> list[PlanItem]:
    """Return the items of a plan in a file: text, or JSON that begins with a brace.

    Args:
        path: The file.
        tools: What it may call; without any, every name is a tool and arguments are not checked.

    Raises:
        PlanFileError: It cannot be read, is no text or too large, or holds no task.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise PlanFileError(str(path), f"it is larger than {MAX_FILE_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanFileError(str(path), f"it cannot be read: {error}") from None
    items = read_plan(text, tools)
    if all(isinstance(item, PlanEnded) for item in items):
        raise PlanFileError(str(path), f"it holds no task; {_mends(text)}")
    return items


def _mends(text: str) -> str:
    """Return how a plan is written, in the form that a text without one seems to have."""
    if text.lstrip()[:1] in ("{", "["):
        task = '{"id": 1, "tool": "search", "arguments": {"query": "cats"}}'
        return f'a plan in JSON is `{{"tasks": [{task}]}}`'
    return 'write one a line, as in `1. search("cats")`'


def read_plan(text: str, tools: Sequence[ToolSpec] = ()) -> list[PlanItem]:
    """Return the items of a plan; see `read_plan_file`."""
    json = text.lstrip().startswith("{")
    names = [spec.name for spec in tools] or _names_in(text, json=json)
    check = checker(tools) if tools else lambda _: ""
    kind = JsonPlanReader if json else PlanReader
    return kind(names, check=check).read(text)


def _names_in(text: str, *, json: bool) -> list[str]:
    """Return every word that stands where a tool's name does."""
    if json:
        items = JsonPlanReader(()).read(text)
        return [item.tool for item in items if isinstance(item, RefusedTask)]
    scanner = Scanner()
    calls = (*scanner.feed(text), *scanner.finish())
    return [call.tool for call in calls if call.tool != JOIN]


def plan_graph(items: Sequence[PlanItem]) -> Graph:
    """Return the graph of a plan: an edge leads from each task to those that need its result.

    Each node has its item as `task`. A refused task that only repeats a number is left out.
    """
    import networkx as nx  # slow to start

    graph: Graph = nx.DiGraph()
    for item in items:
        if isinstance(item, PlanEnded) or item.id in graph:
            continue
        graph.add_node(item.id, task=item)
        if isinstance(item, PlannedTask):
            needs = references_in((item.arguments, item.keywords))
            graph.add_edges_from((needed, item.id) for needed in needs)
    return graph
