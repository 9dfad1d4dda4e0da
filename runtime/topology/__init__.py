"""Topology files: read, checked, planned, drawn and launched."""

from .check import add_import_path, check, require_sound
from .errors import (
    ActorArgumentsError,
    ActorClassError,
    MainError,
    ResourcesError,
    SubstitutionError,
    TopologyError,
    TopologyLimitError,
    TopologyReadError,
    TopologySchemaError,
    TopologySyntaxError,
    WiringError,
)
from .file import TopologyFile, parse_topology, read_topology, wrap_topology
from .graph import graph
from .overrides import parse_assignment
from .plan import Plan, PlannedActor, PlannedNode, plan
from .problem import Mark, Problem
from .schema import schema
from .spec import ActorSpec, Main, NodeSpec, Simulate, Supervise, Topology

__all__ = [
    "ActorArgumentsError",
    "ActorClassError",
    "ActorSpec",
    "Main",
    "MainError",
    "Mark",
    "NodeSpec",
    "Plan",
    "PlannedActor",
    "PlannedNode",
    "Problem",
    "ResourcesError",
    "Simulate",
    "SubstitutionError",
    "Supervise",
    "Topology",
    "TopologyError",
    "TopologyFile",
    "TopologyLimitError",
    "TopologyReadError",
    "TopologySchemaError",
    "TopologySyntaxError",
    "WiringError",
    "add_import_path",
    "check",
    "graph",
    "parse_assignment",
    "parse_topology",
    "plan",
    "read_topology",
    "require_sound",
    "schema",
    "wrap_topology",
]
