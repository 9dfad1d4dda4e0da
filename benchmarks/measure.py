"""What every benchmark shares: spread over rounds, facts of the machine, one flat JSON object."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Samples = dict[str, list[float]]
"""One value per round, by key."""


def arguments(description: str) -> argparse.ArgumentParser:
    """Return a parser with the options that all benchmarks have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    parser.add_argument("--full", action="store_true", help="more rounds: the published table")
    parser.add_argument("--rounds", type=int, default=0, help="rounds instead of the default")
    return parser


def machine() -> dict[str, Any]:
    """Return what a figure is worth nothing without: processor, cores, system, commit."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {
        "machine": f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "commit": _commit(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    here = Path(__file__).resolve().parent
    found = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def flat(samples: Samples, digits: int = 4) -> dict[str, Any]:
    """Return the median of each key, with its 10th and 90th percentile beside it."""
    found: dict[str, Any] = {}
    for key, values in samples.items():
        ordered = sorted(values)
        found[key] = _round(statistics.median(ordered), digits)
        found[f"{key}_p10"] = _round(percentile(ordered, 10), digits)
        found[f"{key}_p90"] = _round(percentile(ordered, 90), digits)
    return found


def _round(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}") if abs(value) < 10**digits else round(value)


def percentile(ordered: list[float], percent: float) -> float:
    """Return a percentile of sorted values by linear interpolation."""
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def report(samples: Samples, facts: dict[str, Any], *, as_json: bool) -> None:
    """Print the result: one JSON object, or a table for people."""
    values = flat(samples)
    if as_json:
        print(json.dumps({**values, **facts, **machine()}))
        return
    for key in samples:
        low, high = values[f"{key}_p10"], values[f"{key}_p90"]
        print(f"{key:28} {values[key]:>12,}   p10 {low:>12,}   p90 {high:>12,}")
    for key, value in {**facts, **machine()}.items():
        print(f"{key:28} {value}")


def say(text: str) -> None:
    """Tell a person at a terminal how far the run is; standard output stays clean."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def timed(step: Callable[[], object], seconds: float, warm: int = 100) -> list[float]:
    """Return the duration of each step, in seconds, for as long as `seconds`."""
    for _ in range(warm):
        step()
    found: list[float] = []
    clock = time.perf_counter
    end = clock() + seconds
    while True:
        start = clock()
        step()
        stop = clock()
        found.append(stop - start)
        if stop > end:
            return found


async def timed_async(
    step: Callable[[], Awaitable[object]], seconds: float, warm: int = 100
) -> list[float]:
    """Return the duration of each awaited step, in seconds, for as long as `seconds`."""
    for _ in range(warm):
        await step()
    found: list[float] = []
    clock = time.perf_counter
    end = clock() + seconds
    while True:
        start = clock()
        await step()
        stop = clock()
        found.append(stop - start)
        if stop > end:
            return found


async def in_flight(step: Callable[[], Awaitable[object]], seconds: float, callers: int) -> float:
    """Return steps per second of `callers` tasks, each of which awaits one step after the other."""
    done = 0
    stop = False

    async def caller() -> None:
        nonlocal done
        while not stop:
            await step()
            done += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())
        await asyncio.sleep(0.3)
        before, start = done, time.perf_counter()
        await asyncio.sleep(seconds)
        rate = (done - before) / (time.perf_counter() - start)
        stop = True
    return rate


def first_answer(command: list[str]) -> float:
    """Return seconds from starting a program to the line in which it says `first answer`."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None, "stdout is a pipe"
        line = child.stdout.readline()
        took = time.perf_counter() - start
        child.stdout.read()
    if "first answer" not in line:
        raise RuntimeError(f"the cold start gave no answer: {line!r}")
    return took
