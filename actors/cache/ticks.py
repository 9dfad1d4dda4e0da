"""Who takes part in a tick, and when it starts. Knows nothing of sockets, tasks, models or clocks.

A tick starts when every active worker has answered the last one. A worker that misses the deadline
sits the tick out and is waited for again in the next; one that misses several in a row, or dies, has
its epoch fenced: its answers are refused from then on, and its next life joins under a new epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ...protocols.cache import Epoch, Finish, Next, Park, TickNumber, WorkerId
from .tick_events import (
    Admit,
    Answered,
    ClockRead,
    Close,
    CloseAsked,
    Deliver,
    Effect,
    Event,
    Fence,
    JoinAsked,
    Leave,
    Opened,
    ReadClock,
    Refuse,
    RunTick,
    TickDone,
    Turn,
    WorkerLost,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_NEVER = Epoch(0)

WAKE_PAUSE = 0.05
"""Seconds before a team is woken again that has only sat out since it was woken last."""

Phase = Literal[
    "expected",  # has not joined, and the first tick waits for it
    "waiting",  # the next tick waits for its answer
    "late",  # missed its deadline: this tick does not wait for it, the next one will
    "answered",  # its answer stands for the next tick
    "running",  # its turn is in the tick that runs
    "parked",  # sits out `parked_for` more ticks
    "gone",  # fenced, or not joined in time; may join
    "finished",  # has left for good
]


@dataclass(slots=True)
class Seat:
    """One worker's place at the table."""

    phase: Phase = "expected"
    epoch: Epoch = _NEVER
    answer: Next | Finish | None = None
    due: float | None = None
    misses: int = 0
    parked_for: int = 0
    missed: bool = False
    joining: bool = False


@dataclass(slots=True)
class TickCounts:
    """What the core has counted."""

    ticks: int = 0
    refused: int = 0
    misses: int = 0
    fenced: int = 0


