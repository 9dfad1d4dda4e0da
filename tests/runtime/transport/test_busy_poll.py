"""When a loop stays awake after traffic, and when it leaves that out because it brought nothing."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, cast

import pytest

from passel import Runtime, SpawnError
from passel.runtime.transport.busy_poll import MOST_LEFT_OUT, BusyPoll

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from contextvars import Context

WATCH = 1.0


class Loop:
    """Runs nothing by itself; it is awake while something waits for its next turn."""

    def __init__(self) -> None:
        self.time = 0.0
        self.waiting: list[tuple[Callable[[], object], Context]] = []
        self.poll = BusyPoll(cast("asyncio.AbstractEventLoop", self), WATCH, lambda: self.time)

    def call_soon(self, callback: Callable[[], object], *, context: Context) -> None:
        """Put a callback into the next turn."""
        self.waiting.append((callback, context))

    @property
    def is_awake(self) -> bool:
        """Whether its next turn is one that does not wait."""
        return bool(self.waiting)

    def turn(self) -> None:
        """Run what waits for the next turn."""
        waiting, self.waiting = self.waiting, []
        for callback, context in waiting:
            context.run(callback)

    def pass_watch(self) -> None:
        """Let the watch, if there is one, end."""
        self.time += WATCH
        self.turn()
        assert not self.is_awake


@pytest.fixture
def loop() -> Loop:
    """A loop that sleeps."""
    return Loop()


def test_a_loop_stays_awake_after_traffic_until_the_watch_is_over(loop: Loop) -> None:
    loop.poll.sent()
    loop.time = 0.9
    loop.turn()
    assert loop.is_awake
    loop.poll.arrived()
    loop.time = 1.8
    loop.turn()
    assert loop.is_awake, "what arrives prolongs it"
    loop.time = 1.9
    loop.turn()
    assert not loop.is_awake


def test_the_end_of_the_transport_ends_the_watch_for_good(loop: Loop) -> None:
    loop.poll.sent()
    loop.poll.end()
    loop.poll.arrived()
    loop.turn()
    assert not loop.is_awake
    loop.poll.sent()
    loop.poll.arrived()
    assert not loop.is_awake


def test_watches_that_bring_nothing_are_left_out_ever_more_often(loop: Loop) -> None:
    gaps = []
    for _ in range(8):
        left_out = 0
        loop.poll.sent()
        while not loop.is_awake:
            left_out += 1
            loop.poll.sent()
        gaps.append(left_out)
        loop.pass_watch()
    assert gaps == [0, 1, 3, 7, 15, 31, MOST_LEFT_OUT, MOST_LEFT_OUT]


def test_one_watch_that_pays_brings_back_the_others(loop: Loop) -> None:
    loop.poll.sent()
    loop.pass_watch()
    loop.poll.sent()
    assert not loop.is_awake
    loop.poll.sent()
    loop.poll.arrived()
    loop.pass_watch()
    loop.poll.sent()
    assert loop.is_awake


def test_a_watch_keeps_nothing_of_who_began_it(loop: Loop) -> None:
    caller: ContextVar[str] = ContextVar("caller")
    caller.set("whoever sends")
    loop.poll.sent()
    [(_, context)] = loop.waiting
    assert caller not in context


@pytest.mark.parametrize("seconds", [-1e-6, 0.5, float("nan")])
def test_a_watch_that_makes_no_sense_is_refused(seconds: float) -> None:
    with pytest.raises(SpawnError, match="busy_poll"):
        Runtime(busy_poll=seconds)
