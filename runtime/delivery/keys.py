"""The keys that an actor remembers, so that a request which comes again takes effect once.

A key is remembered from its first arrival until its sender says that it has the answer, or until
nobody can come back with it: keys that were made for one call, and those of unnamed actors, end with
the life of their sender's node. A table that is full refuses new keys, and never forgets one to make
room.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from ...protocols.arrays import Buffer  # noqa: TC001  # a record's hints are read at run time
from ...protocols.errors import KeysFullError

if TYPE_CHECKING:
    from collections.abc import Mapping

R = TypeVar("R")

KEYS_KEPT: Final = 16_384
"""Most keys that one actor remembers."""

_MADE: Final = re.compile(r"~[0-9a-f]{16}\.\d+")


class RequestKey(NamedTuple):
    """What a request is remembered by: callers and handlers do not share keys.

    Attributes:
        source: Address text of the sender.
        method: Name of the handler.
        key: What the sender chose.
    """

    source: str
    method: str
    key: str

    def ends_with(self, node: str) -> bool:
        """Return whether nobody can come back with it once the sender's life of `node` is over."""
        sender, _, actor = self.source.partition("/")
        return sender == node and ("#" in actor or _MADE.fullmatch(self.key) is not None)


def made_key(prefix: str, number: int) -> str:
    """Return a key for one call: `prefix`, 16 hexadecimal digits, is that of one life of a node."""
    return f"~{prefix}.{number}"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended, as it travels.

    Attributes:
        failed: Whether the body is a `failure.Failed` record and not the result.
        body: The encoded result, or failure.
        frames: The tensor frames of a result.
    """

    failed: bool
    body: bytes
    frames: tuple[Buffer, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """Nobody has sent this key before: handle the request, then `finish` or `abandon` the key."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The request is being handled, or waits in the mailbox: `finish` names who waits."""


@dataclass(slots=True)
class _Entry(Generic[R]):
    waiting: list[R] = field(default_factory=list)
    answer: Answer | None = None
    life: int = 0
    ownerless: bool = False


class KeyTable(Generic[R]):
    """What became of the requests with keys. Pure: knows no actor, no link and no time.

    A store may keep it across lives: `finish` is called with the answer before anybody is told,
    `settle` when a key may be forgotten, and `restore` with what was kept.

    Args:
        address: Whose keys these are, for errors.
        capacity: Most keys remembered.
    """

    def __init__(self, address: str, capacity: int = KEYS_KEPT) -> None:
        self._address = address
        self._capacity = capacity
        self._entries: dict[RequestKey, _Entry[R]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def enter(self, key: RequestKey, request: R, life: int = 0) -> Run | Wait | Answer:
        """Take a request that has arrived; return whether to handle it, or its kept answer.

        Args:
            key: Its key.
            request: The request.
            life: Which life of another node sent it; 0 for this node's own.

        Raises:
            KeysFullError: The key is new, and there is no room for it.
        """
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= self._capacity:
                raise KeysFullError(self._address, self._capacity)
            self._entries[key] = _Entry([request], life=life)
            return Run()
        if entry.answer is not None:
            return entry.answer
        entry.waiting.append(request)
        return Wait()

    def finish(self, key: RequestKey, answer: Answer) -> list[R]:
        """Keep the answer; return the requests that wait for it."""
        entry = self._entries.get(key)
        if entry is None:
            return []
        entry.answer = answer
        waiting, entry.waiting = entry.waiting, []
        if entry.ownerless:
            del self._entries[key]
        return waiting

    def abandon(self, key: RequestKey) -> list[R]:
        """The request took no effect: forget the key, return the requests that wait for it."""
        entry = self._entries.pop(key, None)
        return [] if entry is None else entry.waiting

    def settle(self, key: RequestKey) -> bool:
        """The sender has the answer: forget the key; return whether it was remembered."""
        return self._entries.pop(key, None) is not None

    def forget(self, node: str, life: int) -> None:
        """A life of a node is over, and those before it: forget the keys that end with it.

        What is being handled is forgotten once it is answered.
        """
        for key, entry in list(self._entries.items()):
            if 0 < entry.life <= life and key.ends_with(node):
                if entry.answer is not None:
                    del self._entries[key]
                entry.ownerless = True

    def restore(self, answers: Mapping[RequestKey, Answer]) -> None:
        """Remember the answers of a former life."""
        for key, answer in answers.items():
            self._entries[key] = _Entry([], answer)
