"""A town whose streets are a grid, with a bus line each way along every one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from .errors import SumoTownError

FEWEST: Final = 6
"""Crossings along a side, so that hubs are apart and buses worth boarding."""

MOST: Final = 26
"""Crossings along a side: `netgenerate` names streets by letters."""

SHORTEST: Final = 120.0
"""Metres of a block, so that a stop and a parking area fit."""


class Node(NamedTuple):
    """A crossing: the number of its street from west to east, and from south to north."""

    x: int
    y: int

    @property
    def name(self) -> str:
        """What `netgenerate` calls it: a letter and a number."""
        return f"{chr(ord('A') + self.x)}{self.y}"


class Line(NamedTuple):
    """A bus line: its name, and the crossings that it passes, in order."""

    name: str
    nodes: tuple[Node, ...]

    @property
    def edges(self) -> tuple[str, ...]:
        """Names of the edges that it runs along."""
        return tuple(edge(a, b) for a, b in zip(self.nodes, self.nodes[1:], strict=False))


class BusRide(NamedTuple):
    """A way by one bus: the line, the edges with the first and the last stop, and how many blocks."""

    line: str
    board: str
    alight: str
    blocks: int


def edge(a: Node, b: Node) -> str:
    """Return the name that `netgenerate` gives to the edge between neighbours."""
    return a.name + b.name


@dataclass(frozen=True, slots=True)
class Grid:
    """A square of streets.

    Attributes:
        size: Crossings along each side, from 6 to 26.
        block: Metres between neighbours, 120 or more.

    Raises:
        SumoTownError: It is too small or too large.
    """

    size: int = 8
    block: float = 300.0

    def __post_init__(self) -> None:
        if not (FEWEST <= self.size <= MOST and self.block >= SHORTEST):
            raise SumoTownError(self.size, self.block)

    def nodes(self) -> list[Node]:
        """Return all crossings."""
        return [Node(x, y) for x in range(self.size) for y in range(self.size)]

    def neighbours(self, node: Node) -> list[Node]:
        """Return the crossings that are one block away."""
        around = [
            (node.x - 1, node.y),
            (node.x + 1, node.y),
            (node.x, node.y - 1),
            (node.x, node.y + 1),
        ]
        return [Node(x, y) for x, y in around if 0 <= x < self.size and 0 <= y < self.size]

    def lines(self) -> list[Line]:
        """Return all bus lines: each street's, both ways."""
        there = range(self.size)
        lines = []
        for k in there:
            row = tuple(Node(x, k) for x in there)
            column = tuple(Node(k, y) for y in there)
            lines += [Line(f"east{k}", row), Line(f"west{k}", row[::-1])]
            lines += [Line(f"north{k}", column), Line(f"south{k}", column[::-1])]
        return lines

    def hubs(self) -> list[Node]:
        """Return the crossings where cars can be left: four, a quarter of the way in."""
        near, far = self.size // 4, self.size - 1 - self.size // 4
        return [Node(x, y) for x in (near, far) for y in (near, far)]

    def nearest_hub(self, node: Node) -> Node:
        """Return the hub to which a crossing is nearest."""
        return min(self.hubs(), key=lambda hub: (blocks(node, hub), hub))

    def bus_rides(self, start: Node, end: Node) -> tuple[BusRide, ...]:
        """Return the way by bus: along the street of the start, then along that of the end.

        A ride of fewer than two blocks is none: that much is walked. So there may be no ride at all.
        """
        corner = Node(end.x, start.y)
        legs = [
            ("east" if end.x > start.x else "west", start, corner, start.y),
            ("north" if end.y > start.y else "south", corner, end, end.x),
        ]
        rides = []
        for direction, a, b, street in legs:
            length = blocks(a, b)
            if length >= 2:  # so that it boards and alights on different edges
                first, last = _towards(a, b), _towards(b, a)
                rides.append(BusRide(f"{direction}{street}", edge(a, first), edge(last, b), length))
        return tuple(rides)


def blocks(a: Node, b: Node) -> int:
    """Return how many blocks lie between two crossings, along the streets."""
    return abs(a.x - b.x) + abs(a.y - b.y)


def _towards(a: Node, b: Node) -> Node:
    """Return the crossing after `a` on the way to `b`, which lies on one street with it."""
    return Node(a.x + (b.x > a.x) - (b.x < a.x), a.y + (b.y > a.y) - (b.y < a.y))
