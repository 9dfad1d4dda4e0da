"""Puts the values of `--set` into a document before anything else looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .document import Document
from .errors import TopologySchemaError
from .problem import KeyPath, Mark, Problem, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping


def parse_assignment(text: str) -> tuple[str, Any]:
    """Split `params.workers=4` into its key path and its value.

    Values read as YAML does: `4` is a number, `true` a truth value, `[1, 2]` a list, anything else text.

    Raises:
        TopologySchemaError: There is no `=`, or brackets do not match.
    """
    import yaml  # slow to start, and not needed to start a node

    from .errors import TopologySyntaxError
    from .read_yaml import read_scalar

    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise _refused(text, "", "is no assignment", "write it as --set params.workers=4")
    try:
        return key.strip(), read_scalar(value)
    except (yaml.YAMLError, TopologySyntaxError, ValueError):
        raise _refused(text, "", "does not parse", "close its brackets and quotes") from None


def apply_overrides(document: Document, overrides: Mapping[str, Any]) -> Document:
    """Return the document with the values at the given dotted paths replaced.

    Args:
        document: What a reader returned; it is not changed.
        overrides: Value by dotted path, such as `{"params.workers": 4}`.

    Raises:
        TopologySchemaError: A path leads through something that is no mapping, or sets a parameter
            that the file does not declare.
    """
    if not overrides or not isinstance(document.data, dict):
        return document
    data: dict[str, Any] = dict(document.data)
    marks = dict(document.marks)
    for dotted, value in overrides.items():
        path: KeyPath = tuple(dotted.split("."))
        said = f"--set {dotted}={value}"
        at = data
        for depth, key in enumerate(path[:-1], start=1):
            inner = at.get(str(key), {})
            if not isinstance(inner, dict):
                where = ".".join(map(str, path[:depth]))
                raise _refused(said, dotted, f"{where} is no mapping", "set a value under one")
            inner = dict(inner)
            at[str(key)] = inner
            at = inner
        name = str(path[-1])
        if path[:1] == ("params",) and len(path) == 2 and name not in at:
            raise _refused(said, dotted, f'there is no parameter "{name}"', suggestion(name, at))
        at[name] = value
        for old in [mark for mark in marks if mark[: len(path)] == path]:
            del marks[old]
        marks[path] = Mark(said)
    return Document(document.file, data, marks)


def _refused(said: str, dotted: str, message: str, mend: str) -> TopologySchemaError:
    path: KeyPath = tuple(dotted.split(".")) if dotted else ()
    mark = Mark(said if said.startswith("--set") else f"--set {said}")
    return TopologySchemaError(
        [Problem(kind="schema", mark=mark, path=path, message=message, mend=mend)]
    )
