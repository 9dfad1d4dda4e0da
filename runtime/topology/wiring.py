"""Checks that hold without importing a class: nodes, refs, circles and counts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .plan import entry_of, names_of, start_graph
from .problem import KeyPath, Problem, suggestion
from .references import REFERENCE_KEYS, Reference, references_in, references_of
from .spec import Supervise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .document import Document
    from .spec import Topology

_DEFAULTS = Supervise()
_LOOKALIKES = {*REFERENCE_KEYS, "lazy", "route"}


def check_wiring(topology: Topology, document: Document) -> Iterator[Problem]:
    """Yield nodes and refs that do not exist, refs of the wrong number, and circles."""
    for name, spec in topology.actors.items():
        if spec.node is not None and spec.node not in topology.nodes:
            replica = next((e for e in topology.nodes if spec.node.rpartition("-")[0] == e), None)
            mend = f'write "{replica}"; replicas go round' if replica else None
            mend = mend or suggestion(spec.node, topology.nodes)
            path: KeyPath = ("actors", name, "node")
            yield document.problem("wiring", path, f'no node is called "{spec.node}"', mend)
        for path, reference in references_of(spec.args, ("actors", name, "args")):
            yield from _check_reference(topology, document, path, reference)
        for key, value in spec.args.items():
            yield from _check_lookalikes(value, ("actors", name, "args", key), document)
    if topology.main is not None:
        for path, reference in references_of(topology.main.args, ("main", "args")):
            yield from _check_reference(topology, document, path, reference)
    for name in topology.simulate.classes:
        if name not in topology.actors:
            mend = suggestion(name, topology.actors)
            path = ("simulate", "classes", name)
            yield document.problem("wiring", path, f'no actor is called "{name}"', mend)
    yield from _check_groups(topology, document)
    yield from _check_names(topology, document)
    yield from _check_circles(topology, document)


def _check_reference(
    topology: Topology, document: Document, path: KeyPath, reference: Reference
) -> Iterator[Problem]:
    entry = entry_of(topology, reference.name)
    if entry is None:
        mend = suggestion(reference.name, topology.actors)
        yield document.problem("wiring", path, f'no actor is called "{reference.name}"', mend)
        return
    many = topology.actors[entry].replicas is not None and reference.name == entry
    if many and not reference.every:
        mend = f"write {{refs: {entry}}} or {{pool: {entry}}} for all, {{ref: {entry}-0}} for one"
        yield document.problem("wiring", path, f'"{entry}" has replicas', mend)
    if reference.every and not many:
        mend = f"write {{ref: {reference.name}}}, or give it replicas"
        yield document.problem("wiring", path, f'"{reference.name}" is one actor', mend)


def _check_groups(topology: Topology, document: Document) -> Iterator[Problem]:
    """Find groups that do not exist, and numbers that a group overrules."""
    for name, spec in topology.actors.items():
        supervise, path = spec.supervise, ("actors", name, "supervise")
        if supervise.group is None:
            continue
        if supervise.group not in topology.groups:
            mend = suggestion(supervise.group, topology.groups)
            message = f'no group is called "{supervise.group}"'
            yield document.problem("wiring", (*path, "group"), message, mend)
            continue
        for key in ("max_restarts", "within", "backoff"):
            if getattr(supervise, key) != getattr(_DEFAULTS, key):
                mend = f'move it to the group "{supervise.group}"'
                message = "the group decides this for its members"
                yield document.warning("wiring", (*path, key), message, mend)


def _check_lookalikes(value: object, path: KeyPath, document: Document) -> Iterator[Problem]:
    """Find mappings that were meant as references but are not quite."""
    if isinstance(value, dict):
        reference = next(references_in(value), ((None,), None))
        if reference[0] == ():
            return
        if not set(value).isdisjoint(REFERENCE_KEYS) and set(value) <= _LOOKALIKES:
            mend = "write {ref: name}, {refs: name} or {pool: name}, and `lazy: true` if need be"
            yield document.problem("wiring", path, "this is no reference", mend)
            return
        for key, item in value.items():
            yield from _check_lookalikes(item, (*path, key), document)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _check_lookalikes(item, (*path, index), document)


def _check_names(topology: Topology, document: Document) -> Iterator[Problem]:
    """Find entries whose instances would have the name of another entry's."""
    for section in ("nodes", "actors"):
        taken: dict[str, str] = {}
        entries = (
            [(name, node.count) for name, node in topology.nodes.items()]
            if section == "nodes"
            else [(name, actor.replicas) for name, actor in topology.actors.items()]
        )
        for entry, count in entries:
            clash = next((name for name in names_of(entry, count) if name in taken), None)
            if clash is not None:
                message = f'"{clash}" is also one of "{taken[clash]}"'
                yield document.problem("wiring", (section, entry), message, "rename one of them")
            taken.update(dict.fromkeys(names_of(entry, count), entry))


def _check_circles(topology: Topology, document: Document) -> Iterator[Problem]:
    import networkx as nx  # slow to import, and not needed to start a node

    graph = start_graph(topology)
    for group in nx.strongly_connected_components(graph):
        members = graph.subgraph(group)
        first = min(group, key=list(topology.actors).index)
        if len(group) == 1 and not members.has_edge(first, first):
            continue
        circle = nx.find_cycle(members, first)
        # Arrows of the graph run from what must be there first; say it the way refs point.
        names = [first, *(tail for tail, _ in reversed(circle))]
        path: KeyPath = graph.edges[names[1], first]["path"]
        message = f"refs run in a circle: {' -> '.join(names)}"
        mend = "add `lazy: true` to one of them"
        yield document.problem("wiring", path, message, mend)


def check_resources(topology: Topology, document: Document) -> Iterator[Problem]:
    """Yield warnings about CPUs, GPUs and nodes that this host cannot give or nobody uses."""
    gpus = _gpus_here()
    cpus = os.cpu_count() or 1
    wanted = 0
    used = {actor.node for actor in topology.actors.values()}
    for name, node in topology.nodes.items():
        if isinstance(node.gpus, int):
            wanted += node.gpus * (node.count or 1)
            if node.gpus and wanted > gpus:
                message = f"{wanted} GPUs are wanted up to here, this host shows {gpus}"
                mend = "use `gpus: auto` to take what is there"
                yield document.warning("resources", ("nodes", name, "gpus"), message, mend)
        if node.cpus is not None and node.cpus > cpus:
            message = f"{node.cpus} CPUs for each process, this host has {cpus}"
            yield document.warning(
                "resources", ("nodes", name, "cpus"), message, "lower it, or leave it out"
            )
        if name not in used:
            yield document.warning(
                "resources", ("nodes", name), "no actor runs here", "remove it, or place one here"
            )


def _gpus_here() -> int:
    """Count the GPUs this process may see, without importing torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([part for part in visible.split(",") if part.strip() not in ("", "-1")])
    try:
        names = os.listdir("/dev")
    except OSError:
        return 0
    return sum(name.startswith("nvidia") and name[6:].isdigit() for name in names)
