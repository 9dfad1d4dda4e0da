"""Checks a topology before anything starts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .classes import check_classes
from .errors import error_for
from .file import TopologyFile, wrap_topology
from .spec import Topology
from .wiring import check_resources, check_wiring

if TYPE_CHECKING:
    from .problem import Problem


def check(topology: Topology | TopologyFile) -> list[Problem]:
    """Find what is wrong with a topology whose records are sound.

    Checks wiring (nodes, refs, circles), classes, the arguments of constructors and of `main`, and
    resources. Modules are imported, so their top-level code runs; see `add_import_path`.

    Args:
        topology: What `read_topology` returned, or records that a program built.

    Returns:
        Every problem found, errors before warnings, in the order of the checks.
    """
    file = wrap_topology(topology) if isinstance(topology, Topology) else topology
    problems = [
        *check_wiring(file.topology, file.document),
        *check_classes(file.topology, file.document),
        *check_resources(file.topology, file.document),
    ]
    return sorted(problems, key=lambda problem: problem.severity == "warning")


def require_sound(topology: Topology | TopologyFile) -> None:
    """Check a topology and refuse one with errors; warnings pass.

    Raises:
        TopologyError: One of its family; it carries every problem found.
    """
    problems = [p for p in check(topology) if p.severity == "error"]
    if problems:
        raise error_for(problems)


def add_import_path(file: Path | None) -> None:
    """Let classes be imported from beside a topology file, and from the working folder.

    What is installed goes before the working folder, but not before the file's own neighbours.
    Nodes are given the program's import path, so they find the same modules.
    """
    if file is not None:
        beside = str(file.resolve().parent)
        if beside not in sys.path:
            sys.path.insert(0, beside)
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)
