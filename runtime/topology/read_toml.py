"""Reads TOML; the place of a value is the line of its table header or key."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from .document import MAX_DEPTH, Builder, Document, limit_error
from .errors import TopologySyntaxError
from .problem import KeyPath, Mark, Problem

_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_ENTRY = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"))*)\s*=")
_PART = re.compile(r"[\w-]+|\"[^\"]*\"|'[^']*'")
_AT = re.compile(r" \(at line (\d+), column (\d+)\)$")
_NESTING = re.compile(r"[\[{]")


def read_toml(text: str, file: str) -> Document:
    """Read one TOML document.

    Args:
        text: The document.
        file: Its name, for messages.

    Raises:
        TopologySyntaxError: It is not TOML, or gives a key twice.
        TopologyLimitError: It nests too deeply or has too many values.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(text, file, str(error)) from None
    except RecursionError:
        line = max(range(text.count("\n") + 1), key=lambda n: _openings(text, n)) + 1
        mark = Mark(file, line, 1)
        raise limit_error(mark, (), f"nested more than {MAX_DEPTH} deep", "flatten it") from None
    builder = Builder(file)
    _find_places(text, builder)
    _count(data, (), builder)
    return builder.document(data)


def _openings(text: str, line: int) -> int:
    return len(_NESTING.findall(text.split("\n")[line]))


def _syntax_error(text: str, file: str, said: str) -> TopologySyntaxError:
    found = _AT.search(said)
    last_line = text.count("\n") + 1
    mark = Mark(file, int(found[1]), int(found[2])) if found else Mark(file, last_line, 1)
    message = _AT.sub("", said).removesuffix(" (at end of document)")
    mend = "check the quotes, brackets and keys up to here"
    return TopologySyntaxError(
        [Problem(kind="syntax", mark=mark, path=(), message=message, mend=mend)]
    )


def _find_places(text: str, builder: Builder) -> None:
    """Note the lines of headers and keys; inner keys of inline tables share their entry's line."""
    table: KeyPath = ()
    builder.place((), 1, 1)
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        if header:
            table = _keys(header[1])
            builder.place(table, number, line.index("[") + 1)
            continue
        entry = _ENTRY.match(line)
        if entry:
            builder.place((*table, *_keys(entry[1])), number, entry.start(1) + 1)


def _keys(dotted: str) -> KeyPath:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _count(value: Any, path: KeyPath, builder: Builder) -> None:
    mark = builder.document(None).mark(path)
    builder.count(path, mark.line, mark.column)
    if isinstance(value, dict):
        for key, item in value.items():
            _count(item, (*path, key), builder)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _count(item, (*path, index), builder)
