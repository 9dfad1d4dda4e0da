"""A shell for the dispatcher that needs no time: calls take as long as a table says."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from passel.agents.compiler.dispatch import Dispatcher
from passel.agents.compiler.events import (
    CallFailed,
    CallSucceeded,
    CancelCall,
    Effect,
    Event,
    Finish,
    Settle,
    TimePassed,
    WakeAt,
)
from passel.agents.toolrun.start_call import StartCall
from passel.protocols.errors import DeadActorError
from passel.protocols.plan import TaskId, TaskOutcome


@dataclass
class Shell:
    """Carries effects out in virtual time.

    Attributes:
        call: Says how long a call takes and what it returns; an exception is what it raises.
        starts: Every call, with the time it began.
        outcomes: Tasks in the order in which they were settled.
    """

    dispatcher: Dispatcher
    call: Callable[[StartCall], tuple[float, Any]]
    now: float = 0.0
    starts: list[tuple[float, StartCall]] = field(default_factory=list)
    outcomes: dict[TaskId, TaskOutcome] = field(default_factory=dict)
    finished: int = 0
    running: dict[tuple[TaskId, int], str] = field(default_factory=dict)
    peak: dict[str, int] = field(default_factory=dict)
    _queue: list[tuple[float, int, Event]] = field(default_factory=list)
    _count: Any = field(default_factory=count)

    def at(self, when: float, event: Event) -> None:
        """Let something happen at a time."""
        heapq.heappush(self._queue, (when, next(self._count), event))

    def run(self) -> None:
        """Let everything happen."""
        while self._queue:
            self.now, _, event = heapq.heappop(self._queue)
            if isinstance(event, CallSucceeded | CallFailed):
                self.running.pop((event.task, event.attempt), None)
            for effect in self.dispatcher.handle(event):
                self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case StartCall():
                self._begin(effect)
            case CancelCall(task, attempt):
                del self.running[task, attempt]
            case Settle(outcome):
                assert outcome.id not in self.outcomes, "a task is settled once"
                self.outcomes[outcome.id] = outcome
            case WakeAt(at):
                self.at(at, TimePassed(at))
            case Finish():
                self.finished += 1

    def _begin(self, effect: StartCall) -> None:
        self.starts.append((self.now, effect))
        self.running[effect.task, effect.attempt] = effect.tool
        under_way = sum(tool == effect.tool for tool in self.running.values())
        self.peak[effect.tool] = max(self.peak.get(effect.tool, 0), under_way)
        seconds, result = self.call(effect)
        end = self.now + min(seconds, effect.timeout)
        if seconds > effect.timeout:
            self.at(end, CallFailed(end, effect.task, effect.attempt, "it took too long"))
        elif isinstance(result, Exception):
            lost = isinstance(result, DeadActorError)
            self.at(end, CallFailed(end, effect.task, effect.attempt, str(result), lost))
        else:
            self.at(end, CallSucceeded(end, effect.task, effect.attempt, result))
