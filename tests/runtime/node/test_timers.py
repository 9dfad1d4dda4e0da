from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from passel import Actor, Runtime, handler
from passel.protocols.errors import NotAHandlerError, SpawnError
from tests.runtime.virtual_time import virtual_time

if TYPE_CHECKING:
    from passel.actors.context import Timer


class Clock(Actor):
    """Notes when it is called."""

    def __init__(self, seconds: float = 1.0, work: float = 0.0, *, at_once: bool = False) -> None:
        self.seconds = seconds
        self.work = work
        self.at_once = at_once
        self.times: list[float] = []
        self.timer: Timer | None = None

    async def started(self) -> None:
        self.begun = self.context.now()
        self.timer = self.context.every(self.seconds, self.strike, "bim", at_once=self.at_once)

    @handler
    async def strike(self, sound: str) -> None:
        assert sound == "bim"
        self.times.append(round(self.context.now() - self.begun, 6))
        await self.context.sleep(self.work)

    @handler(concurrent=True)
    async def read(self) -> list[float]:
        return self.times

    @handler(concurrent=True)
    async def silence(self) -> tuple[int, int]:
        assert self.timer is not None
        self.timer.cancel()
        return self.timer.ticks, self.timer.skipped

    async def plain(self) -> None:
        """No handler."""


class Faulty(Actor):
    """Fails at its second call."""

    calls = 0
    lives = 0

    async def started(self) -> None:
        Faulty.lives += 1
        self.context.every(1.0, self.work)

    @handler
    async def work(self) -> None:
        Faulty.calls += 1
        if Faulty.calls == 2:
            raise ValueError("second")


class Wrong(Actor):
    """Starts a timer that cannot be."""

    def __init__(self, what: str) -> None:
        self.what = what

    async def started(self) -> None:
        if self.what == "time":
            self.context.every(0.0, self.go)
        elif self.what == "plain":
            self.context.every(1.0, self.plain)
        else:
            self.context.every(1.0, Clock().strike)

    @handler
    async def go(self) -> None:
        """Do nothing."""

    async def plain(self) -> None:
        """No handler."""


@virtual_time
async def test_a_timer_ticks_without_drift() -> None:
    async with Runtime() as rt:
        clock = await rt.spawn(Clock, 1.0, 0.3)
        await asyncio.sleep(5.5)
        assert await clock.read() == [1.0, 2.0, 3.0, 4.0, 5.0]


@virtual_time
async def test_a_timer_may_begin_at_once() -> None:
    async with Runtime() as rt:
        clock = await rt.spawn(Clock, 2.0, at_once=True)
        await asyncio.sleep(4.5)
        assert await clock.read() == [0.0, 2.0, 4.0]


@virtual_time
async def test_ticks_that_fall_into_a_call_are_skipped_and_counted() -> None:
    async with Runtime() as rt:
        clock = await rt.spawn(Clock, 1.0, 2.5)
        await asyncio.sleep(9.0)
        assert await clock.read() == [1.0, 4.0, 7.0]
        assert await clock.silence() == (3, 4)


@virtual_time
async def test_a_cancelled_timer_is_silent() -> None:
    async with Runtime() as rt:
        clock = await rt.spawn(Clock)
        await asyncio.sleep(2.5)
        await clock.silence()
        await asyncio.sleep(5.0)
        assert await clock.read() == [1.0, 2.0]


@virtual_time
async def test_an_error_in_a_call_is_supervisions_and_the_next_life_begins_anew() -> None:
    Faulty.calls = Faulty.lives = 0
    async with Runtime() as rt:
        await rt.options(backoff=0.1).spawn(Faulty)
        await asyncio.sleep(5.0)
        assert Faulty.lives == 2
        assert Faulty.calls == 4


@pytest.mark.parametrize(
    ("what", "words"),
    [("time", "above 0"), ("plain", "plain"), ("other", "not a handler|no handler|strike")],
)
async def test_what_cannot_be_is_refused(what: str, words: str) -> None:
    async with Runtime() as rt:
        with pytest.raises(SpawnError, match=words) as caught:
            await rt.spawn(Wrong, what)
        assert isinstance(caught.value.__cause__, ValueError | NotAHandlerError)
