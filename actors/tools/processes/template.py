"""Command lines with places for arguments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ..errors import ToolArgumentsError, ToolDefinitionError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

_PLACE: Final = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)\}|[{}]")


class CommandTemplate:
    """A program and its arguments, in which `{name}` stands for an argument of the tool.

    No shell sees the words, so nothing in them is special. A word that is nothing but `{name}`
    becomes as many words as the argument has items if that is a list, and none if the argument was
    left out. `{{` and `}}` are braces.

    What begins with an argument never begins with `-` where a program could take it for an option.
    It cannot behind a `--` of the template, up to the next fixed word, which may be a program of its
    own (`env -- ls {path}`), unless an argument that stands right before the `--` was left out: then
    an option before that takes the `--` for its value (`head -n {count} -- {path}`).

    Args:
        tool: Name of the tool, for errors.
        words: The program, and its arguments.
        names: Names of the tool's arguments.

    Raises:
        ToolDefinitionError: It is empty, or has a place for an argument that there is not.
    """

    def __init__(self, tool: str, words: Sequence[str], names: Collection[str]) -> None:
        self._tool = tool
        self._words = tuple(words)
        if not words or not words[0] or _names_in(tool, words[0]):
            raise ToolDefinitionError(tool, reason="its command begins with no fixed program")
        for word in words:
            unknown = [name for name in _names_in(tool, word) if name not in names]
            if unknown:
                reason = f"its command has {{{unknown[0]}}}, which is none of its parameters"
                raise ToolDefinitionError(tool, reason=reason)

    def fill(self, given: Mapping[str, Any]) -> list[str]:
        """Return the command line for the arguments of a call.

        Raises:
            ToolArgumentsError: One would be taken for an option, or cannot be an argument.
        """
        filled: list[str] = []
        options_end = left_out = False
        for word in self._words:
            if not _names_in(self._tool, word):
                options_end = word == "--" and not left_out
            before = len(filled)
            filled += self._filled(word, given, options_end=options_end)
            left_out = len(filled) == before
        return filled

    def _filled(self, word: str, given: Mapping[str, Any], *, options_end: bool) -> Iterator[str]:
        match = _PLACE.match(word)
        first = match[1] if match is not None else None
        if first is not None and match is not None and match.end() == len(word):
            value = given.get(first)
            values = value if isinstance(value, list) else [] if value is None else [value]
            texts = [text_of(part) for part in values]
        else:
            texts = [insert(word, given)]
        for text in texts:
            if "\0" in text:
                reason = "has a NUL character; leave it out"
                raise ToolArgumentsError(self._tool, first or word, reason=reason)
            if first is not None and text[:1] == "-" and not options_end:
                reason = f"is {text!r}, which the command would take for an option; begin otherwise"
                raise ToolArgumentsError(self._tool, first, reason=reason)
            yield text


def insert(text: str, given: Mapping[str, Any]) -> str:
    """Return a text with the arguments in their places; what was left out is nothing."""

    def value(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        found = given.get(match[1])
        return "" if found is None else text_of(found)

    return _PLACE.sub(value, text)


def text_of(value: Any) -> str:
    """Return an argument as a command reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(text_of(part) for part in value)
    return str(value)


def _names_in(tool: str, word: str) -> list[str]:
    names = []
    for match in _PLACE.finditer(word):
        if match[0] in {"{", "}"}:
            reason = f"{word!r} has a brace of its own; write it twice"
            raise ToolDefinitionError(tool, reason=reason)
        if match[1] is not None:
            names.append(match[1])
    return names


def names_in(tool: str, text: str) -> list[str]:
    """Return the arguments that a text has places for.

    Raises:
        ToolDefinitionError: It has a single brace.
    """
    return _names_in(tool, text)
