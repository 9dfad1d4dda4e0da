"""Draws a plan: as text for a terminal, as Mermaid, DOT or SVG."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from ...protocols.plan import PlannedTask, RefusedTask
from .plan_file import plan_graph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...protocols.plan import PlanItem, TaskId
    from .plan_file import Graph

Format: TypeAlias = Literal["text", "mermaid", "dot", "svg"]

_LABEL: Final = 46
"""Characters of a call that a box shows."""

_WIDTH, _HEIGHT, _GAP, _ROW = 330, 34, 60, 50


def draw(items: Sequence[PlanItem], format: Format = "text") -> str:  # noqa: A002 - the word users say
    """Draw a plan; tasks that are refused are marked, and in text what is wrong with each."""
    graph = plan_graph(items)
    if format == "mermaid":
        return _mermaid(graph)
    if format == "dot":
        return _dot(graph)
    if format == "svg":
        return _svg(graph)
    return _text(graph, items)


def generations(graph: Graph) -> list[list[TaskId]]:
    """Return the tasks in steps: each step needs only what stands in those before it."""
    import networkx as nx  # slow to start

    return [sorted(step) for step in nx.topological_generations(graph)]


def _text(graph: Graph, items: Sequence[PlanItem]) -> str:
    import networkx as nx  # slow to start

    lines = []
    for number, step in enumerate(generations(graph)):
        lines.append("at once:" if number == 0 else "then:")
        for task in step:
            needs = sorted(graph.predecessors(task))
            after = f"   needs {', '.join(map(str, needs))}" if needs else ""
            mark = "!" if isinstance(graph.nodes[task]["task"], RefusedTask) else " "
            lines.append(f" {mark} {_one_line(graph, task)}{after}")
    longest = nx.dag_longest_path(graph)
    tasks = len(graph)
    widest = max(len(step) for step in generations(graph))
    way = " -> ".join(map(str, longest))
    lines.append(
        f"\n{tasks} task{'s' if tasks > 1 else ''}; at most {widest} at once; "
        f"the longest way has {len(longest)}: {way}"
    )
    faults = [item for item in items if isinstance(item, RefusedTask)]
    if faults:
        lines.append(f"\n{len(faults)} cannot be run:")
        lines += [f"  {item.id}, {item.fault}: {item.detail}" for item in faults]
    return "\n".join(lines) + "\n"


def _mermaid(graph: Graph) -> str:
    lines = ["flowchart LR"]
    for task in graph:
        label = _entities(_short(_one_line(graph, task)))
        lines.append(f'  t{task}["{label}"]')
        if isinstance(graph.nodes[task]["task"], RefusedTask):
            lines.append(f"  class t{task} refused")
    lines += [f"  t{source} --> t{target}" for source, target in graph.edges]
    lines.append("  classDef refused stroke:#c0392b,stroke-dasharray:4")
    return "\n".join(lines) + "\n"


def _dot(graph: Graph) -> str:
    lines = ["digraph plan {", "  rankdir=LR;", "  node [shape=box, style=rounded];"]
    for task in graph:
        label = _short(_one_line(graph, task)).replace("\\", "\\\\").replace('"', '\\"')
        refused = isinstance(graph.nodes[task]["task"], RefusedTask)
        extra = ', style="rounded,dashed", color=red' if refused else ""
        lines.append(f'  t{task} [label="{label}"{extra}];')
    lines += [f"  t{source} -> t{target};" for source, target in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _svg(graph: Graph) -> str:
    """Return a picture: steps from left to right, the tasks of a step below each other."""
    steps = generations(graph)
    place = {
        task: (20 + column * (_WIDTH + _GAP), 20 + row * _ROW)
        for column, step in enumerate(steps)
        for row, task in enumerate(step)
    }
    width = 40 + len(steps) * (_WIDTH + _GAP) - _GAP
    height = 40 + max(len(step) for step in steps) * _ROW
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        (
            "<style>rect{fill:#fff;stroke:#8a97a8}.refused{stroke:#c0392b;stroke-dasharray:4}"
            "path{fill:none;stroke:#8a97a8}text{font:13px ui-monospace,monospace;fill:#1d2733}</style>"
        ),
    ]
    for source, target in graph.edges:
        (x, y), (end_x, end_y) = place[source], place[target]
        x, y, end_y = x + _WIDTH, y + _HEIGHT // 2, end_y + _HEIGHT // 2
        bend = (x + end_x) // 2
        lines.append(f'<path d="M{x} {y} C{bend} {y} {bend} {end_y} {end_x} {end_y}"/>')
    for task, (x, y) in place.items():
        refused = isinstance(graph.nodes[task]["task"], RefusedTask)
        kind = ' class="refused"' if refused else ""
        text = escape(_short(_one_line(graph, task), 40))
        lines.append(f'<rect{kind} x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>')
        lines.append(f'<text x="{x + 10}" y="{y + 22}">{text}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _one_line(graph: Graph, task: TaskId) -> str:
    """Return a call as it was written; one in JSON as a line of a plan, if it can be read."""
    item: PlannedTask | RefusedTask = graph.nodes[task]["task"]
    text = " ".join(item.text.split())
    if not text.startswith("{"):
        return text or f"{item.id}. {item.tool}(...)"
    try:
        arguments = json.loads(item.text).get("arguments", {})
    except (ValueError, RecursionError):
        return f"{item.id}. {text}"
    if isinstance(arguments, dict):
        words = [f"{name}={_as_json(value)}" for name, value in arguments.items()]
    else:
        words = [_as_json(value) for value in arguments] if isinstance(arguments, list) else ["..."]
    return f"{item.id}. {item.tool}({', '.join(words)})"


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _short(text: str, most: int = _LABEL) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _entities(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;")
