"""Guests of a node that have left without a word: nobody watches their processes, and nobody tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...protocols.errors import DeadActorError
from ...protocols.log import log

if TYPE_CHECKING:
    import asyncio

    from .link import Link
    from .node import Node

LOOK_SECONDS: Final = 15.0
"""How often a guest is asked for a sign of life, when it gave none meanwhile."""

QUESTIONS: Final = 4
"""How many questions it may leave open before it is forgotten."""


class Visitors:
    """Asks guests now and then whether they are still there, and forgets those that are not.

    A guest's link answers by itself, however long what it asked for takes. One that was stopped
    for a minute, or whose process has ended, does not; should it go on, its calls end by their
    deadlines.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._open: dict[Link, int] = {}
        self._heard: dict[Link, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def welcome(self, link: Link) -> None:
        """Look after the link of a guest until it is over."""
        if link not in self._open:
            self._open[link], self._heard[link] = 0, link.flow.heard
            self._schedule()

    def close(self) -> None:
        """Look after nobody any more."""
        self._open.clear()
        self._heard.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        if self._timer is None and self._open:
            self._timer = self._node.loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._timer = None
        for link in list(self._open):
            if link.dead is None:
                self._look_at(link)
            else:
                self._leave(link)
        self._schedule()

    def _look_at(self, link: Link) -> None:
        if link.flow.heard != self._heard[link]:
            self._heard[link], self._open[link] = link.flow.heard, 0
        elif self._open[link] < QUESTIONS:
            self._open[link] += 1
            link.question()
        else:
            log.info("guest forgotten", guest=link.node)
            self._leave(link)
            self._node.receiver.forget(link.node, link.life)
            link.fail(DeadActorError(link.node, "it has not been heard of for a minute"))
            self._node.router.drop(link)

    def _leave(self, link: Link) -> None:
        del self._open[link], self._heard[link]
