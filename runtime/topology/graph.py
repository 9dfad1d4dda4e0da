"""Draws a topology as Mermaid, DOT or SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from .drawing import Box, Drawing, draw

if TYPE_CHECKING:
    from .spec import Topology

Format: TypeAlias = Literal["mermaid", "dot", "svg"]


def graph(topology: Topology, format: Format = "mermaid") -> str:  # noqa: A002 - the word users say
    """Draw a topology: processes as frames, actors as boxes, refs as arrows to what they name.

    Args:
        topology: Any topology; a broken one is drawn as far as its refs go.
        format: `mermaid` for Markdown pages, `dot` for Graphviz, `svg` for a picture.
    """
    drawing = draw(topology)
    if format == "mermaid":
        return _mermaid(drawing)
    if format == "dot":
        return _dot(drawing)
    from .svg import svg  # it needs networkx, which is slow to import

    return svg(drawing)


def _mermaid(drawing: Drawing) -> str:
    # Names of ours could be words of Mermaid's own ("end"), so boxes and frames are numbered.
    ids = {box.name: f"a{index}" for index, box in enumerate(drawing.boxes)}
    lines = ["flowchart LR"]
    for index, lane in enumerate(drawing.lanes):
        lines.append(f'  subgraph n{index}["{_entities(lane.label)}"]')
        for box in drawing.boxes:
            if box.lane == lane.name:
                shape = ("[[", "]]") if box.replicas else ("[", "]")
                label = f"{box.name}{_times(box)}<br/><small>{_entities(box.title)}</small>"
                lines.append(f'    {ids[box.name]}{shape[0]}"{label}"{shape[1]}')
        lines.append("  end")
    if drawing.main is not None:
        actor, handler = drawing.main
        lines.append(f'  main(("main")) -->|"{_entities(handler)}"| {ids[actor]}')
    for arrow in drawing.arrows:
        line = "-.->" if arrow.lazy else "==>" if arrow.every else "-->"
        lines.append(f"  {ids[arrow.source]} {line} {ids[arrow.target]}")
    return "\n".join(lines) + "\n"


def _dot(drawing: Drawing) -> str:
    lines = [
        f"digraph {_quoted(drawing.name)} {{",
        "  rankdir=LR; compound=true; fontname=Helvetica;",
        '  node [shape=box, style="rounded,filled", fillcolor=white, fontname=Helvetica];',
        "  edge [color=gray40];",
    ]
    for index, lane in enumerate(drawing.lanes):
        lines.append(f"  subgraph cluster_{index} {{")
        lines.append(f"    label={_quoted(lane.label)}; style=rounded; color=gray70;")
        for box in drawing.boxes:
            if box.lane == lane.name:
                label = _quoted(f"{box.name}{_times(box)}\n{box.title}")
                sides = ", peripheries=2" if box.replicas else ""
                lines.append(f"    {_quoted(box.name)} [label={label}{sides}];")
        lines.append("  }")
    if drawing.main is not None:
        actor, handler = drawing.main
        lines.append('  "<main>" [label=main, shape=circle];')
        lines.append(f'  "<main>" -> {_quoted(actor)} [label={_quoted(handler)}];')
    for arrow in drawing.arrows:
        style = "dashed" if arrow.lazy else "bold" if arrow.every else "solid"
        lines.append(f"  {_quoted(arrow.source)} -> {_quoted(arrow.target)} [style={style}];")
    return "\n".join([*lines, "}"]) + "\n"


def _times(box: Box) -> str:
    return f" \N{MULTIPLICATION SIGN}{box.replicas}" if box.replicas else ""


def _entities(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
