"""When a loop stays awake after traffic, and when it leaves that out because it brought nothing."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from passel import Runtime, SpawnError
from passel.runtime.transport.busy_poll import MOST_LEFT_OUT, BusyPoll

if TYPE_CHECKING:
    from collections.abc import Iterator

WATCH = 1.0


class Watched:
    """A loop whose turns are counted, and a clock that stands until it is moved."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.time = 0.0
        self.poll = BusyPoll(loop, WATCH, lambda: self.time)

    async def is_awake(self) -> bool:
        """Return whether the loop's next turn is one that does not wait."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)
        return bool(loop._ready)  # type: ignore[attr-defined]  # what makes it look without waiting

    async def miss(self) -> None:
        """Send once, and let the watch, if there is one, end without an answer."""
        self.poll.sent()
        self.time += WATCH
        await asyncio.sleep(0)
        await asyncio.sleep(0)


@contextmanager
def watched() -> Iterator[Watched]:
    """Return a watched loop that sleeps in the end."""
    found = Watched(asyncio.get_running_loop())
    yield found
    found.poll.end()


async def test_a_loop_stays_awake_after_traffic_until_the_watch_is_over() -> None:
    with watched() as loop:
        assert not await loop.is_awake()
        loop.poll.sent()
        assert await loop.is_awake()
        loop.time = 0.9
        loop.poll.arrived()
        loop.time = 1.8
        assert await loop.is_awake(), "what arrives prolongs it"
        loop.time = 2.0
        await asyncio.sleep(0)
        assert not await loop.is_awake()


async def test_the_end_of_the_transport_ends_the_watch() -> None:
    with watched() as loop:
        loop.poll.sent()
        loop.poll.end()
        await asyncio.sleep(0)
        assert not await loop.is_awake()


async def test_watches_that_bring_nothing_are_left_out_ever_more_often() -> None:
    with watched() as loop:
        gaps = []
        for _ in range(8):
            left_out = 0
            loop.poll.sent()
            while not await loop.is_awake():
                left_out += 1
                loop.poll.sent()
            gaps.append(left_out)
            loop.time += WATCH
            await asyncio.sleep(0)
        assert gaps == [0, 1, 3, 7, 15, 31, MOST_LEFT_OUT, MOST_LEFT_OUT]


async def test_one_watch_that_pays_brings_back_the_others() -> None:
    with watched() as loop:
        await loop.miss()
        await loop.miss()  # this one is left out
        loop.poll.sent()
        assert await loop.is_awake()
        loop.poll.arrived()
        loop.time += WATCH
        await asyncio.sleep(0)
        assert not await loop.is_awake()
        loop.poll.sent()
        assert await loop.is_awake()


@pytest.mark.parametrize("seconds", [-1e-6, 0.5, float("nan")])
def test_a_watch_that_makes_no_sense_is_refused(seconds: float) -> None:
    with pytest.raises(SpawnError, match="busy_poll"):
        Runtime(busy_poll=seconds)
