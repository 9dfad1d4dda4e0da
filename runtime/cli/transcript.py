"""What `main` streams, as a reader sees it: workers' texts that grow, answers, other events."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, TypeAlias

import msgspec

from ...protocols.printable import printable
from ...protocols.tracebacks import encodable_text

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Spoken:
    """The next piece of a language worker's text."""

    worker: str
    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A final answer, as plain data, with the rest of its event."""

    answer: Any
    rest: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tabled:
    """A table, which takes the place of an earlier one of its name."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Noted:
    """Any other event, as one line."""

    line: str


Reading: TypeAlias = Spoken | Answered | Tabled | Noted


def interpret(event: object) -> Reading:
    """Say what an event is: with `worker` and `text`, `answer`, `table` and `rows`, or any other.

    Texts are ready for a terminal; an answer is made so by `answer_text`.
    """
    data = plain(event)
    if isinstance(data, dict):
        if isinstance(data.get("text"), str) and "worker" in data:
            return Spoken(printable(str(data["worker"])), printable(data["text"]))
        if "answer" in data:
            rest = {key: value for key, value in data.items() if key not in ("answer", "type")}
            return Answered(data["answer"], rest)
        if "table" in data and isinstance(data.get("rows"), list | tuple):
            rows = tuple(tuple(printable(str(cell)) for cell in row) for row in data["rows"])
            columns = tuple(printable(str(heading)) for heading in data.get("columns", ()))
            return Tabled(printable(str(data["table"])), columns, rows)
    return Noted(_inner(data))


def plain(value: object) -> Any:
    """Return a value as what JSON knows; paths are texts, all else becomes its `repr`."""
    try:
        return msgspec.to_builtins(value, str_keys=True, enc_hook=_text_in_json)
    except (TypeError, ValueError):
        return repr(value)


def text_of(value: object) -> str:
    """Return a value as a person reads it: a text as it is, entries one a line, the rest as JSON."""
    data = plain(value)
    line = _inner(data)
    if isinstance(data, str):
        return line
    if len(line) <= _WIDTH or not data or not isinstance(data, dict | list):
        return line
    if isinstance(data, dict):
        return "\n".join(f"{_inner(key)}: {_inner(item)}" for key, item in data.items())
    return "\n".join(_inner(item) for item in data)


def answer_text(reading: Answered) -> str:
    """Return an answer with what came along with it, as lines."""
    lines = text_of(reading.answer).split("\n")
    head = f"answer: {lines[0]}" if len(lines) == 1 else "answer:"
    body = [f"  {line}" for line in lines] if len(lines) > 1 else []
    rest = [f"{_inner(key)}: {_inner(value)}" for key, value in reading.rest.items()]
    return "\n".join([head, *body, *rest])


class LineBreaker:
    """Makes lines of texts that grow piece by piece, for an output that can only be added to."""

    def __init__(self) -> None:
        self._open: dict[str, str] = {}

    def feed(self, spoken: Spoken) -> list[str]:
        """Take a piece; return the lines that it completes, each after its worker's name.

        Empty lines are left out: beside other workers' lines they separate nothing.
        """
        *done, rest = (self._open.get(spoken.worker, "") + spoken.text).split("\n")
        while len(rest) > _WIDTH:
            cut = rest.rfind(" ", 0, _WIDTH)
            cut = _WIDTH if cut <= 0 else cut
            done.append(rest[:cut])
            rest = rest[cut:].removeprefix(" ")
        self._open[spoken.worker] = rest
        return [_line(spoken.worker, line) for line in done if line.strip()]

    def flush(self) -> list[str]:
        """Return the lines that are still open."""
        lines = [_line(worker, text) for worker, text in self._open.items() if text.strip()]
        self._open.clear()
        return lines


def _text_in_json(value: object) -> str:
    return encodable_text(str if isinstance(value, PurePath) else repr, value)


def _inner(value: Any) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _line(worker: str, text: str) -> str:
    return f"{worker} | {text}".rstrip()
