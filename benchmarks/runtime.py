"""The runtime against physical floors, measured in the same run.

Caller and actor live in two processes of one host and talk over Unix sockets, with deadline,
trace id and mailbox bound on. Examples:

    python benchmarks/runtime.py                 a table
    python benchmarks/runtime.py --json          one flat JSON object, medians with p10 and p90
    python benchmarks/runtime.py --full --json   more rounds
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
from pathlib import Path

import floors
import numpy as np
from measure import Samples, arguments, percentile, report, say, timed_async

from passel import Actor, ActorRef, Runtime, handler

MIB = 1 << 20
IN_FLIGHT = 1_000
IDLE_ACTORS = 10_000


class Echo(Actor):
    """What is measured: it answers, counts tells and reads arrays."""

    def __init__(self) -> None:
        self.told = 0

    @handler
    async def echo(self, value: int) -> int:
        """Return the value."""
        return value

    @handler
    async def note(self, value: int) -> None:
        """Count a tell."""
        self.told += 1

    @handler
    async def count(self) -> int:
        """Return how many tells were handled."""
        return self.told

    @handler
    async def read(self, array: np.ndarray) -> float:
        """Return the sum of the first and last element of `array`, shape (n,)."""
        return float(array[0]) + float(array[-1])


async def latency(ref: ActorRef[Echo], seconds: float) -> list[float]:
    """Return sorted seconds of sequential asks."""
    return sorted(await timed_async(lambda: ref.echo(7), seconds))


async def throughput(ref: ActorRef[Echo], seconds: float) -> float:
    """Return asks per second with IN_FLIGHT callers, each asking in sequence."""
    done = 0
    stop = False

    async def caller() -> None:
        nonlocal done
        while not stop:
            await ref.echo(7)
            done += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(caller())
        await asyncio.sleep(0.3)
        before, start = done, time.perf_counter()
        await asyncio.sleep(seconds)
        rate = (done - before) / (time.perf_counter() - start)
        stop = True
    return rate


async def tells(ref: ActorRef[Echo], number: int) -> float:
    """Return tells per second, counted when they have been handled."""
    before = await ref.count()
    start = time.perf_counter()
    for value in range(number):
        await ref.note.tell(value)
    handled = await ref.count() - before
    return handled / (time.perf_counter() - start)


async def tensors(ref: ActorRef[Echo], size: int, number: int) -> float:
    """Return GB/s of fresh float32 arrays of `size` bytes, each answered by who read it."""
    times = []
    for index in range(number):
        array = np.full(size // 4, index, dtype=np.float32)
        start = time.perf_counter()
        await ref.read(array)
        times.append(time.perf_counter() - start)
    return size / percentile(sorted(times), 50) / 1e9


async def spawns(number: int) -> tuple[float, float]:
    """Return local spawns per second and resident bytes per idle actor that has answered once."""
    async with Runtime(name="bench-spawn") as runtime:
        gc.collect()
        before, start = resident(), time.perf_counter()
        refs = [await runtime.spawn(Echo) for _ in range(number)]
        rate = number / (time.perf_counter() - start)
        for ref in refs:
            await ref.echo(1)
        gc.collect()
        size = (resident() - before) / number
    return rate, size


def resident() -> int:
    """Return this process's resident memory in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmRSS")


def in_child(what: str) -> float:
    """Run one measurement in a fresh interpreter and return the number it prints."""
    command = [sys.executable, __file__, "--part", what]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def cold_start() -> float:
    """Return seconds from starting a fresh interpreter to the first answer of a remote actor."""
    start = time.perf_counter()
    command = [sys.executable, str(Path(__file__).with_name("cold_start.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None, "stdout is a pipe"
        line = child.stdout.readline()
        took = time.perf_counter() - start
        child.stdout.read()
    if "first answer" not in line:
        raise RuntimeError(f"the cold start gave no answer: {line!r}")
    return took


async def round_of(ref: ActorRef[Echo], near: ActorRef[Echo], found: Samples, full: bool) -> None:
    """Measure everything that needs the running actors once."""
    seconds = 1.0 if full else 0.7
    times = await latency(ref, seconds)
    add(found, "ask_p50_us", percentile(times, 50) * 1e6)
    add(found, "ask_p99_us", percentile(times, 99) * 1e6)
    add(found, "asks_per_s", await throughput(ref, seconds))
    add(found, "tells_per_s", await tells(ref, 50_000))
    add(found, "tensor_1mib_gbs", await tensors(ref, MIB, 100))
    add(found, "tensor_64mib_gbs", await tensors(ref, 64 * MIB, 5))
    times = await latency(near, seconds)
    add(found, "inproc_ask_us", percentile(times, 50) * 1e6)


def floor_round(found: Samples, full: bool) -> None:
    """Measure every floor once."""
    seconds = 1.0 if full else 0.7
    p50, p99 = floors.blocking_ask(seconds)
    add(found, "floor_ask_p50_us", p50)
    add(found, "floor_ask_p99_us", p99)
    add(found, "floor_asks_per_s", floors.batched_asks(seconds, IN_FLIGHT))
    add(found, "floor_tensor_1mib_gbs", floors.shared_slot(seconds))
    add(found, "floor_inproc_us", floors.queue_hop(seconds))


def add(found: Samples, key: str, value: float) -> None:
    """Note one round's value."""
    found.setdefault(key, []).append(value)


async def measured(rounds: int, full: bool) -> Samples:
    """Run all rounds, floors and runtime in turn, and return every round's values."""
    found: Samples = {}
    async with Runtime(name="bench") as runtime:
        await runtime.start_node("far")
        ref = await runtime.options(node="far").spawn(Echo)
        near = await runtime.spawn(Echo)
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            await round_of(ref, near, found, full)
            await asyncio.to_thread(floor_round, found, full)
    for number in range(rounds):
        say(f"fresh processes, round {number + 1} of {rounds}")
        add(found, "cold_start_s", cold_start())
        add(found, "spawn_per_s", in_child("spawn"))
        add(found, "idle_actor_bytes", in_child("idle"))
    say("")
    return found


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--part", choices=["spawn", "idle"], help="one part, for itself")
    options = parser.parse_args()
    if options.part:
        rate, size = asyncio.run(spawns(IDLE_ACTORS))
        print(rate if options.part == "spawn" else size)
        return
    rounds = options.rounds or (15 if options.full else 5)
    found = asyncio.run(measured(rounds, options.full))
    facts = {"n": rounds, "seeds": "none, nothing is drawn"}
    report(found, facts, as_json=options.json)


if __name__ == "__main__":
    main()
