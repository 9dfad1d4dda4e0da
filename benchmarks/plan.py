"""Plans of tool calls: makespan over the critical path of what tools and lines really took.

Tools sleep and say when they began and ended. The critical path is computed from these times and
from when each line of the plan was there, so a ratio of 1 is an executor that costs nothing.

    python benchmarks/plan.py                      a table
    python benchmarks/plan.py --json               one flat JSON object, medians with p10 and p90
    python benchmarks/plan.py --peers langgraph    beside LangGraph, in an environment from PyPI

Keys without a beginning are of one process; those with `ipc_` of tools in two others, over ZeroMQ;
those with `oracle_` of plain asyncio futures that know the whole plan. Three rounds take two minutes.
"""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from measure import Samples, arguments, percentile, report, say
from peers import Peer, peers_of
from shapes import SHAPES, Shape, Times, critical, hops, scattered

from passel import Runtime
from passel.actors.tools import FunctionTools, tool
from passel.agents.compiler.dispatch import Dispatcher
from passel.agents.compiler.events import Planned, Settle
from passel.agents.compiler.fetching import FetchingUnit
from passel.agents.notation.reader import PlanReader
from passel.agents.toolrun.catalogue import gather
from passel.runtime.machine.loops import LOOPS, kind_of, run_on

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from passel import ActorRef
    from passel.agents.compiler.events import Effect, Event
    from passel.agents.toolrun.catalogue import Catalogue
    from passel.protocols.chat import Usage
    from passel.protocols.plan import PlanItem

LANGGRAPH: Final = {"langgraph": ("langgraph==1.2.22",)}
"""Peers that run graphs of tasks. The executor that LLMCompiler's authors published is no package."""

STALL_SECONDS: Final = 0.5
LARGE: Final = 10_000

Round = dict[str, float]


@tool(concurrency=256, timeout=120.0)
async def work(seconds: float, needs: list[Any]) -> list[float]:
    """Take so many seconds; return when that began and ended."""
    begin = time.perf_counter()
    if seconds:
        await asyncio.sleep(seconds)
    return [begin, time.perf_counter()]


def plan_text(shape: Shape) -> str:
    """Return a shape as a planner writes it."""
    lines = [
        f"{task.id}. work({task.seconds!r}, [{', '.join(f'${n}' for n in task.needs)}])\n"
        for task in shape
    ]
    return "".join(lines) + f"{len(shape) + 1}. join()\n"


