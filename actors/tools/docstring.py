"""Docstrings in Google's style: what a function does, and what each argument means."""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple

_SECTION = re.compile(
    r"^(Args|Arguments|Parameters|Returns|Yields|Raises|Examples?|Notes?|Attributes):[ \t]*$",
    re.MULTILINE,
)
_ARGUMENTS = {"Args", "Arguments", "Parameters"}
_ENTRY = re.compile(r"^\*{0,2}(\w+)[ \t]*(?:\([^)]*\))?:[ \t]*(.*)$")


class Docstring(NamedTuple):
    """What a docstring says.

    Attributes:
        text: All that stands before the first section.
        arguments: What is said of each argument, on one line each.
    """

    text: str
    arguments: dict[str, str]


def read_docstring(docstring: str) -> Docstring:
    """Return the parts of a docstring."""
    parts = _SECTION.split(inspect.cleandoc(docstring))
    arguments: dict[str, str] = {}
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        if title in _ARGUMENTS:
            arguments |= _entries(body)
    return Docstring(parts[0].strip(), arguments)


def _entries(body: str) -> dict[str, str]:
    """Return the entries of a section; deeper lines go on with the entry above them."""
    lines = [line for line in inspect.cleandoc(body).splitlines() if line.strip()]
    entries: dict[str, str] = {}
    name = ""
    for line in lines:
        found = None if line[0].isspace() else _ENTRY.match(line)
        if found is not None:
            name = found[1]
            entries[name] = found[2].strip()
        elif name:
            entries[name] = f"{entries[name]} {line.strip()}".strip()
    return entries
