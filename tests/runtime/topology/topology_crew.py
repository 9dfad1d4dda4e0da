"""Actors that the topologies of these tests name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path  # noqa: TC003 - hints are read at run time
from typing import Any

import msgspec

from passel.actors.actor import Actor
from passel.actors.handler import handler
from passel.actors.pool import Pool  # noqa: TC001 - hints are read at run time
from passel.actors.ref import ActorRef  # noqa: TC001 - hints are read at run time
from passel.actors.tools import FunctionTools


class Style(msgspec.Struct):
    """A structured argument."""

    width: int
    colour: str = "black"


class Store(Actor):
    """Something that others refer to."""

    def __init__(
        self,
        *,
        size: int,
        label: str = "store",
        style: Style | None = None,
        shelves: list[Path] | None = None,
    ) -> None:
        self.size = size
        self.shelves = shelves
        self.label = label
        self.style = style


class Worker(Actor):
    """Refers to the store; may refer back to its boss."""

    def __init__(self, *, store: ActorRef[Store], boss: ActorRef[Boss] | None = None) -> None:
        self.store = store
        self.boss = boss


class Boss(Actor):
    """Refers to everyone."""

    def __init__(
        self,
        *,
        store: ActorRef[Store],
        workers: list[ActorRef[Worker]],
        rate: float = 1.0,
        crowd: Pool[Worker] | None = None,
        any_of: Any = None,
        by_name: dict[str, ActorRef[Store]] | None = None,
        pair: tuple[ActorRef[Store], ActorRef[Worker]] | None = None,
        shifts: list[list[ActorRef[Worker]]] | None = None,
        deputy: ActorRef[Worker] | str = "none",
    ) -> None:
        self.store = store
        self.workers = workers
        self.rate = rate
        self.crowd = crowd
        self.any_of = any_of
        self.more = (by_name, pair, shifts, deputy)

    @handler
    async def solve(self, problem: str, tries: int = 1) -> str:
        """Answer."""
        return problem * tries

    @handler
    async def events(self, count: int) -> AsyncIterator[int]:
        """Stream."""
        for index in range(count):
            yield index

    async def hidden(self) -> None:
        """Not a handler."""


def look_up(word: str) -> str:
    """Look a word up."""
    return word


class OwnTools(FunctionTools):
    """Decides itself what it offers."""

    def __init__(self) -> None:
        super().__init__(functions=[look_up])


class NotAnActor:
    """A class of another kind."""
