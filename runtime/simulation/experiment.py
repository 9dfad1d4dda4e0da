"""What is simulated, made from a topology: its stand-ins, its invariants, its faults."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from ..topology import add_import_path, check, read_topology, require_sound
from ..topology.classes import ClassProblemError, find_class, find_subclass
from ..topology.errors import error_for
from .faults import KINDS
from .invariants import Invariants
from .run import Experiment

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from ..topology import Problem, Topology, TopologyFile
    from ..topology.problem import KeyPath


def experiment_of(
    source: str | os.PathLike[str],
    overrides: Mapping[str, Any] | None = None,
    *,
    kinds: Sequence[str] = KINDS,
) -> Experiment:
    """Return what a topology file says is to be simulated.

    Raises:
        TopologyError: The file has mistakes, with its stand-ins in place or without; also of
            its invariants.
    """
    file = read_topology(source, overrides)
    add_import_path(file.path)
    require_sound(file)
    problems = [problem for problem in check_simulation(file) if problem.severity == "error"]
    if problems:
        raise error_for(problems)
    topology = with_stand_ins(file.topology)
    simulate = topology.simulate
    return Experiment(
        topology=topology,
        invariants=find_invariants(simulate.invariants) if simulate.invariants else Invariants,
        kinds=tuple(kinds),
        duration=simulate.duration,
        every=simulate.every,
    )


def with_stand_ins(topology: Topology) -> Topology:
    """Return the topology with the classes in place that stand for others in a simulation."""
    classes = topology.simulate.classes
    if not classes:
        return topology
    actors = {
        name: msgspec.structs.replace(spec, cls=classes.get(name, spec.cls))
        for name, spec in topology.actors.items()
    }
    return msgspec.structs.replace(topology, actors=actors)


def check_simulation(file: TopologyFile) -> list[Problem]:
    """Find what is wrong with how a topology is simulated, besides what `check` finds in it."""
    simulate, document = file.topology.simulate, file.document
    problems = []
    for name, path in simulate.classes.items():
        try:
            find_class(path)
        except ClassProblemError as error:
            place: KeyPath = ("simulate", "classes", name)
            problems.append(document.problem("class", place, error.message, error.mend))
    if simulate.invariants is not None:
        try:
            find_invariants(simulate.invariants)
        except ClassProblemError as error:
            place = ("simulate", "invariants")
            problems.append(document.problem("class", place, error.message, error.mend))
    if simulate.classes and not problems:
        known = check(file)
        stood_in = replace(file, topology=with_stand_ins(file.topology))
        problems = [problem for problem in check(stood_in) if problem not in known]
    return problems


def find_invariants(path: str) -> type[Invariants]:
    """Import the invariants that `"module:Class"` names.

    Raises:
        ClassProblemError: They are not there, or are something else.
    """
    mend = "derive it from passel.runtime.simulation.Invariants"
    return find_subclass(path, Invariants, "is no class of invariants", mend)
