"""Places a drawing on a plane: processes are lanes one under another, refs run from left to right.

Columns are the layers of the ref graph: an actor stands to the right of everyone who refers to it.
Every actor has a row of its own, so an arrow that follows its source's row and turns only in the gap
before its target's column never crosses a box.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .drawing import Arrow

if TYPE_CHECKING:
    import networkx as nx

    from .drawing import Drawing

BOX_HEIGHT = 46.0
ROW = 66.0
GAP = 64.0
MARGIN = 24.0
LANE_HEAD = 30.0
LANE_SPACE = 14.0
TITLE = 40.0
SMALL_LETTER = 6.7
"""Width of a letter of 12 pixels, about."""
_ENTRY_HEAD = 14.0


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A place in pixels; x and y are the upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of the right side."""
        return self.x + self.width

    @property
    def middle(self) -> float:
        """The y of the middle."""
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies, in pixels; routes are SVG path data by arrow.

    `entry` is the x at which main's arrow starts; its label has room between there and the box.
    """

    width: float
    height: float
    boxes: dict[str, Rectangle]
    lanes: dict[str, Rectangle]
    routes: dict[Arrow, str]
    entry: float


def lay_out(drawing: Drawing) -> Layout:
    """Place boxes and lanes, and route the arrows."""
    columns = _columns(drawing)
    widths = [0.0] * (1 + max(columns.values(), default=0))
    for box in drawing.boxes:
        words = max(7.9 * len(box.name) + 24 * bool(box.replicas), SMALL_LETTER * len(box.title))
        widths[columns[box.name]] = max(widths[columns[box.name]], words + 32, 96)
    entered, label = _entered(drawing, columns)
    lefts, x = [], MARGIN + GAP
    for column, width in enumerate(widths):
        x += max(0.0, label + 2 * _ENTRY_HEAD - GAP) * (column == entered)
        lefts.append(x)
        x += width + GAP
    right = x - GAP + MARGIN
    boxes: dict[str, Rectangle] = {}
    lanes: dict[str, Rectangle] = {}
    labels = max((7.2 * len(lane.label) for lane in drawing.lanes), default=0.0)
    right = max(right, MARGIN * 3 + labels)
    y = MARGIN + TITLE
    for lane in drawing.lanes:
        inside = [box.name for box in drawing.boxes if box.lane == lane.name]
        inside.sort(key=lambda name: columns[name])
        for row, name in enumerate(inside):
            column = columns[name]
            top = y + LANE_HEAD + row * ROW
            boxes[name] = Rectangle(lefts[column], top, widths[column], BOX_HEIGHT)
        height = LANE_HEAD + max(len(inside) * ROW, LANE_SPACE) - (ROW - BOX_HEIGHT) * bool(inside)
        height += LANE_SPACE * bool(inside)
        lanes[lane.name] = Rectangle(MARGIN, y, right - MARGIN, height)
        y += height + LANE_SPACE
    routes = {arrow: _route(arrow, boxes, columns) for arrow in drawing.arrows}
    entry = lefts[entered] - max(label + _ENTRY_HEAD, GAP - _ENTRY_HEAD)
    return Layout(right + MARGIN, y - LANE_SPACE + MARGIN, boxes, lanes, routes, entry)


def _entered(drawing: Drawing, columns: dict[str, int]) -> tuple[int, float]:
    """Return the column that main's arrow goes to, and the width of its label."""
    if drawing.main is None:
        return 0, 0.0
    actor, handler = drawing.main
    return columns[actor], SMALL_LETTER * len(handler)


def _columns(drawing: Drawing) -> dict[str, int]:
    """Return each actor's layer: one more than that of the farthest who refers to it."""
    import networkx as nx  # slow to import, and only drawing needs it here

    refers: nx.DiGraph[str] = nx.DiGraph()
    refers.add_nodes_from(box.name for box in drawing.boxes)
    refers.add_edges_from((a.source, a.target) for a in drawing.arrows if not a.lazy)
    while not nx.is_directed_acyclic_graph(refers):  # a broken topology is drawn too
        refers.remove_edges_from([nx.find_cycle(refers)[-1][:2]])
    generations = nx.topological_generations(refers)
    return {name: column for column, layer in enumerate(generations) for name in layer}


def _route(arrow: Arrow, boxes: dict[str, Rectangle], columns: dict[str, int]) -> str:
    source, target = boxes[arrow.source], boxes[arrow.target]
    start, end = columns[arrow.source], columns[arrow.target]
    if arrow.source == arrow.target:  # a lazy ref to itself: a loop on the right
        x, y = source.right, source.middle
        return f"M{x:g},{y - 8:g} c24,-14 24,30 0,16"
    if start < end:
        turn = target.x - GAP
        return _bend(source.right, source.middle, turn, target.x, target.middle)
    if start > end:  # a lazy ref back: along the target's row, a little below the arrows that leave
        y, end_y = source.middle + 10, target.middle + 10
        turn = source.x - GAP
        middle = (source.x + turn) / 2
        return (
            f"M{source.x:g},{y:g} C{middle:g},{y:g} {middle:g},{end_y:g} {turn:g},{end_y:g} "
            f"L{target.right:g},{end_y:g}"
        )
    x, out = source.right, GAP * 0.6
    return (
        f"M{x:g},{source.middle:g} C{x + out:g},{source.middle:g} "
        f"{x + out:g},{target.middle:g} {target.right:g},{target.middle:g}"
    )


def _bend(x: float, y: float, turn: float, end_x: float, end_y: float) -> str:
    middle = (turn + end_x) / 2
    return (
        f"M{x:g},{y:g} L{turn:g},{y:g} C{middle:g},{y:g} {middle:g},{end_y:g} {end_x:g},{end_y:g}"
    )