@dataclass(slots=True)
class TickCore:
    """Decides who is in a tick and when it starts.

    Attributes:
        workers: Names in the session's order; a tick's turns come in this order.
        tick_deadline: Seconds a tick waits for an answer; None waits for ever.
        join_deadline: Seconds the team waits for somebody to join; None waits for ever.
        max_misses: Misses in a row that fence an epoch.
    """

    workers: tuple[WorkerId, ...]
    tick_deadline: float | None = 2.0
    join_deadline: float | None = 60.0
    max_misses: int = 3
    counts: TickCounts = field(default_factory=TickCounts)
    closed: Close | None = None
    _seats: dict[WorkerId, Seat] = field(init=False)
    _running: TickNumber | None = None
    _join_due: float | None = None
    _woken: bool = False
    _wake_due: float | None = None

    def __post_init__(self) -> None:
        self._seats = {worker: Seat() for worker in self.workers}

    def phase(self, worker: WorkerId) -> Phase:
        """Return where `worker` stands."""
        return self._seats[worker].phase

    def epoch(self, worker: WorkerId) -> Epoch:
        """Return the newest epoch of `worker`, 0 before it joined."""
        return self._seats[worker].epoch

    def handle(self, event: Event) -> list[Effect]:
        """Take one event, return what the shell must now do, in order."""
        if self.closed is not None:
            return self._after_the_end(event)
        match event:
            case Opened(at=at):
                effects = self._await_joiners(at)
            case JoinAsked():
                effects = self._join(event)
            case Answered():
                effects = self._answer(event)
            case WorkerLost():
                effects = self._lose(event)
            case TickDone():
                effects = self._tick_done(event)
            case ClockRead(at=at):
                effects = self._read_clock(at)
            case CloseAsked(reason=reason, failed=failed):
                return self._close(Close(reason=reason, failed=failed))
        return effects + self._advance(event.at)

    # Each of these takes one event and leaves the start of a tick to `_advance`.

    def _after_the_end(self, event: Event) -> list[Effect]:
        assert self.closed is not None
        return [self.closed] if isinstance(event, JoinAsked | Answered) else []

    def _await_joiners(self, at: float) -> list[Effect]:
        if self.join_deadline is None:
            return []
        self._join_due = at + self.join_deadline
        return [ReadClock(at=self._join_due)]

    def _join(self, event: JoinAsked) -> list[Effect]:
        seat = self._seats[event.worker]
        if seat.phase == "finished":
            return [self._refusal(event.worker, "the worker has finished")]
        effects: list[Effect] = []
        if seat.phase not in {"expected", "gone"}:
            effects += self._fence(event.worker, "a newer life has joined")
        if self._running is not None:  # its log may still grow: admit it when the tick is done
            seat.phase, seat.joining = "gone", True
            return effects
        return effects + self._admit(event.worker, event.at)

    def _admit(self, worker: WorkerId, at: float) -> list[Effect]:
        seat = self._seats[worker]
        seat.epoch = Epoch(seat.epoch + 1)
        seat.misses, seat.joining = 0, False
        waited = self._wait(seat, at)
        if all(other.phase != "expected" for other in self._seats.values()):
            self._join_due = None
        return [Admit(worker=worker, epoch=seat.epoch), *waited]

    def _answer(self, event: Answered) -> list[Effect]:
        seat = self._seats[event.worker]
        if event.epoch != seat.epoch or seat.phase in {"gone", "expected"}:
            return [self._refusal(event.worker, f"epoch {event.epoch} is over")]
        if seat.phase not in {"waiting", "late"}:
            return [self._refusal(event.worker, "it has answered already")]
        seat.misses, seat.missed, seat.due = 0, False, None
        if isinstance(event.answer, Park):
            seat.phase, seat.parked_for = "parked", max(1, event.answer.ticks)
            return []
        seat.phase, seat.answer = "answered", event.answer
        if isinstance(event.answer, Finish) and event.answer.answer is not None:
            leave = self._leave(event.worker)
            found = Close(reason="answer found", answer=event.answer.answer, found_by=event.worker)
            return [leave, *self._close(found)]
        return []

    def _lose(self, event: WorkerLost) -> list[Effect]:
        seat = self._seats[event.worker]
        if event.epoch is None and seat.joining:  # it would wait for ever
            seat.joining = False
            return [self._refusal(event.worker, event.reason)]
        if event.epoch not in {None, seat.epoch} or seat.phase in {"gone", "finished"}:
            return []
        return self._fence(event.worker, event.reason)

    def _tick_done(self, event: TickDone) -> list[Effect]:
        assert event.number == self._running, "one tick runs at a time"
        self._running = None
        told: list[WorkerId] = []
        effects: list[Effect] = []
        for worker, seat in self._seats.items():
            if seat.phase == "parked":
                seat.parked_for -= 1
            woken = seat.phase == "parked" and seat.parked_for <= 0
            if seat.phase == "running" or woken:
                told.append(worker)
            if seat.phase in {"running", "late", "waiting"} or woken:
                effects += self._wait(seat, event.at)
            if seat.joining:
                effects += self._admit(worker, event.at)
        return [Deliver(workers=tuple(told)), *effects]

    def _read_clock(self, at: float) -> list[Effect]:
        effects: list[Effect] = []
        if self._join_due is not None and at >= self._join_due:
            self._join_due = None
            for seat in self._seats.values():
                seat.phase = "gone" if seat.phase == "expected" else seat.phase
            if not self._anybody():
                return self._close(Close(reason=f"no worker came in {self.join_deadline:g} s"))
        if self._running is not None:  # a wait is counted from the end of a tick
            return []
        for worker, seat in self._seats.items():
            if seat.phase == "waiting" and seat.due is not None and at >= seat.due:
                effects += self._miss(worker)
        return effects

    # The parts they share.

    def _advance(self, at: float) -> list[Effect]:
        """Start the next tick if nothing stands in its way."""
        if self.closed is not None or self._running is not None:
            return []
        phases = {seat.phase for seat in self._seats.values()}
        if phases & {"expected", "waiting"}:
            return []
        ready = [worker for worker, seat in self._seats.items() if seat.phase == "answered"]
        if any(isinstance(self._seats[worker].answer, Next) for worker in ready):
            return self._start(ready)
        effects: list[Effect] = [self._leave(worker) for worker in ready]
        if "late" in phases:  # nobody has answered in time: wait another round
            for seat in self._seats.values():
                effects += self._wait(seat, at) if seat.phase == "late" else []
        elif "parked" in phases:
            effects += self._wake_next(at)
        elif "gone" in phases and phases - {"gone"} <= {"finished", "answered"}:
            effects += self._desert(at)
        else:
            effects += self._close(Close(reason="every worker has finished"))
        return effects

    def _start(self, ready: Iterable[WorkerId]) -> list[Effect]:
        self.counts.ticks += 1
        self._running = TickNumber(self.counts.ticks)
        self._woken, self._wake_due = False, None
        turns: list[Turn] = []
        effects: list[Effect] = []
        for worker in ready:
            seat = self._seats[worker]
            assert seat.answer is not None
            turns.append(Turn(worker=worker, epoch=seat.epoch, answer=seat.answer))
            if isinstance(seat.answer, Finish):
                effects.append(self._leave(worker, in_tick=True))
            else:
                seat.phase, seat.answer = "running", None
        missed = tuple(worker for worker, seat in self._seats.items() if seat.missed)
        for seat in self._seats.values():
            seat.missed = False
        run = RunTick(number=self._running, turns=tuple(turns), missed=missed)
        return [run, *effects]

    def _wait(self, seat: Seat, at: float) -> list[Effect]:
        seat.phase, seat.answer = "waiting", None
        if self.tick_deadline is None:
            return []
        seat.due = at + self.tick_deadline
        return [ReadClock(at=seat.due)]

    def _miss(self, worker: WorkerId) -> list[Effect]:
        seat = self._seats[worker]
        seat.misses += 1
        seat.missed = True
        self.counts.misses += 1
        seat.phase, seat.due = "late", None
        if seat.misses >= self.max_misses:
            return self._fence(worker, f"it missed {seat.misses} ticks in a row", slow=True)
        return []

    def _fence(self, worker: WorkerId, reason: str, *, slow: bool = False) -> list[Effect]:
        seat = self._seats[worker]
        seat.phase, seat.answer, seat.due, seat.joining = "gone", None, None, False
        self.counts.fenced += 1
        return [Fence(worker=worker, epoch=seat.epoch, reason=reason, slow=slow)]

    def _leave(self, worker: WorkerId, *, in_tick: bool = False) -> Leave:
        seat = self._seats[worker]
        assert isinstance(seat.answer, Finish)
        finish, seat.answer, seat.phase = seat.answer, None, "finished"
        return Leave(worker=worker, finish=finish, in_tick=in_tick)

    def _wake_next(self, at: float) -> list[Effect]:
        """Wake who is due next; rules that only ever park must not keep the shell from its loop."""
        if self._woken:
            if self._wake_due is None:
                self._wake_due = at + WAKE_PAUSE
                return [ReadClock(at=self._wake_due)]
            if at < self._wake_due:
                return []
        self._woken, self._wake_due = True, None
        parked = [(seat.parked_for, w) for w, seat in self._seats.items() if seat.phase == "parked"]
        soonest = min(ticks for ticks, _ in parked)
        woken = [worker for ticks, worker in parked if ticks == soonest]
        effects: list[Effect] = [Deliver(workers=tuple(woken))]
        for worker in woken:
            effects += self._wait(self._seats[worker], at)
        return effects

    def _desert(self, at: float) -> list[Effect]:
        """Nobody works, but somebody lost might come back: give it the time of a join."""
        return self._await_joiners(at) if self._join_due is None else []

    def _close(self, close: Close) -> list[Effect]:
        self.closed = close
        return [close]

    def _refusal(self, worker: WorkerId, reason: str) -> Refuse:
        self.counts.refused += 1
        return Refuse(worker=worker, epoch=self._seats[worker].epoch, reason=reason)

    def _anybody(self) -> bool:
        return any(seat.phase not in {"gone", "finished"} for seat in self._seats.values())
