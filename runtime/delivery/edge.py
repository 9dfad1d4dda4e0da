"""What was seen on one edge, from a node to an actor."""

from __future__ import annotations


class Edge:
    """What was seen on one edge: numbers and times, for finding stragglers and broken links."""

    __slots__ = ("arrived", "count", "sent", "sequence")

    def __init__(self) -> None:
        self.count = 0
        self.sequence = 0
        self.sent = 0.0
        self.arrived = 0.0

    def note(self, sequence: int, sent: float, arrived: float) -> None:
        """Note number and times of a message."""
        self.count += 1
        self.sequence = sequence
        self.sent = sent
        self.arrived = arrived
