"""The copies from cards that messages in an outbox wait for before they leave."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from ...protocols.log import log

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ...protocols.envelope import AnyMessage
    from .cards import CardWork

EAGER_SECONDS: Final = 0.003
"""For so long a copy is looked after in every turn of the loop: a timer would add a millisecond."""

LATER_SECONDS: Final = 0.001
"""How long until a copy that takes longer is looked after again."""


class _Copy(NamedTuple):
    message: AnyMessage
    work: CardWork
    done: Callable[[], None]
    failed: Callable[[], None]


class Copies:
    """What one link's messages wait for. They leave in their order, the first that waits holds the rest.

    Args:
        loop: The node's event loop.
        ready: Called when messages may leave that could not before.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, ready: Callable[[], None]) -> None:
        self._loop = loop
        self._ready = ready
        self._copies: deque[_Copy] = deque()
        self._since = 0.0
        self._polled: asyncio.Handle | None = None

    def __bool__(self) -> bool:
        """Whether any is under way."""
        return bool(self._copies)

    def add(
        self,
        message: AnyMessage,
        work: CardWork,
        *,
        done: Callable[[], None],
        failed: Callable[[], None],
    ) -> None:
        """Hold `message` until the copy is done; then call `done`, or `failed` if the card fails."""
        if not self._copies:
            self._since = self._loop.time()
        self._copies.append(_Copy(message, work, done, failed))
        self._poll_later()

    def held(self) -> AnyMessage | None:
        """Return the first message that cannot leave yet, or None."""
        self._finish()
        return self._copies[0].message if self._copies else None

    def wait(self) -> None:
        """Block until all copies are done: the link is about to close."""
        while self._copies:
            self._finish(wait=True)

    def _finish(self, *, wait: bool = False) -> None:
        while self._copies:
            copy = self._copies[0]
            try:
                if wait:
                    copy.work.wait()
                elif not copy.work.done:
                    return
            except RuntimeError as error:
                log.error("a card failed while a tensor was copied", error=str(error))
                copy.failed()
            else:
                copy.done()
            self._copies.popleft()
            self._since = self._loop.time()

    def _poll_later(self) -> None:
        if self._polled is not None or not self._copies:
            return
        if self._loop.time() - self._since < EAGER_SECONDS:
            self._polled = self._loop.call_soon(self._poll)
        else:
            self._polled = self._loop.call_later(LATER_SECONDS, self._poll)

    def _poll(self) -> None:
        self._polled = None
        before = len(self._copies)
        self._finish()
        self._poll_later()
        if len(self._copies) < before:
            self._ready()
