"""Messages per second of one durable actor, with 1 and with 100 calls in flight.

    python benchmarks/durable.py [--state DIR] [--seconds 3] [--rounds 3]

DIR decides which disk is measured. A baseline writes and syncs 100 bytes to a file there, one after
the other: no store that keeps its word is faster with one call in flight.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from passel import Actor, Runtime, handler


class Counter(Actor):
    """Keeps a count."""

    def __init__(self) -> None:
        self.count = 0

    def snapshot(self) -> int:
        """Return what is kept."""
        return self.count

    def restore(self, state: int) -> None:
        """Go on from what was kept."""
        self.count = state

    @handler
    async def add(self, amount: int) -> int:
        """Return the new count."""
        self.count += amount
        return self.count


def syncs_per_second(folder: Path, seconds: float) -> float:
    """Write and sync 100 bytes again and again."""
    descriptor = os.open(folder / "baseline", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        os.write(descriptor, bytes(100))
        os.fsync(descriptor)
        count += 1
    taken = time.perf_counter() - start
    os.close(descriptor)
    return count / taken


async def calls_per_second(call: Any, callers: int, seconds: float) -> float:
    """Let so many callers call, one call after the other each."""
    count, start = 0, time.perf_counter()

    async def run() -> None:
        nonlocal count
        while time.perf_counter() - start < seconds:
            await call(1)
            count += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(run())
    return count / (time.perf_counter() - start)


async def measure(folder: Path, seconds: float) -> dict[str, float]:
    """Run every case once."""
    found = {"syncs_per_s": syncs_per_second(folder, seconds)}
    async with Runtime(state=folder / "state") as runtime:
        counter = await runtime.options(name="counter", durable=True).spawn(Counter)
        for callers in (1, 100):
            found[f"asks_{callers}"] = await calls_per_second(counter.add, callers, seconds)
            found[f"tells_{callers}"] = await calls_per_second(counter.add.tell, callers, seconds)
    return found


def main() -> None:
    """Measure some rounds and print the medians as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, help="a folder on the disk to be measured")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rounds = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(dir=options.state) as folder:
            rounds.append(asyncio.run(measure(Path(folder), options.seconds)))
    values = {key: sorted(one[key] for one in rounds) for key in rounds[0]}
    print(
        json.dumps(
            {
                key: {
                    "median": round(statistics.median(each)),
                    "min": round(each[0]),
                    "max": round(each[-1]),
                }
                for key, each in values.items()
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
