"""xoscar: the caller in the main pool's process, the actor in a sub-pool's.

Run by the interpreter of xoscar's own environment: `python peers_xoscar.py SECONDS`, or `cold`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["PYTHONPATH"] = str(Path(__file__).parent)  # its sub-processes look nowhere else

import numpy as np
import xoscar
from measure import in_flight, percentile, timed_async
from xoscar.backends.allocate_strategy import ProcessIndex

MIB = 1 << 20
IN_FLIGHT = 1_000


class Echo(xoscar.Actor):  # type: ignore[misc]  # it has no types
    """Answers, and reads arrays."""

    def echo(self, value: int) -> int:
        """Return the value."""
        return value

    def read(self, array: np.ndarray) -> float:
        """Return the sum of the first and last element of `array`, shape (n,)."""
        return float(array[0]) + float(array[-1])


async def main(seconds: float) -> None:
    """Start a pool of two processes, measure, print one line of JSON."""
    pool = await xoscar.create_actor_pool("127.0.0.1", n_process=1)
    where = ProcessIndex(1)
    ref = await xoscar.create_actor(
        Echo, uid="echo", address=pool.external_address, allocate_strategy=where
    )
    await ref.echo(7)
    if seconds == 0.0:
        print("first answer", flush=True)
    else:
        print(json.dumps(await measured(ref, seconds)))
    await pool.stop()


async def measured(ref: Any, seconds: float) -> dict[str, float]:
    """Return what is compared, by key."""
    times = sorted(await timed_async(lambda: ref.echo(7), seconds))
    return {
        "ask_p50_us": percentile(times, 50) * 1e6,
        "asks_per_s": await in_flight(lambda: ref.echo(7), seconds, IN_FLIGHT),
        "tensor_1mib_gbs": await tensors(ref, MIB, 100),
        "tensor_64mib_gbs": await tensors(ref, 64 * MIB, 3),
    }


async def tensors(ref: Any, size: int, number: int) -> float:
    """Return GB/s of fresh float32 arrays of `size` bytes, each answered by who read it."""
    times = []
    for index in range(number):
        array = np.full(size // 4, index, dtype=np.float32)
        start = time.perf_counter()
        await ref.read(array)
        times.append(time.perf_counter() - start)
    return size / percentile(sorted(times), 50) / 1e9


if __name__ == "__main__":
    asyncio.run(main(0.0 if sys.argv[1] == "cold" else float(sys.argv[1])))
