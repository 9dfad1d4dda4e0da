"""What `main` streams, as a reader sees it: workers' texts that grow, answers, other events."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import msgspec

_WRAP = 100


def plain(value: object) -> Any:
    """Return a value as what JSON knows; what has no such form becomes its `repr`."""
    try:
        return msgspec.to_builtins(value, str_keys=True, enc_hook=repr)
    except (TypeError, ValueError):
        return repr(value)


def text_of(value: object) -> str:
    """Return a value as a person reads it: a text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(plain(value), ensure_ascii=False, indent=2)


@dataclass(slots=True)
class Transcript:
    """Collects the events of a stream.

    An event with the fields `worker` and `text` is the next piece of a language worker's text; one with
    a field `answer` is a final answer; any other is a line of its own.

    Attributes:
        texts: Text so far by worker, in the order in which workers first spoke.
        answer: The last answer, as plain data, or None.
        events: How many events came.
    """

    texts: dict[str, str] = field(default_factory=dict)
    answer: Any = None
    events: int = 0
    _pending: dict[str, str] = field(default_factory=dict)

    def feed(self, event: object) -> list[str]:
        """Take an event; return the lines that it completes, for an output that only grows."""
        self.events += 1
        data = plain(event)
        if isinstance(data, dict) and isinstance(data.get("text"), str) and "worker" in data:
            return self._speak(str(data["worker"]), data["text"])
        if isinstance(data, dict) and "answer" in data:
            self.answer = data["answer"]
            return [*self.flush(), f"answer: {text_of(self.answer)}"]
        line = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        return [*self.flush(), line]

    def flush(self) -> list[str]:
        """Return the unfinished lines of all workers."""
        lines = [_line(worker, text) for worker, text in self._pending.items() if text]
        self._pending.clear()
        return lines

    def _speak(self, worker: str, text: str) -> list[str]:
        self.texts[worker] = self.texts.get(worker, "") + text
        *done, rest = (self._pending.get(worker, "") + text).split("\n")
        while len(rest) > _WRAP:
            cut = rest.rfind(" ", 0, _WRAP)
            cut = _WRAP if cut <= 0 else cut
            done.append(rest[:cut])
            rest = rest[cut:].removeprefix(" ")
        self._pending[worker] = rest
        return [_line(worker, line) for line in done]


def _line(worker: str, text: str) -> str:
    return f"{worker} | {text}".rstrip()
