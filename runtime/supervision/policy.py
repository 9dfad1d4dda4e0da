"""Decides what happens to an actor or node that failed. Pure: knows no clock and no task."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...protocols.control import GroupOptions, Supervision


@dataclass(frozen=True, slots=True)
class Failed:
    """The supervised thing failed at time `at` (seconds)."""

    at: float


@dataclass(frozen=True, slots=True)
class Restart:
    """Restart it `after` seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Stop it: it failed more often than it may."""

    failures: int
    within: float


class RestartPolicy:
    """Restart intensity and exponential backoff of one actor or node.

    More than `max_restarts` failures within `within` seconds give it up. The pause before a
    restart doubles with each failure still in the window, from `backoff` up to `max_backoff`.
    """

    def __init__(self, options: Supervision | GroupOptions) -> None:
        self._options = options
        self._failures: deque[float] = deque()

    def handle(self, event: Failed) -> Restart | GiveUp:
        """Take one failure, return what the shell must do."""
        options, failures = self._options, self._failures
        failures.append(event.at)
        while failures[0] <= event.at - options.within:
            failures.popleft()
        if len(failures) > options.max_restarts:
            return GiveUp(len(failures), options.within)
        pause = options.backoff * 2.0 ** (len(failures) - 1)
        return Restart(min(pause, options.max_backoff))
