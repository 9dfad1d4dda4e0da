"""Runs one runtime for long, and watches what grows: messages, spawns and stops, node restarts.

Resident memory of the leader and of the node that takes the messages is read before and after,
with garbage collected; the first fifth warms both up. Examples:

    python benchmarks/soak.py                       the full measure, about an hour
    python benchmarks/soak.py --messages 200000 --spawns 1000 --restarts 1 --json
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import structlog
from measure import machine, say

from passel import Actor, ActorRef, Runtime, handler

IN_FLIGHT = 200
PARTS = 10
"""The load comes in so many equal parts; memory is read after each."""

WARM = 2
"""After so many parts growth counts. Until then the allocators take their steps: of the leader's
Python objects a node's restart leaves two timers, for as long as their deadlines last."""

IDLE_ACTORS = 10_000


class Sink(Actor):
    """Takes messages."""

    def __init__(self) -> None:
        self.taken = 0

    @handler
    async def take(self, number: int) -> int:
        """Take one message, return how many there were."""
        self.taken += 1
        return self.taken

    @handler
    async def collect(self) -> int:
        """Collect garbage; return the resident bytes of this process."""
        gc.collect()
        return resident(os.getpid())

    @handler
    async def spawn_many(self, count: int) -> None:
        """Spawn actors on this node, and stop them."""
        for _ in range(count):
            await self.context.stop(await self.context.spawn(Idle))


class Idle(Actor):
    """Does nothing."""

    @handler
    async def wait(self) -> None:
        """Return."""


class Crowd(Actor):
    """Fills its node with idle actors."""

    @handler
    async def gather(self, count: int) -> int:
        """Spawn `count` idle actors; return the process id."""
        for _ in range(count):
            await (await self.context.spawn(Idle)).wait()
        return os.getpid()


def resident(pid: int) -> int:
    """Return the resident bytes of a process."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def send(sink: ActorRef[Sink], count: int) -> None:
    """Ask and tell in turn, many at a time."""
    numbers = iter(range(count))

    async def caller() -> None:
        for number in numbers:
            if number % 2:
                await sink.take.tell(number)
            else:
                await sink.take(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(caller())


async def restart(runtime: Runtime, times: int) -> None:
    """Kill a node again and again, and wait for its named actor each time."""
    for _ in range(times):
        phoenix = runtime.named("phoenix", Sink)
        await phoenix.take(1)
        pid = runtime.pid_of("mortal")
        witness = await runtime.options(node="mortal").spawn(Idle)
        os.kill(pid, signal.SIGKILL)
        await runtime.watch(witness)


async def idle_cpu(runtime: Runtime, seconds: float) -> float:
    """Return the share of a core that a node with idle actors takes, in percent."""
    await runtime.start_node("crowd")
    crowd = await runtime.options(node="crowd", timeout=120.0).spawn(Crowd)
    pid = await crowd.gather.options(timeout=120.0)(IDLE_ACTORS)
    await asyncio.sleep(1.0)  # what the spawns left to do
    before = cpu_seconds(pid)
    await asyncio.sleep(seconds)
    share = (cpu_seconds(pid) - before) / seconds * 100
    await runtime.stop_node("crowd")
    return share


async def soak(words: argparse.Namespace) -> dict[str, Any]:
    """Carry out the load; return the figures."""
    async with Runtime(name="soak", transport=words.transport) as runtime:
        await runtime.start_node("side")
        await runtime.start_node("mortal", max_restarts=words.restarts + 1)
        sink = await runtime.options(node="side").spawn(Sink)
        local = await runtime.spawn(Sink)
        await runtime.options(node="mortal", name="phoenix", max_restarts=10**6).spawn(Sink)
        sizes: list[tuple[int, int]] = []
        start = time.monotonic()
        for part in range(PARTS):
            await send(sink, words.messages // PARTS)
            await sink.spawn_many.options(timeout=None)(words.spawns // PARTS // 2)
            await local.spawn_many.options(timeout=None)(words.spawns // PARTS // 2)
            due = words.restarts * (part + 1) // PARTS - words.restarts * part // PARTS
            await restart(runtime, due)
            sizes.append((await local.collect(), await sink.collect()))
            say(f"part {part + 1} of {PARTS}: {sizes[-1]} bytes, {time.monotonic() - start:.0f} s")
        took = time.monotonic() - start
        idle = await idle_cpu(runtime, words.idle_seconds)
    return {
        "messages": words.messages,
        "spawns": words.spawns,
        "restarts": words.restarts,
        "seconds": round(took, 1),
        "leader_bytes": [leader for leader, _ in sizes],
        "node_bytes": [node for _, node in sizes],
        "leader_growth_percent": round(100 * (sizes[-1][0] / sizes[WARM - 1][0] - 1), 2),
        "node_growth_percent": round(100 * (sizes[-1][1] / sizes[WARM - 1][1] - 1), 2),
        "idle_cpu_percent": round(idle, 3),
    }


def main() -> None:
    """Read the command line, run, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=20_000_000, help="messages in all")
    parser.add_argument("--spawns", type=int, default=100_000, help="actors spawned and stopped")
    parser.add_argument("--restarts", type=int, default=100, help="node processes killed")
    parser.add_argument("--idle-seconds", type=float, default=10.0, help="how long to measure rest")
    parser.add_argument("--transport", default="ipc", choices=("ipc", "unix"))
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    words = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    found = {**asyncio.run(soak(words)), **machine()}
    if words.json:
        print(json.dumps(found))
    else:
        for key, value in found.items():
            print(f"{key:24} {value}")


if __name__ == "__main__":
    main()
