"""What a topology comes to: which nodes, which actors on which, in which order.

A pure function of the records. Actors start after those that their refs name, and stop in the reverse
order; lazy refs do not count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .problem import KeyPath
from .references import Reference, references_of
from .spec import ActorSpec, NodeSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    import networkx as nx

    from .spec import Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNode:
    """One process to start: its own name, and the entry it stands for."""

    name: str
    spec: NodeSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedActor:
    """One actor to spawn.

    Attributes:
        name: Its own name; `worker-1` for the second replica of `worker`.
        entry: Name of the entry it stands for.
        node: Name of the process it runs in, or None for the leader's.
        spec: The entry.
    """

    name: str
    entry: str
    node: str | None
    spec: ActorSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An actor entry whose arguments name another, and the path to that reference."""

    source: str
    target: str
    reference: Reference
    path: KeyPath


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start, in order.

    Attributes:
        nodes: Processes; they do not depend on each other.
        actors: Actors, each after those its arguments name.
    """

    nodes: tuple[PlannedNode, ...] = ()
    actors: tuple[PlannedActor, ...] = ()
    replicas: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def stop_order(self) -> tuple[PlannedActor, ...]:
        """The actors in the order in which they stop."""
        return self.actors[::-1]


def plan(topology: Topology) -> Plan:
    """Say what to start and in which order; equal entries start in the order of the file.

    Args:
        topology: One that `check` finds no errors in.

    Raises:
        networkx.NetworkXUnfeasible: Refs that are not lazy run in a circle.
    """
    import networkx as nx  # slow to import, and not needed to start a node

    order = {name: index for index, name in enumerate(topology.actors)}
    started = nx.lexicographical_topological_sort(start_graph(topology), key=order.__getitem__)
    actors = [actor for entry in started for actor in place(topology, entry)]
    return Plan(
        nodes=tuple(
            PlannedNode(name=name, spec=spec)
            for entry, spec in topology.nodes.items()
            for name in names_of(entry, spec.count)
        ),
        actors=tuple(actors),
        replicas={entry: names_of(entry, spec.replicas) for entry, spec in topology.actors.items()},
    )


def names_of(entry: str, count: int | None) -> tuple[str, ...]:
    """Return the names of an entry's instances: its own, or `entry-0`, `entry-1`, ..."""
    return (entry,) if count is None else tuple(f"{entry}-{index}" for index in range(count))


def place(topology: Topology, entry: str) -> Iterator[PlannedActor]:
    """Yield the actors of an entry; replicas go round the processes of its node."""
    spec = topology.actors[entry]
    nodes: tuple[str | None, ...] = (None,)
    if spec.node is not None:
        declared = topology.nodes.get(spec.node)
        nodes = (spec.node,) if declared is None else names_of(spec.node, declared.count)
    for index, name in enumerate(names_of(entry, spec.replicas)):
        yield PlannedActor(name=name, entry=entry, node=nodes[index % len(nodes)], spec=spec)


def entry_of(topology: Topology, name: str) -> str | None:
    """Return the entry that a ref's name belongs to: the entry itself, or that of a replica."""
    if name in topology.actors:
        return name
    entry, dash, index = name.rpartition("-")
    spec = topology.actors.get(entry)
    known = (
        spec is not None and spec.replicas is not None and name in names_of(entry, spec.replicas)
    )
    return entry if dash and index and known else None


def edges(topology: Topology) -> Iterator[Edge]:
    """Yield who refers to whom among the actors, in the order of the file."""
    for source, spec in topology.actors.items():
        for path, reference in references_of(spec.args, ("actors", source, "args")):
            target = entry_of(topology, reference.name)
            if target is not None:
                yield Edge(source=source, target=target, reference=reference, path=path)


def start_graph(topology: Topology) -> nx.DiGraph[str]:
    """Return the graph whose arrows run from what must be there first to what waits for it."""
    import networkx as nx  # slow to import, and not needed to start a node

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(topology.actors)
    for edge in edges(topology):
        if not edge.reference.lazy:
            graph.add_edge(edge.target, edge.source, path=edge.path)
    return graph
