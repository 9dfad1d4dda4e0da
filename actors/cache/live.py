"""The shell of one session: carries out what tick core and board decide, and decides nothing."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from ...protocols.cache import (
    Answer,
    Closed,
    DelegateResult,
    Epoch,
    Fenced,
    Joined,
    JoinResult,
    SessionId,
    SessionStatistics,
    StepResult,
    Tick,
    TickNumber,
    WorkerFenced,
    WorkerFinished,
    WorkerId,
    WorkerJoined,
)
from ..llm.errors import ContextLengthError
from .listening import EventLog
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
    WorkerLost,
)

if TYPE_CHECKING:
    from ..context import Context
    from .board import Board, Writing
    from .memory import Memory
    from .rules import Rule
    from .ticks import TickCore

_T = TypeVar("_T")

_JOIN_CANCELLED = "its join was cancelled"

CLOCK_STEP = 0.25
"""Most seconds by which a missed deadline is noticed late: near readings share one timer."""


class LiveSession:
    """One session of a cache: who waits for what, and the work that the cores ask for.

    Args:
        session: Its name.
        context: The cache actor's: time, threads, background work.
        core: Decides who is in a tick.
        board: Knows what was written.
        memory: Holds keys and values.
    """

    def __init__(
        self,
        session: SessionId,
        *,
        context: Context,
        core: TickCore,
        board: Board,
        memory: Memory,
    ) -> None:
        self.session = session
        self.core = core
        self.board = board
        self.memory = memory
        self.events = EventLog()
        self._context = context
        self._joining: dict[WorkerId, asyncio.Future[JoinResult]] = {}
        self._waiting: dict[WorkerId, asyncio.Future[StepResult]] = {}
        self._rules: dict[WorkerId, Rule] = {}
        self._latest = board.draw(TickNumber(0), {})
        self._inbox: deque[Event] = deque()
        self._alarms: set[float] = set()
        self._over = asyncio.Event()
        self._forward_seconds = 0.0
        self._began: float | None = None
        self._ended = 0.0

    # --- What the actor's handlers call ----------------------------------------------------------

    def open(self) -> None:
        """Begin to expect the workers."""
        self._take(Opened(at=self._context.now()))

    async def join(self, worker: WorkerId) -> JoinResult:
        """Wait until `worker` is admitted under a new epoch."""
        self.board.check(worker, None)
        joined: asyncio.Future[JoinResult] = asyncio.get_running_loop().create_future()
        newer = Fenced(epoch=self.core.epoch(worker), reason="a newer life has joined")
        _resolve(self._joining.pop(worker, None), newer)
        self._joining[worker] = joined
        self._take(JoinAsked(worker=worker, at=self._context.now()))
        try:
            return await joined
        except asyncio.CancelledError:
            if self._joining.get(worker) is joined:
                del self._joining[worker]
                self.lose(worker, None, _JOIN_CANCELLED)
            elif not joined.cancelled() and isinstance(told := joined.result(), Joined):
                self.lose(worker, told.epoch, _JOIN_CANCELLED)
            raise

    async def step(self, worker: WorkerId, epoch: Epoch, answer: Answer) -> StepResult:
        """Enter an answer; wait for the next tick with this worker in it, or the end."""
        self.board.check(worker, answer)
        return await self._answer(worker, epoch, answer)

    async def delegate(self, worker: WorkerId, epoch: Epoch, rule: Rule) -> DelegateResult:
        """Let `rule` answer for the worker until it finishes, is fenced, or all is over."""
        self.board.check(worker, None)
        joined = Joined(epoch=epoch, log=self.board.log(worker, epoch))
        answer = rule.handle(joined)
        self.board.check(worker, answer)
        result = await self._answer(worker, epoch, answer, rule=rule)
        assert not isinstance(result, Tick), "ticks go to the rule"
        return result

    def lose(self, worker: WorkerId, epoch: Epoch | None, reason: str) -> None:
        """Fence a life that is over; the others go on."""
        self._take(self._lost(worker, epoch, reason))

    def close(self, reason: str) -> None:
        """End the session; whoever waits is told."""
        self._take(CloseAsked(reason=reason, at=self._context.now()))

    def statistics(self) -> SessionStatistics:
        """Return the session's counts so far."""
        counts = self.core.counts
        return SessionStatistics(
            ticks=counts.ticks,
            drawn=self.board.drawn,
            written=self.board.total,
            refused=counts.refused,
            misses=counts.misses,
            fenced=counts.fenced,
            forward_seconds=self._forward_seconds,
            seconds=0.0 if self._began is None else self._ended - self._began,
        )

    # --- Carrying out ----------------------------------------------------------------------------

    async def _answer(
        self, worker: WorkerId, epoch: Epoch, answer: Answer, *, rule: Rule | None = None
    ) -> StepResult:
        """Enter an answer and wait; unless it is refused, `rule` gives the worker's next ones."""
        at = self._context.now()
        event = Answered(worker=worker, epoch=epoch, answer=answer, at=at)
        effects = self.core.handle(event)
        refused = next((effect for effect in effects if isinstance(effect, Refuse)), None)
        if refused is not None:
            self._carry_out([effect for effect in effects if effect is not refused])
            return Fenced(epoch=refused.epoch, reason=refused.reason)
        waiting: asyncio.Future[StepResult] = asyncio.get_running_loop().create_future()
        self._waiting[worker] = waiting
        if rule is not None:  # not before: a fenced life must not take its successor's place
            self._rules[worker] = rule
        self._carry_out(effects)
        try:
            return await waiting
        except asyncio.CancelledError:  # whether or not an answer was on its way: nobody has it
            self.lose(worker, epoch, "its ask was cancelled")
            raise

    def _lost(self, worker: WorkerId, epoch: Epoch | None, reason: str) -> WorkerLost:
        return WorkerLost(worker=worker, epoch=epoch, reason=reason, at=self._context.now())

    def _take(self, event: Event) -> None:
        self._carry_out(self.core.handle(event))

    def _carry_out(self, effects: list[Effect]) -> None:
        """Carry out effects in order; answers of delegated rules follow when all are done."""
        for effect in effects:
            self._do(effect)
        while self._inbox:
            for effect in self.core.handle(self._inbox.popleft()):
                self._do(effect)

    def _do(self, effect: Effect) -> None:
        match effect:
            case RunTick():
                self._begin(effect)
            case Deliver(workers=workers):
                for worker in workers:
                    self._deliver(worker)
            case Admit(worker=worker, epoch=epoch):
                self.events.publish(WorkerJoined(worker=worker, epoch=epoch))
                joined = Joined(epoch=epoch, log=self.board.log(worker, epoch))
                if not _resolve(self._joining.pop(worker, None), joined):
                    self._inbox.append(self._lost(worker, epoch, _JOIN_CANCELLED))
            case Fence():
                self._fence(effect)
            case Refuse(worker=worker, epoch=epoch, reason=reason):
                refusal = Fenced(epoch=epoch, reason=reason)
                _resolve(self._joining.pop(worker, None), refusal)
            case Leave():
                self._leave(effect)
            case ReadClock(at=at):
                self._set_alarm(at)
            case Close():
                self._close(effect)

    def _begin(self, tick: RunTick) -> None:
        """Enter the turns of a tick and start the model; listeners hear of the turns first."""
        try:
            writing = self.board.write(tick)
        except Exception as error:  # noqa: BLE001  # a rule's text may be none; its session ends
            self._inbox.append(self._failure(tick.number, error))
            return
        for grown in writing.grown:
            self.events.publish(grown)
        self._context.start(self._run(tick.number, writing))

    async def _run(self, number: TickNumber, writing: Writing) -> None:
        """Run one tick in the blocking thread. A model that fails ends the session, not the actor."""
        began = self._context.now()
        if self._began is None:
            self._began = self._ended = began
        try:
            drawn = await self._context.run_blocking(
                self.memory.run, writing.feeds, writing.committed
            )
        except ContextLengthError as error:
            at = self._context.now()
            self._take(CloseAsked(reason=f"the context is full: {error}", at=at))
            return
        except Exception as error:  # noqa: BLE001  # foreign code; the session's end tells it
            self._take(self._failure(number, error))
            return
        self._ended = self._context.now()
        self._forward_seconds += self._ended - began
        self._latest = self.board.draw(number, drawn)
        self._take(TickDone(number=number, at=self._ended))

    def _failure(self, number: TickNumber, error: Exception) -> CloseAsked:
        self._context.log.warning("tick failed", session=self.session, error=repr(error))
        reason = f"tick {number} failed: {type(error).__name__}: {error}"
        return CloseAsked(reason=reason, failed=True, at=self._context.now())

    def _deliver(self, worker: WorkerId) -> None:
        rule = self._rules.get(worker)
        if rule is None:
            _resolve(self._waiting.pop(worker, None), self._latest)
            return
        epoch = self.core.epoch(worker)
        try:
            answer = rule.handle(self._latest)
            self.board.check(worker, answer)
        except Exception as error:  # noqa: BLE001  # a user's rule; costs its worker, not the team
            reason = f"its rule failed: {type(error).__name__}: {error}"
            self._inbox.append(self._lost(worker, epoch, reason))
        else:
            at = self._context.now()
            self._inbox.append(Answered(worker=worker, epoch=epoch, answer=answer, at=at))

    def _fence(self, fence: Fence) -> None:
        worker, epoch, reason = fence.worker, fence.epoch, fence.reason
        self._rules.pop(worker, None)
        told = WorkerFenced(worker=worker, epoch=epoch, reason=reason, slow=fence.slow)
        self.events.publish(told)
        _resolve(self._waiting.pop(worker, None), Fenced(epoch=epoch, reason=reason))

    def _leave(self, leave: Leave) -> None:
        worker, finish = leave.worker, leave.finish
        if not leave.in_tick:
            for grown in self.board.conclude(worker, finish):
                self.events.publish(grown)
        finished = WorkerFinished(worker=worker, reason=finish.reason, answer=finish.answer)
        self._rules.pop(worker, None)
        self.events.publish(finished)
        _resolve(self._waiting.pop(worker, None), finished)

    def _close(self, close: Close) -> None:
        closed = Closed(
            reason=close.reason, answer=close.answer, found_by=close.found_by, failed=close.failed
        )
        if not self.events.ended:
            self.events.publish(closed)
        self._over.set()
        self._rules.clear()
        for joining in self._joining.values():
            _resolve(joining, closed)
        for waiting in self._waiting.values():
            _resolve(waiting, closed)
        self._joining.clear()
        self._waiting.clear()

    def _set_alarm(self, at: float) -> None:
        deadline = self.core.tick_deadline or CLOCK_STEP
        step = min(CLOCK_STEP, deadline / 8)
        due = math.ceil(at / step) * step
        if due not in self._alarms:
            self._alarms.add(due)
            self._context.start(self._alarm(due))

    async def _alarm(self, due: float) -> None:
        """Read the clock at `due`, or end with the session."""
        async with asyncio.TaskGroup() as group:
            wait = max(0.0, due - self._context.now())
            either = [
                group.create_task(self._context.sleep(wait)),
                group.create_task(self._ended_early()),
            ]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            for task in either:
                task.cancel()
        self._alarms.discard(due)
        self._take(ClockRead(at=max(due, self._context.now())))

    async def _ended_early(self) -> None:
        await self._over.wait()


def _resolve(waiting: asyncio.Future[_T] | None, result: _T) -> bool:
    """Tell whoever waits, if anybody still does; return whether somebody was told."""
    if waiting is None or waiting.done():
        return False
    waiting.set_result(result)
    return True
