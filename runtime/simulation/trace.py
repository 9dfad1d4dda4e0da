"""What happened in a run: a digest of all of it, and the last events in words."""

from __future__ import annotations

from collections import Counter, deque
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from ...protocols.batch import unpack_batch
from ...protocols.envelope import Request
from ...protocols.errors import ProtocolError

if TYPE_CHECKING:
    from ...protocols.envelope import AnyMessage
    from .loop import SimulatedLoop

EVENTS_KEPT: Final = 200
"""How many of the last events can be shown."""

_WRONG: Final = frozenset(("fault", "failed"))

_HASHED_AT_ONCE: Final = 256
"""Events that are taken into the digest together: many small texts cost more than a large one."""


class Trace:
    """Notes events in virtual time."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._counts: Counter[str] = Counter()
        self._loop = loop
        self._digest = blake2b(digest_size=16)
        self._last: deque[tuple[float, str, str, bytes]] = deque(maxlen=EVENTS_KEPT)
        self._fresh: list[tuple[float, str, str, bytes]] = []
        self._wrong: deque[tuple[float, str, str, bytes]] = deque(maxlen=EVENTS_KEPT)

    def note(self, kind: str, what: str) -> None:
        """Note an event."""
        self._add(kind, what, b"")
        if kind in _WRONG:
            self._wrong.append((self._loop.now, kind, what, b""))

    def batch(self, kind: str, edge: str, batch: bytes) -> None:
        """Note what becomes of a batch of messages on its way over an edge."""
        self._add(kind, edge, batch)

    def _add(self, kind: str, what: str, batch: bytes) -> None:
        fresh = self._fresh
        fresh.append((self._loop.now, kind, what, batch))
        if len(fresh) == _HASHED_AT_ONCE:
            self._take_in()

    def _take_in(self) -> None:
        if not self._fresh:
            return
        fresh, self._fresh = self._fresh, []
        self._counts.update([kind for _, kind, _, _ in fresh])
        self._digest.update(f"{repr(fresh)[1:-1]}, ".encode())
        self._last.extend(fresh)

    @property
    def counts(self) -> Counter[str]:
        """How often each kind of event was noted."""
        self._take_in()
        return self._counts

    @property
    def digest(self) -> str:
        """The digest of every event so far: equal in two runs only if all of them were."""
        self._take_in()
        return self._digest.hexdigest()

    def wrong(self) -> list[str]:
        """Return what went wrong from the beginning on: faults, and calls that failed."""
        return list(map(_line, self._wrong))

    def lines(self, count: int = EVENTS_KEPT) -> list[str]:
        """Return the last events, one a line, with their virtual times."""
        self._take_in()
        return list(map(_line, list(self._last)[-count:]))


def _line(event: tuple[float, str, str, bytes]) -> str:
    at, kind, what, batch = event
    return f"{at:12.6f}  {kind:<9} {what}{_contents(batch)}"


def _contents(batch: bytes) -> str:
    if not batch:
        return ""
    try:
        return ": " + "; ".join(_words(message) for message in unpack_batch(batch))
    except ProtocolError as error:
        return f": {error}"


def _words(message: AnyMessage) -> str:
    name = type(message).__name__
    if isinstance(message, Request):
        return f"{name} #{message.id} {message.source} -> {message.target}.{message.method}"
    facts: dict[str, Any] = {
        field: getattr(message, field)
        for field in ("id", "node", "target", "count", "reason")
        if hasattr(message, field)
    }
    return " ".join([name, *(f"{field}={value}" for field, value in facts.items())])
