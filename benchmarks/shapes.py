"""Task graphs that executors are compared on. Standard library only: peers' drivers read it, too."""

from __future__ import annotations

import random
from typing import Final, NamedTuple


class Task(NamedTuple):
    """One task: its number, how long its tool takes, and whose results it needs."""

    id: int
    seconds: float
    needs: tuple[int, ...]


Shape = list[Task]


def wide(count: int, seconds: float) -> Shape:
    """Return tasks that need nothing."""
    return [Task(n, seconds, ()) for n in range(1, count + 1)]


def chain(count: int, seconds: float) -> Shape:
    """Return tasks of which each needs the one before it."""
    return [Task(n, seconds, (n - 1,) if n > 1 else ()) for n in range(1, count + 1)]


def branches(count: int, search: float, math: float) -> Shape:
    """Return a search and a calculation for each branch, and one that needs all of them."""
    found: Shape = []
    for branch in range(count):
        found.append(Task(2 * branch + 1, search, ()))
        found.append(Task(2 * branch + 2, math, (2 * branch + 1,)))
    return [*found, Task(2 * count + 1, math, tuple(range(2, 2 * count + 1, 2)))]


def diamond(seconds: float) -> Shape:
    """Return one task, four that need it, and one that needs those."""
    middle = [Task(n, seconds, (1,)) for n in range(2, 6)]
    return [Task(1, seconds, ()), *middle, Task(6, seconds, (2, 3, 4, 5))]


def crossed(short: float, long: float) -> Shape:
    """Return two chains that are slow by turns: whoever goes step by step waits at each of them."""
    found: Shape = []
    for step in range(4):
        for lane in range(2):
            number = 2 * step + lane + 1
            seconds = long if (step + lane) % 2 else short
            found.append(Task(number, seconds, (number - 2,) if step else ()))
    return found


def scattered(count: int, seed: int, *, shortest: float = 0.001, longest: float = 0.05) -> Shape:
    """Return a random graph; each task needs up to three of the dozen before it."""
    draw = random.Random(seed)
    found: Shape = []
    for number in range(1, count + 1):
        before = range(max(1, number - 12), number)
        most = min(3, len(before))
        needs = tuple(sorted(draw.sample(before, draw.randint(0, most)))) if most else ()
        found.append(Task(number, draw.uniform(shortest, longest), needs))
    return found


SHAPES: Final[dict[str, list[Shape]]] = {
    "wide8": [wide(8, 0.2)],
    "chain8_20ms": [chain(8, 0.02)],
    "chain8_1ms": [chain(8, 0.001)],
    "branches3": [branches(3, 0.1, 0.06)],
    "diamond": [diamond(0.06)],
    "random60": [scattered(60, seed) for seed in range(10)],
    "crossed": [crossed(0.01, 0.06)],
}
"""By name, as it stands in keys of results. Where there are several graphs, the median of theirs counts:
how much there is to gain by not going step by step hangs on the graph.
"""

Times = dict[int, tuple[float, float]]
"""When each task's tool began and ended, in monotonic seconds."""


def critical(shape: Shape, times: Times, arrivals: dict[int, float]) -> float:
    """Return when the last task could have ended, with the tools' measured times.

    Args:
        shape: The tasks, each behind those that it needs.
        times: When each tool really began and ended.
        arrivals: When each line of the plan was there.
    """
    ends: dict[int, float] = {}
    for task in shape:
        begin = max([arrivals[task.id], *(ends[needed] for needed in task.needs)])
        took = times[task.id][1] - times[task.id][0]
        ends[task.id] = begin + took
    return max(ends.values())


def hops(shape: Shape, times: Times, arrivals: dict[int, float]) -> list[float]:
    """Return, sorted, how long after its line and its last dependency each tool began."""
    return sorted(
        times[task.id][0] - max([arrivals[task.id], *(times[n][1] for n in task.needs)])
        for task in shape
    )
