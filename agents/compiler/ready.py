"""The tasks that may start, those on the longest way to the end of the plan first."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ...protocols.plan import TaskId

GROWTH: Final = 1.1
"""Lengths are computed anew when the plan has grown, or shrunk, by this factor."""


class ReadyQueue:
    """Ready tasks by tool, in the order in which they should start.

    The order is by the length of the longest way from a task to the end of the plan, in seconds;
    ties keep the planner's order. Lengths are computed only when somebody has to choose, and anew
    only when the plan has grown by a tenth, so a plan that arrives line by line costs little more
    than one that is there at once.

    Args:
        dependents: For every task that has not ended, by number, those that wait for it; it is
            looked at whenever lengths are computed.
        seconds: How long a task is expected to take.
    """

    def __init__(
        self,
        dependents: Mapping[TaskId, Sequence[TaskId]],
        seconds: Callable[[TaskId], float],
    ) -> None:
        self._dependents = dependents
        self._seconds = seconds
        self._lengths: dict[TaskId, float] = {}
        self._size = 0
        self._heaps: dict[str, list[tuple[float, TaskId]]] = {}
        self._waiting: dict[str, dict[TaskId, None]] = {}

    def add(self, tool: str, task: TaskId) -> None:
        """A task may start."""
        self._waiting.setdefault(tool, {})[task] = None
        heapq.heappush(self._heaps.setdefault(tool, []), self._entry(task))

    def discard(self, tool: str, task: TaskId) -> None:
        """A task will not start after all; it is no error when it does not wait."""
        self._waiting.get(tool, {}).pop(task, None)

    def take(self, tool: str, count: int) -> list[TaskId]:
        """Return up to `count` tasks of a tool that start now."""
        waiting = self._waiting.get(tool)
        if not waiting or count <= 0:
            return []
        if len(waiting) > count:
            self._refresh()
        heap = self._heaps[tool]
        taken: list[TaskId] = []
        while waiting and len(taken) < count:
            task = heapq.heappop(heap)[1]
            if task in waiting:
                del waiting[task]
                taken.append(task)
        return taken

    def _refresh(self) -> None:
        size = len(self._dependents)
        if self._size <= size * GROWTH and size <= self._size * GROWTH:
            return
        lengths: dict[TaskId, float] = {}
        for task in sorted(self._dependents, reverse=True):  # what waits has a greater number
            after = max((lengths.get(d, 0.0) for d in self._dependents[task]), default=0.0)
            lengths[task] = after + self._seconds(task)
        self._lengths, self._size = lengths, size
        for tool, waiting in self._waiting.items():
            self._heaps[tool] = [self._entry(task) for task in waiting]
            heapq.heapify(self._heaps[tool])

    def _entry(self, task: TaskId) -> tuple[float, TaskId]:
        return -self._lengths.get(task, 0.0), task
