"""What a picture of a topology shows, before any format: boxes in lanes, and arrows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .plan import edges, entry_of

if TYPE_CHECKING:
    from .spec import ActorSpec, Topology

LEADER = "leader"
"""The lane of actors that name no node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An actor entry: its name, its class and group in words, its lane, and how many there are."""

    name: str
    title: str
    lane: str
    replicas: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A node entry, or the leader's process: its name, how many there are, its GPUs in words."""

    name: str
    count: int | None
    gpus: str

    @property
    def label(self) -> str:
        """The lane's name with what is special about it: how many, which GPUs."""
        return (
            self.name + (f" \N{MULTIPLICATION SIGN}{self.count}" if self.count else "") + self.gpus
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A ref: who holds it, whom it names, whether it means all replicas, and whether it is lazy."""

    source: str
    target: str
    every: bool
    lazy: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """A whole topology: lanes hold the boxes that name them; main is an actor and its handler."""

    name: str
    lanes: tuple[Lane, ...]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    main: tuple[str, str] | None


def draw(topology: Topology) -> Drawing:
    """Say what a picture of the topology shows; sound wiring is not required."""
    boxes = tuple(
        Box(
            name=name,
            title=_title(spec),
            lane=LEADER if spec.node is None else spec.node,
            replicas=spec.replicas,
        )
        for name, spec in topology.actors.items()
    )
    lanes = [
        Lane(
            name=name,
            count=spec.count,
            gpus=f", GPU {spec.gpus}" if spec.gpus else "",
        )
        for name, spec in topology.nodes.items()
    ]
    known = {lane.name for lane in lanes}
    extra = dict.fromkeys(box.lane for box in boxes if box.lane not in known)
    arrows = dict.fromkeys(
        Arrow(source=e.source, target=e.target, every=e.reference.every, lazy=e.reference.lazy)
        for e in edges(topology)
    )
    main = None
    if topology.main is not None:
        entry = entry_of(topology, topology.main.actor)
        main = (entry, topology.main.ask) if entry else None
    first = [Lane(name=name, count=None, gpus="") for name in extra]
    return Drawing(topology.name, (*first, *lanes), boxes, tuple(arrows), main)


def _title(spec: ActorSpec) -> str:
    group = spec.supervise.group
    return spec.cls.rpartition(":")[2] + (f", group {group}" if group else "")
