"""What is simulated, made from a topology: its stand-ins, its invariants, its faults."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import msgspec

from ..topology import add_import_path, read_topology, require_sound, wrap_topology
from .errors import SimulationError
from .faults import KINDS
from .invariants import Invariants
from .run import Experiment

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from ..topology import Topology


def experiment_of(
    source: str | os.PathLike[str],
    overrides: Mapping[str, Any] | None = None,
    *,
    kinds: Sequence[str] = KINDS,
) -> Experiment:
    """Return what a topology file says is to be simulated.

    Raises:
        TopologyError: The file has mistakes, with its stand-ins in place or without.
        SimulationError: Its invariants are not there.
    """
    file = read_topology(source, overrides)
    add_import_path(file.path)
    require_sound(file)
    topology = with_stand_ins(file.topology)
    if topology is not file.topology:
        require_sound(wrap_topology(topology))
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


def find_invariants(path: str) -> type[Invariants]:
    """Import the invariants that `"module:Class"` names.

    Raises:
        SimulationError: They are not there, or are something else.
    """
    module, _, name = path.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise SimulationError(f"invariants {path}: {error}") from None
    if not (isinstance(found, type) and issubclass(found, Invariants)):
        raise SimulationError(f"invariants {path}: it is no subclass of Invariants")
    return found
