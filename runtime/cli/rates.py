"""From counters at two moments to what happens in a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .output import ActorRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...protocols.control import NodeStatistics


class Rates:
    """Remembers counters from one look to the next."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, str], tuple[float, float]] = {}

    def of(self, what: str, whose: str, value: float, now: float) -> float:
        """Return by how much a counter has grown per second since the last look at it.

        Args:
            what: Name of the counter.
            whose: What it belongs to.
            value: How much it is now.
            now: The time in seconds.
        """
        before, count = self._before.get((what, whose), (now, value))
        self._before[what, whose] = (now, value)
        return max(0.0, (value - count) / (now - before)) if now > before else 0.0


def actor_rows(nodes: Iterable[NodeStatistics], rates: Rates, now: float) -> list[ActorRow]:
    """Return a row for every actor of some nodes."""
    return [
        ActorRow(
            name=actor.name,
            kind=actor.class_name.rpartition(".")[2],
            node=node.node,
            state=actor.state,
            depth=actor.mailbox,
            rate=rates.of("handled", f"{node.node}.{node.life}/{actor.name}", actor.handled, now),
        )
        for node in nodes
        for actor in node.actors
    ]
