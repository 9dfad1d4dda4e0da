"""A parsed topology source: plain values, and where in the file each was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import TopologyLimitError
from .problem import KeyPath, Kind, Mark, Problem

MAX_BYTES = 1 << 20
"""Largest topology file, in bytes."""
MAX_DEPTH = 32
"""Deepest nesting of mappings and lists."""
MAX_VALUES = 100_000
"""Most values in a file, counted after YAML aliases have been followed."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a reader makes of a file.

    Attributes:
        file: Name of the file as the user gave it, for messages.
        data: Plain values (dict, list, str, int, float, bool, None).
        marks: Where each key path was written: the key of an entry, the head of a list item.
    """

    file: str
    data: Any
    marks: Mapping[KeyPath, Mark] = field(default_factory=dict)

    def mark(self, path: KeyPath) -> Mark:
        """Return where `path` was written, or what encloses it most closely."""
        for length in range(len(path), -1, -1):
            found = self.marks.get(path[:length])
            if found is not None:
                return found
        return Mark(self.file)

    def problem(self, kind: Kind, path: KeyPath, message: str, mend: str) -> Problem:
        """Build an error that points at `path`."""
        return Problem(kind=kind, mark=self.mark(path), path=path, message=message, mend=mend)

    def warning(self, kind: Kind, path: KeyPath, message: str, mend: str) -> Problem:
        """Build a warning that points at `path`."""
        mark = self.mark(path)
        return Problem(
            kind=kind, mark=mark, path=path, message=message, mend=mend, severity="warning"
        )


class Builder:
    """Collects the marks of a document while a reader walks it, and keeps its limits."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.marks: dict[KeyPath, Mark] = {}
        self._values = 0

    def place(self, path: KeyPath, line: int, column: int) -> None:
        """Note that `path` was written at `line` and `column`, both counted from 1."""
        self.marks[path] = Mark(self.file, line, column)

    def count(self, path: KeyPath, line: int, column: int) -> None:
        """Count one more value at `path`.

        Raises:
            TopologyLimitError: The file has too many values or nests too deeply.
        """
        self._values += 1
        if self._values > MAX_VALUES:
            raise limit_error(
                Mark(self.file, line, column),
                path[:4],
                f"more than {MAX_VALUES} values, aliases followed",
                "drop the anchors that multiply, or read large data from a file of its own",
            )
        if len(path) > MAX_DEPTH:
            raise limit_error(
                Mark(self.file, line, column),
                path[:4],
                f"nested more than {MAX_DEPTH} deep",
                "flatten it",
            )

    def document(self, data: Any) -> Document:
        """Return what has been read."""
        return Document(self.file, data, self.marks)


def limit_error(mark: Mark, path: KeyPath, message: str, mend: str) -> TopologyLimitError:
    """Build the error of a file that is too large in one way or another."""
    return TopologyLimitError(
        [Problem(kind="limit", mark=mark, path=path, message=message, mend=mend)]
    )
