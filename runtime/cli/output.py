"""Where a running topology is shown: a live view, plain lines, or one JSON object a line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

from ...protocols.printable import printable, printable_json
from .transcript import (
    Answered,
    LineBreaker,
    Spoken,
    Tabled,
    answer_text,
    interpret,
    plain,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorRow:
    """One actor at one moment.

    Attributes:
        name: Its name in the runtime.
        kind: The last part of its class.
        node: The process it lives in.
        state: What it is doing, in a word.
        depth: Messages in its mailbox.
        rate: Messages handled in a second, since the last look.
    """

    name: str
    kind: str
    node: str
    state: str
    depth: int
    rate: float


class Output(Protocol):
    """Shows one run. Methods are called from the event loop and must not wait.

    Attributes:
        shows_actors: Whether `actors` is of use; asking every node how it is costs something.
    """

    shows_actors: bool

    def phase(self, words: str) -> None:
        """Say what happens now: starting, running, stopping."""
        ...

    def actors(self, rows: Sequence[ActorRow]) -> None:
        """Show how the actors are."""
        ...

    def event(self, event: object) -> None:
        """Show an item that `main` streamed."""
        ...

    def result(self, value: object) -> None:
        """Show what `main` returned."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was; nothing is shown after this but results and errors."""
        ...


class Lines:
    """Plain lines for logs and pipes: events and the result to stdout, phases to stderr."""

    shows_actors = False

    def __init__(self, name: str) -> None:
        self._name = name
        self._breaker = LineBreaker()

    def phase(self, words: str) -> None:
        """Write a line to stderr."""
        _write(printable(f"{self._name}: {words}"), error=True)

    def actors(self, rows: Sequence[ActorRow]) -> None:
        """Write nothing: a table a second is no log."""

    def event(self, event: object) -> None:
        """Write the lines that the event completes; a table that is drawn anew is no log."""
        reading = interpret(event)
        if isinstance(reading, Tabled):
            return
        if isinstance(reading, Spoken):
            lines = self._breaker.feed(reading)
        elif isinstance(reading, Answered):
            lines = [*self._breaker.flush(), answer_text(reading)]
        else:
            lines = [*self._breaker.flush(), reading.line]
        for line in lines:
            _write(line)

    def result(self, value: object) -> None:
        """Write the result as text."""
        _write(text_of(value))

    def close(self) -> None:
        """Write the lines that are still open."""
        for line in self._breaker.flush():
            _write(line)


class JsonLines:
    """One JSON object a line, for programs: `{"kind": "event", "event": ...}` and so on."""

    shows_actors = True

    def __init__(self, name: str) -> None:
        self._name = name

    def phase(self, words: str) -> None:
        """Write `{"kind": "phase", ...}`."""
        _write_json(kind="phase", runtime=self._name, phase=words)

    def actors(self, rows: Sequence[ActorRow]) -> None:
        """Write `{"kind": "actors", ...}`."""
        _write_json(kind="actors", actors=[asdict(row) for row in rows])

    def event(self, event: object) -> None:
        """Write `{"kind": "event", ...}`."""
        _write_json(kind="event", event=plain(event))

    def result(self, value: object) -> None:
        """Write `{"kind": "result", ...}`."""
        _write_json(kind="result", result=plain(value))

    def close(self) -> None:
        """Write nothing more."""


def write_failure(error: Exception) -> None:
    """Write what ended a command as the last of its JSON lines; a person is told on stderr."""
    _write_json(kind="error", error=type(error).__name__, message=str(error))


def choose_output(name: str, *, as_json: bool) -> Output:
    """Return the live view when stdout is a terminal, lines otherwise, JSON when asked for."""
    if as_json:
        return JsonLines(name)
    if sys.stdout.isatty():
        from .view import LiveView  # rich is slow to import

        return LiveView(name)
    return Lines(name)


def _write(text: str, *, error: bool = False) -> None:
    stream = sys.stderr if error else sys.stdout
    stream.write(text + "\n")
    stream.flush()


def _write_json(**fields: object) -> None:
    _write(printable_json(json.dumps(fields, ensure_ascii=False)))
