"""Ray: the caller is the driver, the actor a worker process of a local cluster of one node.

Run by the interpreter of Ray's own environment: `python peers_ray.py SECONDS`, or `cold`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from typing import Any

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import numpy as np
import ray
from measure import percentile, timed

MIB = 1 << 20
IN_FLIGHT = 1_000
STORE_BYTES = 1 << 30


@ray.remote(num_cpus=0)
class Echo:
    """Answers, and reads arrays."""

    def echo(self, value: int) -> int:
        """Return the value."""
        return value

    def read(self, array: np.ndarray) -> float:
        """Return the sum of the first and last element of `array`, shape (n,)."""
        return float(array[0]) + float(array[-1])


def main(seconds: float) -> None:
    """Start Ray, measure, print one line of JSON."""
    folder = tempfile.mkdtemp(prefix="ray-")
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        object_store_memory=STORE_BYTES,
        _temp_dir=folder,
    )
    try:
        actor: Any = Echo.remote()  # type: ignore[attr-defined]  # ray has no types here
        ray.get(actor.echo.remote(7))
        if seconds == 0.0:
            print("first answer", flush=True)
        else:
            print(json.dumps(measured(actor, seconds)))
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def measured(actor: Any, seconds: float) -> dict[str, float]:
    """Return what is compared, by key."""
    times = sorted(timed(lambda: ray.get(actor.echo.remote(7)), seconds))
    tensors(actor, STORE_BYTES // 16, 17)  # a store that was never written to is five times slower
    return {
        "ask_p50_us": percentile(times, 50) * 1e6,
        "asks_per_s": bursts(actor, seconds),
        "tensor_1mib_gbs": tensors(actor, MIB, 100),
        "tensor_64mib_gbs": tensors(actor, 64 * MIB, 5),
    }


def bursts(actor: Any, seconds: float) -> float:
    """Return asks per second, IN_FLIGHT at a time: faster in Ray than as many awaiting callers."""
    done = 0
    start = time.perf_counter()
    while (took := time.perf_counter() - start) < seconds:
        ray.get([actor.echo.remote(7) for _ in range(IN_FLIGHT)])
        done += IN_FLIGHT
    return done / took


def tensors(actor: Any, size: int, number: int) -> float:
    """Return GB/s of fresh float32 arrays of `size` bytes, each answered by who read it."""
    times = []
    for index in range(number):
        array = np.full(size // 4, index, dtype=np.float32)
        start = time.perf_counter()
        ray.get(actor.read.remote(array))
        times.append(time.perf_counter() - start)
    return size / percentile(sorted(times), 50) / 1e9


if __name__ == "__main__":
    main(0.0 if sys.argv[1] == "cold" else float(sys.argv[1]))
