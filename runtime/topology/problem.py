"""What is wrong with a topology, said as data: where it stands, what it is, what mends it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

KeyPath: TypeAlias = tuple[str | int, ...]
"""A place in a topology: `("actors", "worker", "args", "rate")`; an `int` is a list index."""

Kind: TypeAlias = Literal[
    "read",
    "syntax",
    "limit",
    "substitution",
    "schema",
    "wiring",
    "class",
    "arguments",
    "main",
    "resources",
]
"""Which check found a problem; each has an error class in `errors.py`."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value was written. Lines and columns count from 1; line 0 means the whole source."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a topology.

    Attributes:
        kind: Which check found it.
        mark: File, line and column of the value, or of what encloses it most closely.
        path: Keys that lead to the value; empty for the whole file.
        message: What is wrong, in one clause.
        mend: What to write or do instead, in one clause.
        severity: A warning lets the topology run; an error does not.
    """

    kind: Kind
    mark: Mark
    path: KeyPath
    message: str
    mend: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        key = f"{render_path(self.path)}: " if self.path else ""
        prefix = "warning: " if self.severity == "warning" else ""
        return f"{self.mark}: {prefix}{key}{self.message}; {self.mend}"


def render_path(path: KeyPath) -> str:
    """Write a key path as a person would: `actors.worker.args.sizes[2]`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += f".{key}" if text else key
    return text


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """Return the clause that mends a misspelt name: the nearest known one, or the list of all."""
    names = sorted(known)
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    if not names:
        return "there is none to choose from"
    return "known here: " + ", ".join(names)
