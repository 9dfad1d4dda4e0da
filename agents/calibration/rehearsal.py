"""Runs a calibration in virtual time over functions, without a runtime: for studies and benchmarks."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from ...actors.simulator import Observation
from ...protocols.trial import Iteration, Trial, TrialEnded, TrialId
from .scheduling import (
    Began,
    Effect,
    Event,
    ExtendRun,
    ExtensionRefused,
    LookFor,
    RunBegan,
    RunBroken,
    Scheduler,
    SimulatorFound,
    SimulatorId,
    SimulatorMissing,
    StartRun,
    StopRun,
    TimePassed,
    TrialReported,
    WakeAt,
)

if TYPE_CHECKING:
    from ...protocols.trial import Ending, TrialEvent


@dataclass(frozen=True, slots=True)
class Crashed:
    """A trial fails after so many seconds."""

    seconds: float
    detail: str = "crashed"


Simulate = Callable[[SimulatorId, Trial], Iterator[Observation | Crashed]]
"""What a simulator does: it yields iterations, each with the seconds that it takes."""


@dataclass(slots=True)
class _Course:
    """A run at a simulator; it is idle while it waits at its limit."""

    simulator: SimulatorId
    steps: Iterator[Observation | Crashed]
    limit: int
    waits: bool
    done: int = 0
    idle: bool = False


@dataclass
class Rehearsal:
    """Carries out what a scheduler decides, as fast as it can be computed.

    Attributes:
        scheduler: Decides.
        simulate: What simulators do.
        slots: How many trials each simulator runs at a time.
        extendable: Whether trials can go on beyond their limit.
        observe: Is given every event and effect, in order.
        now: Virtual seconds since the beginning.
    """

    scheduler: Scheduler
    simulate: Simulate
    slots: int = 1
    extendable: bool = True
    observe: Callable[[Event | Effect], None] = lambda _: None
    now: float = 0.0
    _away: dict[SimulatorId, float] = field(default_factory=dict)
    _courses: dict[TrialId, _Course] = field(default_factory=dict)
    _queue: list[tuple[float, int, Callable[[], Event | None]]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)

    def run(self) -> None:
        """Run the calibration from its beginning, or from what its ledger holds, to its end."""
        self.begin()
        while self._queue and self.scheduler.ended is None:
            self.step()

    def begin(self) -> None:
        """Let the beginning be the next thing that happens."""
        self.now = self.scheduler.ledger.at
        self._at(self.now, lambda: Began(self.now))

    def step(self) -> None:
        """Let the next thing happen."""
        self.now, _, happen = heapq.heappop(self._queue)
        event = happen()
        if event is None:
            return
        self.observe(event)
        for effect in self.scheduler.handle(event):
            self.observe(effect)
            self._carry_out(effect)

    def kill(self, simulator: SimulatorId, at: float, seconds: float) -> None:
        """Let a simulator die at a time, and be back so many seconds later."""

        def die() -> None:
            self._away[simulator] = at + seconds
            for name, course in list(self._courses.items()):
                if course.simulator == simulator:
                    del self._courses[name]
                    self._at(self.now, self._saying(RunBroken, name, "its simulator died"))

        self._at(at, die)

    def tell_again(self, event: Event, at: float) -> None:
        """Let an event come at a time, as one that was doubled or late does."""
        self._at(at, lambda: event)

    # What is to be done.

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case StartRun(simulator, trial):
                self._start(simulator, trial)
            case ExtendRun(_, name, iterations):
                self._extend(name, iterations)
            case StopRun(_, name):
                self._stop(name)
            case LookFor(simulator, after):
                self._at(self.now + after, lambda: self._found(simulator))
            case WakeAt(at):
                self._at(at, lambda: TimePassed(self.now))

    def _start(self, simulator: SimulatorId, trial: Trial) -> None:
        if self._is_away(simulator):
            self._at(self.now, self._saying(RunBroken, trial.id, "its simulator is away"))
            return
        self._at(self.now, lambda: RunBegan(self.now, trial.id))
        steps = self.simulate(simulator, trial)
        self._courses[trial.id] = _Course(simulator, steps, trial.iterations, trial.waits)
        self._advance(trial.id)

    def _extend(self, name: TrialId, iterations: int) -> None:
        course = self._courses.get(name)
        if course is None or not self.extendable:
            self._at(self.now, lambda: ExtensionRefused(self.now, name))
            return
        course.limit = max(course.limit, iterations)
        if course.idle:
            course.idle = False
            self._advance(name)

    def _stop(self, name: TrialId) -> None:
        course = self._courses.pop(name, None)
        if course is not None:
            self._report(name, TrialEnded(trial=name, ending="stopped", iterations=course.done))

    def _advance(self, name: TrialId) -> None:
        """Let a run's next iteration take its time, if it may have one."""
        course = self._courses[name]
        if course.done >= course.limit:
            course.idle = course.waits and self.extendable
            if not course.idle:
                self._end(name, "")
            return
        step = next(course.steps, None)
        if isinstance(step, Observation):
            self._at(self.now + (step.seconds or 0.0), lambda: self._iterate(name, course, step))
            return
        crash = step or Crashed(0.0, "the simulator ended by itself")
        self._at(self.now + crash.seconds, lambda: self._crash(name, course, crash))

    def _iterate(self, name: TrialId, course: _Course, seen: Observation) -> Event | None:
        if self._courses.get(name) is not course:
            return None
        course.done += 1
        event = Iteration(
            trial=name,
            number=course.done,
            outcome=seen.outcome,
            sample=seen.sample,
            seconds=seen.seconds or 0.0,
        )
        self._at(self.now, lambda: self._go_on(name, course))
        return TrialReported(self.now, event)

    def _go_on(self, name: TrialId, course: _Course) -> None:
        if self._courses.get(name) is course:
            self._advance(name)

    def _crash(self, name: TrialId, course: _Course, crash: Crashed) -> None:
        if self._courses.get(name) is course:
            self._end(name, crash.detail)

    def _end(self, name: TrialId, failure: str) -> None:
        done = self._courses.pop(name).done
        ending: Ending = "failed" if failure else "finished"
        self._report(name, TrialEnded(trial=name, ending=ending, iterations=done, detail=failure))

    def _found(self, simulator: SimulatorId) -> Event:
        if self._is_away(simulator):
            return SimulatorMissing(self.now, simulator)
        return SimulatorFound(self.now, simulator, self.slots, self.extendable)

    def _is_away(self, simulator: SimulatorId) -> bool:
        return self._away.get(simulator, 0.0) > self.now

    # What happens.

    def _report(self, name: TrialId, event: TrialEvent) -> None:
        assert event.trial == name, "a result comes through its own run"
        self._at(self.now, lambda: TrialReported(self.now, event))

    def _saying(
        self, kind: type[RunBroken], name: TrialId, detail: str
    ) -> Callable[[], Event | None]:
        return lambda: kind(self.now, name, detail)

    def _at(self, when: float, happen: Callable[[], Event | None]) -> None:
        heapq.heappush(self._queue, (when, next(self._order), happen))
