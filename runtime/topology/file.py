"""A topology together with the file it came from, so that later problems can name the line."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .document import Document
from .overrides import apply_overrides
from .parse import parse
from .source import read_document, read_text
from .spec import Topology
from .substitution import substitute

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class TopologyFile:
    """A topology and its document.

    Attributes:
        topology: The typed records, parameters put in place.
        document: The values as written, with their lines.
        path: The file, or None if there is none.
    """

    topology: Topology
    document: Document
    path: Path | None = None


def read_topology(
    path: str | os.PathLike[str],
    overrides: Mapping[str, Any] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
) -> TopologyFile:
    """Read a topology file, put overrides and parameters in place, and type it.

    What is read here holds for the file alone; `check` looks at classes and wiring too.

    Args:
        path: A `.yaml`, `.json` or `.toml` file.
        overrides: Values by dotted path that replace the file's, such as `{"params.workers": 4}`.
        environment: What `${NAME}` may stand for besides parameters; default: the process's own.

    Raises:
        TopologyError: One of its family; it carries every problem found.
    """
    where = Path(path)
    document = _settle(read_document(where), overrides, environment)
    return TopologyFile(parse(document), document, where)


def parse_topology(
    text: str,
    overrides: Mapping[str, Any] | None = None,
    *,
    ending: str = ".yaml",
    file: str = "<topology>",
    environment: Mapping[str, str] | None = None,
) -> TopologyFile:
    """Do as `read_topology` does, with a text in place of a file.

    Raises:
        TopologyError: One of its family; it carries every problem found.
    """
    document = _settle(read_text(text, file=file, ending=ending), overrides, environment)
    return TopologyFile(parse(document), document)


def wrap_topology(topology: Topology) -> TopologyFile:
    """Give a topology that a program built a document of its own; its problems have no lines."""
    return TopologyFile(topology, Document(f"<topology {topology.name}>", None))


def _settle(
    document: Document,
    overrides: Mapping[str, Any] | None,
    environment: Mapping[str, str] | None,
) -> Document:
    variables = os.environ if environment is None else environment
    return substitute(apply_overrides(document, overrides or {}), variables)
