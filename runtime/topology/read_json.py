"""Reads JSON with the place of every value."""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined] # in the module, not in its stubs
from typing import Any

from .document import MAX_DEPTH, Builder, Document, limit_error
from .errors import TopologySyntaxError
from .problem import KeyPath, Mark, Problem

_SPACE = re.compile(r"[ \t\r\n]*")
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|([\[{])|([\]}])')
_ATOM = re.compile(r"[^\s,\]}]+")


def read_json(text: str, file: str) -> Document:
    """Read one JSON document.

    Args:
        text: The document.
        file: Its name, for messages.

    Raises:
        TopologySyntaxError: It is not JSON, or gives a key twice.
        TopologyLimitError: It nests too deeply or has too many values.
    """
    _check_depth(text, file)
    try:
        json.loads(text)  # the standard parser judges the syntax, the walk below only finds places
    except json.JSONDecodeError as error:
        mark = Mark(file, error.lineno, error.colno)
        mend = "check the commas, quotes and brackets up to here"
        problem = Problem(kind="syntax", mark=mark, path=(), message=error.msg, mend=mend)
        raise TopologySyntaxError([problem]) from None
    except ValueError as error:  # a whole number of thousands of digits
        problem = Problem(
            kind="syntax", mark=Mark(file), path=(), message=str(error), mend="write less of it"
        )
        raise TopologySyntaxError([problem]) from None
    walk = _Walk(text, file)
    start = walk.skip(0)
    data, _ = walk.value(start, (), start)
    return walk.builder.document(data)


def _check_depth(text: str, file: str) -> None:
    depth = 0
    for match in _BRACKET.finditer(text):
        depth += bool(match[1]) - bool(match[2])
        if depth > MAX_DEPTH:
            mark = _mark(text, file, match.start())
            raise limit_error(mark, (), f"nested more than {MAX_DEPTH} deep", "flatten it")


def _mark(text: str, file: str, position: int) -> Mark:
    line = text.count("\n", 0, position) + 1
    return Mark(file, line, position - text.rfind("\n", 0, position))


class _Walk:
    """Walks a text that is known to be JSON."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.builder = Builder(file)

    def skip(self, position: int) -> int:
        match = _SPACE.match(self.text, position)
        return match.end() if match else position

    def value(self, position: int, path: KeyPath, written: int) -> tuple[Any, int]:
        """Read the value at `position`, whose entry begins at `written`; return it and its end."""
        mark = _mark(self.text, self.builder.file, written)
        self.builder.count(path, mark.line, mark.column)
        self.builder.place(path, mark.line, mark.column)
        head = self.text[position]
        if head == "{":
            return self._object(position, path)
        if head == "[":
            return self._array(position, path)
        if head == '"':
            text, end = scanstring(self.text, position + 1)
            return text, end
        match = _ATOM.match(self.text, position)
        assert match is not None, "the text was checked"
        return json.loads(match[0]), match.end()

    def _object(self, position: int, path: KeyPath) -> tuple[dict[str, Any], int]:
        result: dict[str, Any] = {}
        position = self.skip(position + 1)
        while self.text[position] != "}":
            written = self.skip(position + 1) if self.text[position] == "," else position
            key, position = scanstring(self.text, written + 1)
            if key in result:
                raise self._twice(written, (*path, key))
            position = self.skip(self.skip(position) + 1)
            result[key], position = self.value(position, (*path, key), written)
            position = self.skip(position)
        return result, position + 1

    def _array(self, position: int, path: KeyPath) -> tuple[list[Any], int]:
        result: list[Any] = []
        position = self.skip(position + 1)
        while self.text[position] != "]":
            start = self.skip(position + 1) if self.text[position] == "," else position
            item, position = self.value(start, (*path, len(result)), start)
            result.append(item)
            position = self.skip(position)
        return result, position + 1

    def _twice(self, written: int, path: KeyPath) -> TopologySyntaxError:
        mark = _mark(self.text, self.builder.file, written)
        message = f'the key "{path[-1]}" is given twice'
        mend = f"keep one; the first is on line {self.builder.marks[path].line}"
        return TopologySyntaxError(
            [Problem(kind="syntax", mark=mark, path=path, message=message, mend=mend)]
        )
