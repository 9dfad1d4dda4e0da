from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from passel import Runtime
from passel.protocols.errors import DeadActorError
from passel.runtime.simulation.process import SimulatedProcess
from passel.runtime.simulation.world import World
from tests.runtime import crew

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from passel.runtime.node.host import LeaderHost

    Scenario = Callable[[Runtime], Coroutine[Any, Any, Any]]


def simulated(scenario: Scenario, seed: int = 1) -> tuple[Any, World]:
    """Run a scenario with a runtime in a world of its own; nothing must be violated."""
    world = World(seed)

    async def inside(host: LeaderHost) -> Any:
        async with Runtime(host=host, seed=seed) as runtime:
            return await scenario(runtime)

    try:
        result = world.run(inside)
    finally:
        world.close()
    assert world.watch.violation is None, "\n".join(world.trace.lines(40))
    return result, world


async def count_on_three_nodes(runtime: Runtime) -> list[int]:
    """Ask counters on three nodes, side by side."""
    await asyncio.gather(*(runtime.start_node(f"n{i}") for i in range(3)))
    counters = [await runtime.options(node=f"n{i}").spawn(crew.Counter) for i in range(3)]
    await asyncio.gather(*(c.add(1) for c in counters for _ in range(20)))
    return [await c.add(0) for c in counters]


def test_a_runtime_of_four_nodes_runs_in_one_process() -> None:
    counts, world = simulated(count_on_three_nodes)

    assert counts == [20, 20, 20]
    assert len(world.processes) == 4
    assert world.trace.counts["arrived"] > 12


def test_the_same_seed_is_the_same_run_and_another_is_not() -> None:
    digests = [simulated(count_on_three_nodes, seed)[1].trace.digest for seed in (1, 1, 2)]

    assert digests[0] == digests[1] != digests[2]


@pytest.mark.process
def test_the_same_seed_is_the_same_run_in_another_process_with_another_hash_seed() -> None:
    program = (
        "from tests.runtime.simulation.test_world import *;"
        "print(simulated(count_on_three_nodes)[1].trace.digest)"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for hash_seed in ("1", "2")
    }

    assert digests == {simulated(count_on_three_nodes)[1].trace.digest + "\n"}


def test_a_process_that_is_killed_vanishes_and_its_node_lives_again() -> None:
    async def scenario(runtime: Runtime) -> tuple[str, int]:
        await runtime.start_node("side")
        counter = await runtime.options(node="side", name="counter").spawn(crew.Counter)
        await counter.add(5)
        process_of(runtime, "side").kill()
        with pytest.raises(DeadActorError) as caught:
            await counter.add(1)
        return str(caught.value), await counter.add(1)

    (reason, count), world = simulated(scenario)

    assert "SIGKILL" in reason
    assert count == 1, "its state died with it"
    assert [repr(p) for p in world.processes] == ["leader/1", "side/1", "side/2"]


def process_of(runtime: Runtime, node: str) -> SimulatedProcess:
    """Return the process that one of the runtime's nodes runs in."""
    process = runtime._leader.fleet._members[node].process
    assert isinstance(process, SimulatedProcess)
    return process
