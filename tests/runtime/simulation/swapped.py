"""Actors that are stopped and spawned again under their name, while others write to them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from passel import Actor, ActorRef, PasselError, handler

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Bird(Actor):
    """Takes numbers."""

    @handler
    async def chirp(self, number: int) -> int:
        """Return the number."""
        return number


class Perch(Actor):
    """Has one bird after the other, all of one name."""

    async def started(self) -> None:
        await self._settle()

    async def _settle(self) -> None:
        self.bird = await self.context.options(name="bird").spawn(Bird)

    @handler
    async def current(self) -> ActorRef[Bird]:
        """Return the bird that sits there now."""
        return self.bird

    @handler
    async def swap(self) -> None:
        """Put another one in its place."""
        await self.context.stop(self.bird)
        await self._settle()


class Caller(Actor):
    """Writes to birds, whatever becomes of them."""

    def __init__(self, *, perch: ActorRef[Perch]) -> None:
        self.perch = perch

    @handler
    async def call(self, rounds: int) -> None:
        """Call for some rounds."""
        for _ in range(rounds):
            with contextlib.suppress(PasselError, ExceptionGroup):
                bird = await self.perch.current.options(timeout=2.0)()
                async with asyncio.TaskGroup() as group:
                    for number in range(8):
                        await self.context.sleep(self.context.random.uniform(0.0, 0.02))
                        group.create_task(bird.chirp.options(timeout=2.0)(number))


class Driver(Actor):
    """Has birds swapped while they are called."""

    def __init__(self, *, perch: ActorRef[Perch], callers: list[ActorRef[Caller]]) -> None:
        self.perch = perch
        self.callers = callers

    @handler
    async def drive(self, rounds: int) -> None:
        """Keep all of them at work."""
        async with asyncio.TaskGroup() as group:
            for caller in self.callers:
                group.create_task(self._bear(caller.call.options(timeout=30.0)(rounds)))
            for _ in range(rounds):
                await self.context.sleep(self.context.random.uniform(0.02, 0.2))
                await self._bear(self.perch.swap.options(timeout=5.0)())

    async def _bear(self, call: Coroutine[Any, Any, None]) -> None:
        with contextlib.suppress(PasselError):
            await call
