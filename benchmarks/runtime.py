"""The runtime against physical floors and other actor runtimes, measured in the same run.

Caller and actor live in two processes of one host, with deadline, trace id and mailbox bound on,
and talk over ZeroMQ; keys that begin with `unix_` are of the same over Unix sockets, with `polled_` over
these with loops that stay awake for BUSY_POLL seconds after a message. Examples:

    python benchmarks/runtime.py                            a table
    python benchmarks/runtime.py --peers xoscar,ray --json  one flat JSON object, medians with p10 and p90
    python benchmarks/runtime.py --rounds 3 --seconds 0.4   quicker, wider spread
    python benchmarks/runtime.py --peers xoscar,ray --json | python benchmarks/tables.py

The last one puts the figures into docs/benchmarks.md. Five rounds with both peers take five minutes.
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final

import floors
import numpy as np
from measure import (
    Samples,
    arguments,
    first_answer,
    in_flight,
    percentile,
    report,
    say,
    timed_async,
)
from peers import PACKAGES, Peer, peers_of

from passel import Actor, ActorRef, Runtime, handler
from passel.runtime.machine.loops import LOOPS, kind_of, run_on

MIB = 1 << 20
IN_FLIGHT = 1_000
IDLE_ACTORS = 10_000
COLD_START: Final = Path(__file__).with_name("cold_start.py")

BUSY_POLL: Final = 1e-4

LANES: Final[dict[str, tuple[str, float]]] = {
    "": ("ipc", 0.0),
    "unix_": ("unix", 0.0),
    "polled_": ("unix", BUSY_POLL),
}
"""Transports between processes and seconds of busy polling, by what their keys begin with."""

Round = dict[str, float]
"""What one round measured, by key."""


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


async def descriptor(
    ref: ActorRef[Echo], shared: np.ndarray, seconds: float
) -> tuple[float, float]:
    """Return p50 in microseconds of asks with an array that is shared, and with none, by turns."""
    with_array: list[float] = []
    without: list[float] = []
    for _ in range(4):
        with_array += await timed_async(lambda: ref.read(shared), seconds / 8)
        without += await timed_async(lambda: ref.echo(7), seconds / 8)
    return percentile(sorted(with_array), 50) * 1e6, percentile(sorted(without), 50) * 1e6


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


async def node_at_rest(seconds: float = 4.0) -> float:
    """Return per cent of a core that a node process takes while its IDLE_ACTORS have nothing to do."""
    async with Runtime(name="bench-idle") as runtime:
        info = await runtime.start_node("far")
        spawner = runtime.options(node="far")
        for ref in [await spawner.spawn(Echo) for _ in range(IDLE_ACTORS)]:
            await ref.echo(1)
        await asyncio.sleep(0.5)
        before, start = processor_seconds(info.pid), time.perf_counter()
        await asyncio.sleep(seconds)
        used = processor_seconds(info.pid) - before
        return 100 * used / (time.perf_counter() - start)


def processor_seconds(pid: int) -> float:
    """Return how long all threads of a process have run."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(entry.read_text().split()[0]) for entry in threads) / 1e9


async def round_of(
    near: ActorRef[Echo],
    far: dict[str, ActorRef[Echo]],
    shared: dict[str, np.ndarray],
    seconds: float,
) -> Round:
    """Measure once all that needs running actors: in this process, and in another one by transport."""
    times = await latency(near, seconds)
    found = {"inproc_ask_us": percentile(times, 50) * 1e6}
    for lane, ref in far.items():
        times = await latency(ref, seconds)
        found[f"{lane}ask_p50_us"] = percentile(times, 50) * 1e6
        found[f"{lane}ask_p99_us"] = percentile(times, 99) * 1e6
        found[f"{lane}asks_per_s"] = await in_flight(partial(ref.echo, 7), seconds, IN_FLIGHT)
        found[f"{lane}tells_per_s"] = await tells(ref, 50_000)
        found[f"{lane}tensor_1mib_gbs"] = await tensors(ref, MIB, 100)
        found[f"{lane}tensor_64mib_gbs"] = await tensors(ref, 64 * MIB, 5)
        with_array, without = await descriptor(ref, shared[lane], seconds)
        found[f"{lane}shared_descriptor_us"] = with_array
        found[f"{lane}shared_descriptor_ratio"] = with_array / without
    return found


def floor_round(seconds: float, loop: str) -> Round:
    """Measure every floor once."""
    p50, p99 = floors.blocking_ask(seconds)
    return {
        "floor_ask_p50_us": p50,
        "floor_ask_p99_us": p99,
        "floor_asks_per_s": floors.batched_asks(seconds, IN_FLIGHT, loop),
        "floor_tensor_1mib_gbs": floors.shared_slot(seconds),
        "floor_inproc_us": floors.queue_hop(seconds, loop),
    }


def fresh_round() -> Round:
    """Measure once what needs fresh processes."""
    return {
        "cold_start_s": first_answer([sys.executable, str(COLD_START)]),
        "spawn_per_s": in_child("spawn"),
        "idle_actor_bytes": in_child("bytes"),
    }


def add(found: Samples, values: Round) -> None:
    """Note one round's values."""
    for key, value in values.items():
        found.setdefault(key, []).append(value)


async def measured(rounds: int, seconds: float, peers: list[Peer], loop: str) -> Samples:
    """Run all rounds, runtime, floors and peers in turn, and return every round's values."""
    found: Samples = {}
    async with AsyncExitStack() as stack:
        far: dict[str, ActorRef[Echo]] = {}
        shared: dict[str, np.ndarray] = {}
        for lane, (transport, busy_poll) in LANES.items():
            runtime = Runtime(
                name=f"bench-{lane}{transport}", transport=transport, busy_poll=busy_poll, loop=loop
            )
            await stack.enter_async_context(runtime)
            await runtime.start_node("far")
            far[lane] = await runtime.options(node="far").spawn(Echo)
            shared[lane] = await runtime.share(np.ones(64 * MIB // 4, dtype=np.float32))
        near = await runtime.spawn(Echo)
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            add(found, await round_of(near, far, shared, seconds))
            add(found, await asyncio.to_thread(floor_round, seconds, loop))
            for peer in peers:
                say(f"round {number + 1} of {rounds}, {peer.name}")
                add(found, await asyncio.to_thread(peer.measure, seconds))
    for number in range(rounds):
        say(f"fresh processes, round {number + 1} of {rounds}")
        add(found, fresh_round())
        for peer in peers:
            add(found, {f"{peer.name}_cold_start_s": peer.cold_start()})
    say("a node at rest")
    add(found, {"idle_node_percent": await node_at_rest()})
    say("")
    return found


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--part", choices=["spawn", "bytes"], help="one part, for itself")
    parser.add_argument("--seconds", type=float, default=0.7, help="length of one measurement")
    parser.add_argument("--loop", default="auto", choices=LOOPS, help="event loop, floors' too")
    parser.add_argument("--peers", default="", help=f"peers to compare: {','.join(PACKAGES)}")
    parser.add_argument("--peer-venvs", type=Path, help="folder of their environments")
    options = parser.parse_args()
    if options.part:
        rate, size = asyncio.run(spawns(IDLE_ACTORS))
        print(rate if options.part == "spawn" else size)
        return
    peers = peers_of(options.peers, options.peer_venvs)
    rounds = options.rounds or (15 if options.full else 5)
    found = run_on(options.loop, measured(rounds, options.seconds, peers, options.loop))
    facts = {"n": rounds, "loop": kind_of(options.loop), "seeds": "none, nothing is drawn"}
    report(found, facts, as_json=options.json)


if __name__ == "__main__":
    main()
