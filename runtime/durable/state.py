"""How an actor's state gets into its journal and out again: snapshots, or events between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...actors.handler import resolved_hints
from ...protocols.errors import SpawnError
from ...protocols.log import log
from .records import STATE, Contents, Packed, event_id, pack, record, unpack

if TYPE_CHECKING:
    from ...actors.actor import Actor
    from ...protocols.codec import Codec
    from .store import Record, RecordId

DEDUP_WINDOW: Final = 3600.0
"""Seconds for which the answer to a key is kept when nobody says that it has arrived."""

SNAPSHOT_EVERY: Final = 100
"""Events between two snapshots."""

LARGE_STATE_BYTES: Final = 1 << 20
"""A snapshot above this, written with every message, is worth a warning."""


def missing_methods(actor_class: type) -> list[str]:
    """Return what a class lacks for its actors to be durable."""
    return [m for m in ("snapshot", "restore") if not callable(getattr(actor_class, m, None))]


def check_class(actor_class: type, name: str) -> None:
    """Raise unless actors of a class can be durable under a name.

    Raises:
        SpawnError: The name is missing, or a method is.
    """
    what = f"durable actor {name or 'of class'} {actor_class.__qualname__}"
    if not name:
        raise SpawnError(what, "its journal goes by its name; give it one: options(name=...)")
    missing = missing_methods(actor_class)
    if missing:
        reason = "it needs `def snapshot(self) -> State` and `def restore(self, state: State)`"
        raise SpawnError(what, f"it has no {missing[0]}(); {reason}")


class SavedState:
    """The last state of an actor that its journal has, or will have, and how to go back to it.

    An actor without `apply` is saved as a snapshot whenever that has changed. One with `apply`
    is saved as the events that its handlers hand to `context.journal`, and as a snapshot after
    every `snapshot_every` of them.

    Args:
        name: The actor's name, for the log.
        codec: Encodes states and events.
        snapshot_every: Events between two snapshots.
    """

    def __init__(self, name: str, codec: Codec, *, snapshot_every: int) -> None:
        self._name = name
        self._codec = codec
        self._snapshot_every = snapshot_every
        self._state: Packed | None = None
        self._events: dict[int, Packed] = {}
        self._fresh: dict[int, Packed] = {}
        self._number = 0
        self._warned = False

    def load(self, contents: Contents) -> None:
        """Take what a journal holds for the last state."""
        self._state = contents.state
        self._events = dict(contents.events)
        self._fresh = {}
        self._number = max(self._events, default=self._number)

    def begin(self, actor: Any) -> list[Record]:
        """Take the state of an actor that was never here before; return what is to be written."""
        self._state = pack(self._codec, actor.snapshot())
        return [record(STATE, self._state)]

    def restore(self, actor: Any) -> None:
        """Bring an actor to the last state.

        Raises:
            CodecError: The journal's state does not fit the hint of `restore`, or of `apply`.
        """
        self._fresh = {}
        assert self._state is not None, "it was loaded, or begun"
        actor.restore(unpack(self._codec, self._state, _hint_of(actor.restore)))
        if self._events:
            hint = _hint_of(actor.apply)
            for event in self._events.values():
                actor.apply(unpack(self._codec, event, hint))

    def journal(self, actor: Any, event: Any) -> None:
        """Apply an event to the actor; it is written with the message that is being handled.

        Raises:
            CodecError: It cannot be encoded.
        """
        packed = pack(self._codec, event)
        actor.apply(event)
        self._number += 1
        self._fresh[self._number] = packed

    def advance(self, actor: Actor) -> tuple[list[Record], list[RecordId]]:
        """Take the present state for the last one; return what is to be written and removed.

        Raises:
            CodecError: It cannot be encoded.
        """
        if not hasattr(actor, "apply"):
            return self._snapshot(actor), []
        if not self._fresh:
            return [], []
        if len(self._events) + len(self._fresh) >= self._snapshot_every:
            records = self._snapshot(actor)
            old = [event_id(number) for number in self._events]
            self._events, self._fresh = {}, {}
            return records, old
        records = [record(event_id(number), event) for number, event in self._fresh.items()]
        self._events.update(self._fresh)
        self._fresh = {}
        return records, []

    def _snapshot(self, actor: Any) -> list[Record]:
        state = pack(self._codec, actor.snapshot())
        if state == self._state:
            return []
        self._state = state
        size = len(state.body) + sum(map(len, state.frames))
        if size > LARGE_STATE_BYTES and not self._warned and not hasattr(actor, "apply"):
            self._warned = True
            hint = "give the actor apply(event) and use context.journal(event)"
            log.warning(
                "large state is written with every message", actor=self._name, bytes=size, hint=hint
            )
        return [record(STATE, state)]


def _hint_of(method: Any) -> Any:
    """Return the type hint of a method's one parameter."""
    hints = resolved_hints(method.__func__)
    return next((hint for name, hint in hints.items() if name != "return"), Any)
