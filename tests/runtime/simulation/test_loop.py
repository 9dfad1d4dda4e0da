from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from passel.runtime.simulation.errors import SimulationError, UnsimulatedError
from passel.runtime.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any


def in_world(scenario: Callable[[], Coroutine[Any, Any, Any]], seed: int = 1) -> tuple[Any, World]:
    """Run an `async def` that takes nothing in a world of its own; return result and world."""
    world = World(seed)
    try:
        return world.run(lambda _host: scenario()), world
    finally:
        world.close()


def test_a_day_passes_at_once() -> None:
    async def scenario() -> float:
        await asyncio.sleep(86_400.0)
        return asyncio.get_running_loop().time()

    begun = time.monotonic()
    at, world = in_world(scenario)

    assert at == pytest.approx(86_400.0)
    assert world.loop.steps < 10
    assert time.monotonic() - begun < 1.0


def test_timers_that_are_due_together_run_in_the_order_they_were_made() -> None:
    async def scenario() -> list[int]:
        loop = asyncio.get_running_loop()
        order: list[int] = []
        for number in range(5):
            loop.call_at(1.0, order.append, number)
        await asyncio.sleep(2.0)
        return order

    assert in_world(scenario)[0] == [0, 1, 2, 3, 4]


def test_whoever_polls_does_not_hold_time_up() -> None:
    async def scenario() -> bool:
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(0.01, over.set)
        while not over.is_set():  # noqa: ASYNC110  # what is tested
            await asyncio.sleep(0)
        return True

    assert in_world(scenario)[0]


def test_waiting_for_what_never_comes_is_an_error() -> None:
    async def scenario() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(SimulationError, match="nothing is left to wait for"):
        in_world(scenario)


def test_clocks_that_count_nanoseconds_are_virtual_too() -> None:
    async def scenario() -> list[int]:
        clocks = (time.time_ns, time.monotonic_ns, time.perf_counter_ns)
        before = [clock() for clock in clocks]
        await asyncio.sleep(10.0)
        return [clock() - was for clock, was in zip(clocks, before, strict=True)]

    assert in_world(scenario)[0] == pytest.approx([10**10] * 3, rel=1e-4)


def test_threads_and_real_sleep_are_refused_by_name() -> None:
    async def scenario() -> list[str]:
        said = []
        for real in (threading.Thread(target=print).start, lambda: time.sleep(0.001)):
            with pytest.raises(UnsimulatedError) as caught:
                real()
            said.append(str(caught.value))
        with pytest.raises(UnsimulatedError, match="a thread"):
            await asyncio.to_thread(print)
        with pytest.raises(UnsimulatedError, match="a child process"):
            await asyncio.create_subprocess_exec("true")
        with pytest.raises(UnsimulatedError, match="a socket"):
            await asyncio.open_connection("localhost", 1)
        return said

    assert in_world(scenario)[0] == [
        "simulation: a thread is not simulated; use context.run_blocking",
        "simulation: real sleep is not simulated; use context.sleep",
    ]


def test_a_set_of_tasks_has_the_order_of_every_other_run() -> None:
    """Whatever ran before in this process: a group cancels what it has in the order of a set."""

    async def scenario() -> list[int]:
        tasks = [asyncio.create_task(asyncio.sleep(1.0)) for _ in range(6)]
        order = [tasks.index(task) for task in set(tasks)]
        await asyncio.gather(*tasks)
        return order

    first, _ = in_world(scenario)

    assert all(in_world(scenario)[0] == first for _ in range(8))
