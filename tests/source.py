"""The project's own files, as the tests of its frame read them."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("protocols", "actors", "runtime", "agents", "sims")
"""The folders of the package, in the order in which they stand on each other."""

OTHERS = ("tests", "examples", "benchmarks", "training")
"""Folders that are not shipped."""


def package_files() -> list[Path]:
    """Return every Python file that is shipped, the root's included."""
    below = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return [*sorted(ROOT.glob("*.py")), *below]


def all_files() -> list[Path]:
    """Return every Python file of the project."""
    others = [path for name in OTHERS for path in (ROOT / name).rglob("*.py")]
    return package_files() + sorted(others)


def faces() -> list[Path]:
    """Return the `__init__.py` of every folder of the package, the root's first."""
    return [path for path in package_files() if path.name == "__init__.py"]


def name_of(path: Path) -> str:
    """Return a module's dotted name below the package: `runtime.node`, `` for the root's face."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tree_of(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text(), str(path))
