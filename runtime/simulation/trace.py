"""What happened in a run: a digest of all of it, and the last events in words."""

from __future__ import annotations

from collections import Counter, deque
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from ...protocols.batch import unpack_batch
from ...protocols.envelope import Request
from ...protocols.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...protocols.envelope import AnyMessage

EVENTS_KEPT: Final = 200
"""How many of the last events can be shown."""


class Trace:
    """Notes events in virtual time.

    Attributes:
        counts: How often each kind of event was noted.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.counts: Counter[str] = Counter()
        self._now = now
        self._digest = blake2b(digest_size=16)
        self._last: deque[tuple[float, str, str, bytes]] = deque(maxlen=EVENTS_KEPT)

    def note(self, kind: str, what: str) -> None:
        """Note an event."""
        self._add(kind, what, b"")

    def batch(self, kind: str, edge: str, batch: bytes) -> None:
        """Note what becomes of a batch of messages on its way over an edge."""
        self._add(kind, edge, batch)

    def _add(self, kind: str, what: str, batch: bytes) -> None:
        at = self._now()
        self.counts[kind] += 1
        self._digest.update(f"{at!r} {kind} {what}".encode())
        self._digest.update(batch)
        self._last.append((at, kind, what, batch))

    @property
    def digest(self) -> str:
        """The digest of every event so far: equal in two runs only if all of them were."""
        return self._digest.hexdigest()

    def lines(self, count: int = EVENTS_KEPT) -> list[str]:
        """Return the last events, one a line, with their virtual times."""
        return [
            f"{at:12.6f}  {kind:<9} {what}{_contents(batch)}"
            for at, kind, what, batch in list(self._last)[-count:]
        ]


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
