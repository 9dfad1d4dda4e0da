from __future__ import annotations

import ast
from itertools import pairwise
from typing import TYPE_CHECKING

import networkx as nx
import pytest

from tests.source import ROOT, name_of, package_files, tree_of

if TYPE_CHECKING:
    from pathlib import Path

MAY_USE = {
    "protocols": {"protocols"},
    "actors": {"actors", "protocols"},
    "runtime": {"runtime", "actors", "protocols"},
    "agents": {"agents", "actors", "protocols"},
    "sims": {"sims", "actors", "protocols"},
}
"""Which folder may import which; docs/architecture.md draws it."""

KNOTS_ACROSS = [{"runtime.runtime", "runtime.topology.launch"}]
"""Modules of different folders that name each other's classes in type hints; the rest of such knots
(docs/architecture.md, "Knots") lie within one folder."""

Edge = tuple[str, str]


def imports_of(path: Path, known: set[str]) -> tuple[set[Edge], set[Edge]]:
    """Return the imports of our own modules by a file: all, and those under TYPE_CHECKING."""
    name = name_of(path)
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    every: set[Edge] = set()
    checking: set[Edge] = set()

    def visit(node: ast.AST, *, hidden: bool) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            hidden = True
        if isinstance(node, ast.ImportFrom) and node.level:
            above = [part for part in package if part][: len(package) - node.level + 1]
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                edge = (name, inner if inner in known else base)
                every.add(edge)
                if hidden:
                    checking.add(edge)
        for child in ast.iter_child_nodes(node):
            visit(child, hidden=hidden)

    visit(tree_of(path), hidden=False)
    return every, checking


def all_imports() -> tuple[set[Edge], set[Edge]]:
    """Return every import between modules of the package: all, and those under TYPE_CHECKING only."""
    files = package_files()
    known = {name_of(path) for path in files}
    found = [imports_of(path, known) for path in files]
    return set().union(*(one for one, _ in found)), set().union(*(other for _, other in found))


EVERY, CHECKING = all_imports()


def test_every_import_finds_its_module() -> None:
    known = {name_of(path) for path in package_files()}

    assert {edge for edge in EVERY if edge[1] not in known} == set()


@pytest.mark.parametrize("folder", MAY_USE)
def test_imports_run_one_way(folder: str) -> None:
    used = {edge for edge in EVERY if edge[0].split(".")[0] == folder}

    assert {e for e in used if e[1].split(".")[0] not in MAY_USE[folder]} == set()


def test_agents_do_not_import_each_other() -> None:
    """What several of them use lies in folders that know none of them."""
    shared = {"notation", "toolrun"}
    used = {
        edge
        for edge in EVERY
        if all(name.startswith("agents.") and name.count(".") > 1 for name in edge)
        and edge[0].split(".")[1] != edge[1].split(".")[1]
    }

    assert used, "they have something in common"
    assert {edge for edge in used if edge[1].split(".")[1] not in shared} == set()
    assert {edge for edge in used if edge[0].split(".")[1] in shared} == set()


def test_no_module_imports_itself_in_a_circle() -> None:
    assert list(nx.simple_cycles(nx.DiGraph(list(EVERY - CHECKING)))) == []


def test_modules_that_know_each_other_by_type_lie_in_one_folder() -> None:
    parts = nx.strongly_connected_components(nx.DiGraph(list(EVERY)))
    across = [part for part in parts if len({name.rpartition(".")[0] for name in part}) > 1]

    assert [part for part in across if part not in KNOTS_ACROSS] == []


def test_inside_the_package_imports_are_relative() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in package_files()
        for node in ast.walk(tree_of(path))
        if (
            isinstance(node, ast.ImportFrom)
            and not node.level
            and (node.module or "").split(".")[0] == "passel"
        )
        or (
            isinstance(node, ast.Import)
            and any(a.name.split(".")[0] == "passel" for a in node.names)
        )
    ]

    assert found == []


def test_the_rule_of_imports_has_no_circle_itself() -> None:
    edges = [(folder, used) for folder, uses in MAY_USE.items() for used in uses - {folder}]
    order = list(nx.topological_sort(nx.DiGraph(edges)))

    assert order.index("runtime") < order.index("actors") < order.index("protocols")
    assert all(one != other for one, other in pairwise(order))
