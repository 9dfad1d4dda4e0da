"""One question on its way to its answer: plan, fetch, join, and perhaps plan again."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ...protocols.errors import PasselError
from ...protocols.plan import PlanEnded, PlannedTask, TaskId, TaskOutcome
from ..notation.verdict import Finished, Replan, Unreadable
from ..spans import CHAT, PLAN
from ..toolrun.start_call import StartCall
from .dispatch import Dispatcher, references_in
from .events import Planned, Settle
from .fetching import FetchingUnit
from .journal import KeptRound, PlanKept, RunForgotten, RunKept, TaskKept, VerdictKept
from .messages import (
    Answer,
    BudgetSpent,
    JoinerFailed,
    Judged,
    PlanGrown,
    PlannerFailed,
    ReplanLimitReached,
    Round,
    RunBegan,
    TaskPlanned,
    TaskSettled,
    TaskStarted,
    VerdictGrown,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from ...actors import ActorRef
    from ...protocols.chat import Usage
    from ...protocols.plan import PlanItem
    from ..notation.verdict import Verdict
    from ..spans import Spans
    from ..toolrun.budget import Account
    from ..toolrun.catalogue import Catalogue
    from .events import Effect, Event
    from .joiner import Joiner
    from .journal import Entry, RunJournal
    from .messages import CompilerSettings, RunEvent, RunId, Shortfall
    from .planner import Planner

_USAGE_SECONDS: Final = 0.5
"""How long the end of a run waits for planners that have yet to say what they took."""


@dataclass(slots=True)
class _Progress:
    """What has happened so far.

    Attributes:
        rounds: The rounds that are over, and the one that waits for its verdict.
        settled: All outcomes, by number.
        planners: Planners that may still say what they took.
        tasks: Tasks that were planned.
        first_call: When a tool was first called.
        thought: What the joiner thought last.
    """

    rounds: list[Round] = field(default_factory=list)
    settled: dict[TaskId, TaskOutcome] = field(default_factory=dict)
    planners: list[asyncio.Task[None]] = field(default_factory=list)
    tasks: int = 0
    first_call: float | None = None
    thought: str = ""


class Run:
    """Answers one question.

    Args:
        run: Its name.
        question: What is to be answered.
        planner: Writes plans.
        joiner: Judges them.
        catalogue: Where the tools are.
        settings: How it works.
        journal: What keeps results for a resumed run, if anything does.
        kept: What is kept of it already; None if it begins.
        now: Returns monotonic seconds.
        spans: Makes OpenTelemetry's spans, or none.
        tell: Is given every event.
    """

    def __init__(
        self,
        run: RunId,
        question: str,
        *,
        planner: Planner,
        joiner: Joiner,
        catalogue: Catalogue,
        account: Account,
        settings: CompilerSettings,
        journal: ActorRef[RunJournal] | None,
        kept: list[KeptRound] | None,
        now: Callable[[], float],
        began: float,
        spans: Spans,
        tell: Callable[[RunEvent], None],
    ) -> None:
        self._run = run
        self._question = question
        self._planner = planner
        self._joiner = joiner
        self._catalogue = catalogue
        self._account = account
        self._settings = settings
        self._journal = journal
        self._kept = kept
        self._now = now
        self._began = began
        self._spans = spans
        self._tell = tell
        self._progress = _Progress()

    async def carry_out(self) -> Answer:
        """Answer the question, or say why not; the last event is the same answer."""
        with self._spans.agent("compiler", self._run) as span:
            answer = await self._answered()
            span.used(answer.spent)
            return answer

    async def _answered(self) -> Answer:
        resumed = self._kept is not None
        tools = tuple(spec.name for spec in self._catalogue.specs)
        self._tell(RunBegan(run=self._run, question=self._question, tools=tools, resumed=resumed))
        if not resumed:
            await self._keep(RunKept(self._run))
        try:
            async with asyncio.TaskGroup() as group:
                end = await self._rounds(group, self._kept or [])
                await self._hear_planners()
                for task in self._progress.planners:
                    task.cancel()
        except ExceptionGroup as failures:  # such as a journal's; those of models and tools are no
            raise failures.exceptions[0] from None
        self._catalogue.withdraw()
        await self._keep(RunForgotten(self._run))
        answer = self._answer(end)
        self._tell(answer)
        return answer

    # --- Rounds ----------------------------------------------------------------------------------

    async def _rounds(
        self, group: asyncio.TaskGroup, kept: list[KeptRound]
    ) -> Finished | Shortfall:
        """Go round until there is an answer, or there cannot be one."""
        number = 0
        while True:
            before = kept[number] if number < len(kept) else KeptRound()
            end = await self._round(group, number, before)
            if not isinstance(end, Replan):
                return end
            number += 1

    async def _round(
        self, group: asyncio.TaskGroup, number: int, kept: KeptRound
    ) -> Finished | Replan | Shortfall:
        self._account.planned()
        dispatcher = Dispatcher(
            self._catalogue.policies,
            run=self._run,
            settled=self._progress.settled,
            journal={outcome.id: outcome for outcome in kept.outcomes},
            account=self._account,
        )
        planned: list[PlannedTask] = []
        outcomes: list[TaskOutcome] = []
        unit = FetchingUnit(
            dispatcher,
            self._call,
            group=group,
            now=self._now,
            observe=lambda happened: self._observe(number, planned, outcomes, happened),
            keep=None if self._journal is None else lambda o: self._keep_task(number, o, kept),
        )
        with self._spans.step(PLAN, number + 1):
            fetching = group.create_task(unit.run(self._plan(number, kept)))
            early = await self._join_early(number, unit, fetching, planned, outcomes)
            await fetching
        if unit.planning is not None:
            self._progress.planners.append(unit.planning)
        self._progress.settled = dispatcher.outcomes
        self._progress.rounds.append(Round(outcomes=tuple(sorted(outcomes, key=lambda o: o.id))))
        if unit.failure is not None:
            cause = type(unit.failure).__name__
            return self._spent() or PlannerFailed(error=str(unit.failure), cause=cause)
        spent = self._spent()
        if spent is not None and early is None:
            return spent
        out_of_calls = dispatcher.exhausted == "calls"
        last = out_of_calls or not self._account.may_replan()
        return await self._join(number, early or kept.verdict, last=last)

    async def _join_early(
        self,
        number: int,
        unit: FetchingUnit,
        fetching: asyncio.Task[None],
        planned: list[PlannedTask],
        outcomes: list[TaskOutcome],
    ) -> Finished | None:
        """Ask the joiner while calls still run, if that is wanted; an answer of it cancels them."""
        if self._settings.join_early is None:
            return None
        await asyncio.wait({fetching}, timeout=self._settings.join_early)
        if fetching.done() or not unit.closed or not any(o.ending == "done" for o in outcomes):
            return None
        settled = {outcome.id for outcome in outcomes}
        running = [_running(task) for task in planned if task.id not in settled]
        try:
            verdict = await self._judge(number, [*outcomes, *running], last=False)
        except PasselError:
            return None  # it is asked again when all tasks have ended, and that error counts
        if not isinstance(verdict, Finished):
            return None
        if not fetching.done():
            unit.abandon("the answer is there without it")
        return verdict

    async def _call(self, start: StartCall) -> Any:
        with self._spans.tool(start.tool, start.key):
            return await self._catalogue.call(start)

    async def _plan(self, number: int, kept: KeptRound) -> AsyncGenerator[PlanItem | Usage]:
        """Yield the items of a round's plan: as it is kept, or as the planner writes it."""
        rounds = self._progress.rounds
        if kept.plan is not None:
            self._tell(PlanGrown(round=number + 1, text=kept.plan))
            for known in self._planner.read(kept.plan, rounds):
                yield known
            return
        written: list[str] = []

        def wrote(text: str) -> None:
            written.append(text)
            self._tell(PlanGrown(round=number + 1, text=text))

        async with aclosing(self._planner.write(self._question, list(rounds), wrote)) as items:
            async for item in items:
                yield item
                if isinstance(item, PlanEnded):
                    await self._keep(
                        PlanKept(self._run, number, "".join(written), self._account.spent)
                    )

    async def _join(
        self, number: int, known: Verdict | None, *, last: bool
    ) -> Finished | Replan | Shortfall:
        """Take the verdict that is known, or ask for one, and say what follows from it."""
        outcomes = self._progress.rounds[-1].outcomes
        try:
            verdict = known or await self._judge(number, outcomes, last=last)
        except PasselError as error:
            return self._spent() or JoinerFailed(error=str(error), cause=type(error).__name__)
        self._tell(Judged(round=number + 1, at=self._seconds(), verdict=verdict))
        await self._keep(VerdictKept(self._run, number, verdict, self._account.spent))
        if isinstance(verdict, Unreadable):
            return self._spent() or JoinerFailed(error=verdict.reason, cause="Unreadable")
        self._progress.thought = verdict.thought
        rounds = self._progress.rounds
        rounds[-1] = Round(outcomes=rounds[-1].outcomes, verdict=verdict)
        if isinstance(verdict, Finished):
            return verdict
        if not last:
            return self._spent() or verdict
        if not self._account.may_replan():
            made = self._account.spent.rounds - 1
            return ReplanLimitReached(replans=made, feedback=verdict.feedback)
        return BudgetSpent(what="calls", limit=self._account.limit("calls"))

    async def _judge(self, number: int, outcomes: Sequence[TaskOutcome], *, last: bool) -> Verdict:
        timeout = self._settings.model_timeout
        if self._account.until is not None:
            timeout = max(0.0, min(timeout, self._account.until - self._now()))
        with self._spans.step(CHAT, number + 1):
            return await self._joiner.judge(
                self._question,
                [*self._progress.rounds[:number], Round(outcomes=tuple(outcomes))],
                last=last,
                wrote=lambda text: self._tell(VerdictGrown(round=number + 1, text=text)),
                used=self._account.used,
                timeout=timeout,
            )

    def _spent(self) -> BudgetSpent | None:
        what = self._account.exhausted(self._now())
        return None if what is None else BudgetSpent(what=what, limit=self._account.limit(what))

    # --- What is told and kept -------------------------------------------------------------------

    def _observe(
        self,
        number: int,
        planned: list[PlannedTask],
        outcomes: list[TaskOutcome],
        happened: Event | Effect,
    ) -> None:
        progress, at = self._progress, self._seconds()
        match happened:
            case Planned(task=PlannedTask() as task):
                progress.tasks += 1
                planned.append(task)
                needs = tuple(dict.fromkeys(references_in((task.arguments, task.keywords))))
                self._tell(
                    TaskPlanned(
                        round=number + 1,
                        at=at,
                        task=task.id,
                        tool=task.tool,
                        text=task.text,
                        needs=needs,
                    )
                )
            case Planned():
                progress.tasks += 1
            case StartCall(task=number_of, attempt=attempt, tool=tool):
                if progress.first_call is None:
                    progress.first_call = at
                self._tell(
                    TaskStarted(round=number + 1, at=at, task=number_of, tool=tool, attempt=attempt)
                )
            case Settle(outcome):
                outcomes.append(outcome)
                self._tell(TaskSettled(round=number + 1, at=at, outcome=outcome))

    async def _keep_task(self, number: int, outcome: TaskOutcome, kept: KeptRound) -> None:
        if all((known.id, known.text) != (outcome.id, outcome.text) for known in kept.outcomes):
            await self._keep(TaskKept(self._run, number, outcome, self._account.spent))

    async def _keep(self, entry: Entry) -> None:
        if self._journal is not None:
            await self._journal.keep.options(key=True)(entry)

    async def _hear_planners(self) -> None:
        """Wait a little for what planners took: they say so behind the last line of their plans."""
        waiting = [task for task in self._progress.planners if not task.done()]
        if waiting:
            await asyncio.wait(waiting, timeout=_USAGE_SECONDS)

    def _seconds(self) -> float:
        return round(self._now() - self._began, 6)

    def _answer(self, end: Finished | Shortfall) -> Answer:
        progress = self._progress
        finished = isinstance(end, Finished)
        outcomes: list[Any] = [o for done in progress.rounds for o in done.outcomes]
        return Answer(
            answer=end.answer if isinstance(end, Finished) else None,
            shortfall=None if isinstance(end, Finished) else end,
            thought=progress.thought if finished else "",
            rounds=self._account.spent.rounds,
            tasks=progress.tasks,
            failed=sum(outcome.ending != "done" for outcome in outcomes),
            spent=self._account.spent,
            first_call_seconds=progress.first_call,
            seconds=self._seconds(),
            note=self._settings.note,
        )


def _running(task: PlannedTask) -> TaskOutcome:
    """Return what an early joiner is told of a task that has not ended."""
    return TaskOutcome(
        id=task.id,
        tool=task.tool,
        text=task.text,
        thought=task.thought,
        ending="abandoned",
        error="it has not ended yet; finish only if the answer is there without it",
    )