class Execution:
    """One plan on its way, and what was seen of it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.arrivals: dict[int, float] = {}
        self.times: Times = {}
        self.settled: dict[int, float] = {}

    async def run(self, pieces: AsyncIterator[str]) -> float:
        """Run a plan that arrives in pieces; return when it began."""
        dispatcher = Dispatcher(self._catalogue.policies, run=f"bench{time.perf_counter_ns()}")
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            unit = FetchingUnit(
                dispatcher, self._catalogue.call, group=group,
                now=time.perf_counter, observe=self._observe,
            )  # fmt: skip
            await unit.run(self._items(pieces))
        return began

    async def _items(self, pieces: AsyncIterator[str]) -> AsyncGenerator[PlanItem | Usage]:
        reader = PlanReader(["work"])
        async for piece in pieces:
            for item in reader.feed(piece):
                yield item
        for item in reader.finish():
            yield item

    def _observe(self, happened: Event | Effect) -> None:
        match happened:
            case Planned(at, task):
                self.arrivals[task.id] = at
            case Settle(outcome):
                if outcome.ending != "done":
                    raise RuntimeError(f"task {outcome.id}: {outcome.error}")
                self.settled[outcome.id] = time.perf_counter()
                self.times[outcome.id] = (outcome.result[0], outcome.result[1])


async def at_once(text: str) -> AsyncIterator[str]:
    """Yield a plan that is there as a whole."""
    yield text


async def makespan(catalogue: Catalogue, shape: Shape) -> tuple[float, list[float]]:
    """Return makespan over critical path, and the sorted delays of all starts."""
    execution = Execution(catalogue)
    began = await execution.run(at_once(plan_text(shape)))
    ideal = critical(shape, execution.times, execution.arrivals)
    ratio = (max(execution.settled.values()) - began) / (ideal - began)
    return ratio, hops(shape, execution.times, execution.arrivals)


async def makespans(catalogue: Catalogue, shapes: list[Shape]) -> tuple[float, list[float]]:
    """Return the median of makespan over critical path, and the sorted delays of all starts."""
    found = [await makespan(catalogue, shape) for shape in shapes]
    return median(ratio for ratio, _ in found), sorted(d for _, delays in found for d in delays)


async def stall_delay(catalogue: Catalogue) -> float:
    """Return seconds from the end of a task to the start of the next, while the planner pauses."""

    async def pieces() -> AsyncIterator[str]:
        yield "1. work(0.02, [])\n2. work(0.02, [$1])\n"
        await asyncio.sleep(STALL_SECONDS)
        yield "3. work(0.02, [])\n4. join()\n"

    execution = Execution(catalogue)
    await execution.run(pieces())
    assert execution.times[2][1] < execution.arrivals[3], "it ran while the planner paused"
    return execution.times[2][0] - execution.times[1][1]


async def oracle(shape: Shape) -> float:
    """Return makespan over critical path of asyncio futures, which know the whole plan."""
    times: Times = {}
    futures: dict[int, asyncio.Task[None]] = {}

    async def one(number: int, seconds: float, needs: tuple[int, ...]) -> None:
        for needed in needs:
            await futures[needed]
        begin, end = await work(seconds, [])
        times[number] = (begin, end)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for task in shape:
            futures[task.id] = group.create_task(one(*task))
    ended = time.perf_counter()
    return (ended - began) / (critical(shape, times, dict.fromkeys(times, began)) - began)


async def large(catalogue: Catalogue) -> Round:
    """Return seconds, and MiB that the process grew by, of a graph of LARGE tasks that do nothing."""
    shape = [task._replace(seconds=0.0) for task in scattered(LARGE, 3)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    execution = Execution(catalogue)
    began = await execution.run(at_once(plan_text(shape)))
    took = max(execution.settled.values()) - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"dag10000_seconds": took, "dag10000_mib": grown / 1024}


async def round_of(near: Catalogue, far: Catalogue) -> Round:
    """Measure everything once."""
    found: Round = {}
    for name, shapes in SHAPES.items():
        say(name)
        found[f"{name}_ratio"], delays = await makespans(near, shapes)
        found[f"oracle_{name}_ratio"] = median([await oracle(shape) for shape in shapes])
        found[f"{name}_hop_p50_ms"] = percentile(delays, 50) * 1e3
        found[f"ipc_{name}_ratio"], delays = await makespans(far, shapes)
        found[f"ipc_{name}_hop_p50_ms"] = percentile(delays, 50) * 1e3
        found[f"ipc_{name}_hop_p99_ms"] = percentile(delays, 99) * 1e3
    found["ipc_hop_p50_ms"] = found["ipc_random60_hop_p50_ms"]
    found["stall_delay_ms"] = await stall_delay(near) * 1e3
    found["ipc_stall_delay_ms"] = await stall_delay(far) * 1e3
    return found


async def measure(rounds: int, peers: list[Peer], loop: str) -> Samples:
    """Measure all rounds, Passel and its peers by turns."""
    samples: Samples = {}
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(Runtime(name="bench-plan", loop=loop))
        boxes: list[ActorRef[FunctionTools]] = []
        for name in ("far-0", "far-1"):
            await runtime.start_node(name)
            spawner = runtime.options(node=name, name=f"tools-{name}")
            boxes.append(await spawner.spawn(FunctionTools, functions=["plan:work"]))
        far = await gather(boxes)
        near = await gather([await runtime.spawn(FunctionTools, functions=[work])])
        await makespan(near, SHAPES["diamond"][0])  # both ends are warm
        await makespan(far, SHAPES["diamond"][0])
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            found = await round_of(near, far)
            for peer in peers:
                found |= await asyncio.to_thread(peer.measure, 0.0)
            for key, value in found.items():
                samples.setdefault(key, []).append(value)
        for key, value in (await large(near)).items():
            samples[key] = [value]
    return samples


def main() -> None:
    """Parse, measure, report."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--peers", default="", help="langgraph")
    parser.add_argument("--peer-venvs", type=Path, help="folder of the peers' environments")
    parser.add_argument("--loop", choices=LOOPS, default="auto", help="event loop of all processes")
    options = parser.parse_args()
    rounds = options.rounds or (9 if options.full else 3)
    peers = peers_of(options.peers, options.peer_venvs, LANGGRAPH)
    samples = run_on(options.loop, measure(rounds, peers, options.loop))
    facts = {"n": rounds, "loop": kind_of(options.loop)}
    say("")
    report(samples, facts, as_json=options.json)


if __name__ == "__main__":
    main()
