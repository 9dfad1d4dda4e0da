"""A session: tells the team its problem, watches over it, gathers the answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator  # noqa: TC003  # hints are read at run time
from contextlib import aclosing
from dataclasses import dataclass, field

from msgspec.structs import replace

from ...actors import Actor, ActorRef, handler
from ...actors.shared_cache import SharedCache  # noqa: TC001  # hints are read at run time
from ...protocols.cache import (
    CacheEvent,
    Closed,
    RuleName,
    SessionId,
    SessionSpec,
    TextGrown,
    WorkerFenced,
    WorkerId,
    WorkerJoined,
)
from ...protocols.errors import DeadActorError, PasselError
from .answers import boxed, same_answer
from .errors import CacheLostError, ModelFailedError, SolveError, TeamLostError, TeamSizeError
from .messages import (
    Prepared,
    Solution,
    SolveEvent,
    TeamSettings,
    WorkerLost,
    WorkerReturned,
    WorkerTask,
)
from .prompts import NAMES, SUFFIX, Prompt, team_names, team_prompt
from .worker import Worker  # noqa: TC001  # hints are read at run time

RULE = RuleName("passel.agents.hogwild:StepRule")
"""The step rule's name in the `rules` of a cache."""

FINISHER = "finisher"
"""Named as the finder when the time was up and a plain stream had to say the answer."""

_FIRST_PAUSE = 0.1
"""Seconds before a dead worker is asked again; doubles up to a second."""


@dataclass(slots=True)
class _Run:
    """One problem on its way."""

    session: SessionId
    names: tuple[WorkerId, ...]
    prompt: Prompt
    began: float
    events: asyncio.Queue[CacheEvent | WorkerLost | PasselError] = field(
        default_factory=asyncio.Queue
    )
    over: asyncio.Event = field(default_factory=asyncio.Event)
    causes: dict[str, str] = field(default_factory=dict)
    mourned: dict[str, int] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)
    prompt_seconds: float = 0.0
    first_text: float | None = None


class Session(Actor):
    """Solves problems with a team of workers on one shared cache.

    A dead worker is fenced and the others go on; when its actor is started again it resumes from
    the cache's token log. When none is left, solving ends with a `TeamLostError`, never with a hang.

    Args:
        cache: Where model and blocks are.
        workers: The team, 1 to 8; each takes the next name of `NAMES`.
        settings: How the team works.
        note: Goes into every solution, such as how far the model can be trusted.

    Raises:
        TeamSizeError: There is no worker, or there are too many.
    """

    def __init__(
        self,
        *,
        cache: ActorRef[SharedCache],
        workers: list[ActorRef[Worker]],
        settings: TeamSettings = TeamSettings(),  # noqa: B008  # frozen
        note: str = "",
    ) -> None:
        if not 1 <= len(workers) <= len(NAMES):
            raise TeamSizeError(len(workers), most=len(NAMES))
        self._cache = cache
        self._workers = workers
        self._settings = settings
        self._note = note

    @handler(concurrent=True, raises=(SolveError,))
    async def solve(self, problem: str, known: str = "") -> Solution:
        """Solve `problem`; `known` is an answer to compare with, which the team never sees.

        Raises:
            TeamLostError: Every worker is gone and none came back in time.
            CacheLostError: The cache is gone.
            ModelFailedError: The model failed.
        """
        async with aclosing(self._solve(problem, known)) as events:
            async for event in events:
                if isinstance(event, Solution):
                    return event
        raise AssertionError("a session ends with a solution or an error")

    @handler(raises=(SolveError,))
    async def solve_live(self, problem: str, known: str = "") -> AsyncIterator[SolveEvent]:
        """Solve `problem` as `solve` does; yield the workers' texts as they grow, then the solution."""
        async with aclosing(self._solve(problem, known)) as events:
            async for event in events:
                yield event

    # --- One problem -----------------------------------------------------------------------------

    async def _solve(self, problem: str, known: str) -> AsyncGenerator[SolveEvent]:
        """Open, employ, listen, finish; whatever happens, the cache's memory is freed at the end."""
        began = self.context.now()
        names = team_names(len(self._workers))
        prompt = team_prompt(problem, names, layout=self._settings.layout)
        spec = self._spec(names, prompt)
        opened = await self._cache.open.options(timeout=self._settings.open_timeout)(spec)
        run = _Run(opened.session, names, prompt, began, prompt_seconds=opened.seconds)
        try:
            yield Prepared(
                prompt_tokens=opened.prompt_tokens, seconds=round(opened.seconds, 2), workers=names
            )
            self.context.start(self._supervise(run))
            closed: Closed | None = None
            while closed is None:
                event = await run.events.get()
                if isinstance(event, Closed):
                    closed = event
                for told in self._tell(run, event):
                    yield told
            yield await self._conclude(run, closed, known)
        finally:
            run.over.set()
            with contextlib.suppress(PasselError):
                await self._cache.drop(run.session)

    def _spec(self, names: tuple[WorkerId, ...], prompt: Prompt) -> SessionSpec:
        settings = self._settings
        return SessionSpec(
            turns=prompt.turns,
            workers=names,
            markers=prompt.markers,
            draw=settings.draw,
            layout=settings.layout,
            headers=settings.headers,
            tick_deadline=settings.tick_deadline,
            join_deadline=settings.join_deadline,
        )

    def _tell(
        self, run: _Run, event: CacheEvent | WorkerLost | PasselError
    ) -> list[TextGrown | WorkerLost | WorkerReturned]:
        """Return what the audience is told of an event.

        Raises:
            CacheLostError: The event is an error: the cache is gone.
            TeamLostError: No worker is left, and none will return.
        """
        match event:
            case TextGrown():
                run.first_text = run.first_text or self.context.now()
                return [event]
            case WorkerJoined(worker=worker, epoch=epoch) if epoch > 1:
                return [WorkerReturned(returned=worker, epoch=epoch)]
            case WorkerFenced(worker=worker, reason=reason, slow=True):
                return [WorkerLost(lost=worker, cause=reason)]
            case WorkerLost():
                if run.given_up >= set(run.names):
                    raise TeamLostError(run.causes)
                return [event]
            case PasselError():
                raise CacheLostError(str(event)) from event
            case _:
                return []

    async def _conclude(self, run: _Run, closed: Closed, known: str) -> Solution:
        """Take the found answer, or have the finisher say one.

        Raises:
            ModelFailedError: The model failed.
            TeamLostError: The session ended because nobody was left.
        """
        if closed.failed:
            raise ModelFailedError(closed.reason)
        statistics = await self._cache.statistics(run.session)
        if statistics.drawn == 0:
            raise TeamLostError(run.causes, reason=closed.reason)
        answer, found_by = closed.answer, str(closed.found_by)
        if answer is None:
            answer, found_by = await self._finish(run), FINISHER
        now = self.context.now()
        rate = statistics.drawn / statistics.seconds if statistics.seconds else 0.0
        return Solution(
            answer=answer,
            known=known,
            right=same_answer(answer or "", known) if known else None,
            found_by=found_by,
            tokens=statistics.drawn,
            ticks=statistics.ticks,
            tokens_per_second=round(rate, 1),
            prompt_seconds=round(run.prompt_seconds, 2),
            first_text_seconds=round((run.first_text or now) - run.began, 2),
            seconds=round(now - run.began, 2),
            lost=statistics.fenced,
            note=self._note,
        )

    async def _finish(self, run: _Run) -> str | None:
        """Force an answer: all text so far, and the beginning of a box, continued greedily.

        Hogwild! Inference (arXiv 2504.06261) calls it budget forcing, after s1.
        """
        text = (await self._cache.transcript(run.session)).rstrip() + SUFFIX
        limit = self._settings.answer_tokens
        said = await self._cache.complete.options(timeout=None)(run.session, text, limit)
        whole = boxed("\\boxed{" + said.text)
        line = said.text.strip().partition("\n")[0].strip(" }.")
        return whole or line or None

    # --- The team --------------------------------------------------------------------------------

    async def _supervise(self, run: _Run) -> None:
        """Listen to the cache and employ the workers until the run is over."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._listen(run)),
                group.create_task(self._employ_all(run)),
            ]
            await run.over.wait()
            for task in tasks:
                task.cancel()

    async def _listen(self, run: _Run) -> None:
        try:
            async for event in self._cache.events.options(timeout=None)(run.session):
                run.events.put_nowait(event)
        except PasselError as error:
            run.events.put_nowait(error)

    async def _employ_all(self, run: _Run) -> None:
        """Employ the team; when some have finished and the rest is lost, wait for nobody."""
        async with asyncio.TaskGroup() as team:
            for place in range(len(run.names)):
                team.create_task(self._employ(run, place))
        if run.given_up and not run.given_up >= set(run.names):
            with contextlib.suppress(PasselError):  # the cache's own end is told by the listener
                await self._cache.finish(run.session, "the rest of the team is lost")

    async def _employ(self, run: _Run, place: int) -> None:
        """Have one worker do its part; when it dies, fence it, and ask its next life to resume."""
        name, worker = run.names[place], self._workers[place]
        task = WorkerTask(
            session=run.session,
            worker=name,
            settings=replace(
                self._settings.steps,
                prefix=run.prompt.prefix,
                opening=run.prompt.openings[place],
            ),
            delegate=RULE if self._settings.delegate else None,
        )
        patience = _Patience(self._settings.return_deadline)
        while True:
            try:
                report = await worker.work.options(timeout=None)(task)
                if not report.done:
                    run.causes[name] = report.reason
                    self._give_up(run, name)
            except DeadActorError as error:
                epoch = await self._mourn(run, name, error)
                pause = patience.next(epoch, self.context.now())
                if pause is not None:
                    await self.context.sleep(pause)
                    continue
                self._give_up(run, name)
            except PasselError as error:  # its code or its settings are at fault, not its process
                await self._mourn(run, name, error)
                self._give_up(run, name)
            return

    async def _mourn(self, run: _Run, name: WorkerId, error: PasselError) -> int:
        """Fence a dead worker, tell the audience once per life, return its newest epoch.

        The first error of a death names its cause; later ones only say that nobody is there.
        """
        with contextlib.suppress(PasselError):  # the cache's own end is told by the listener
            await self._cache.fence(run.session, name, str(error).partition("\n")[0])
            epoch = (await self._cache.log(run.session, name)).epoch
            if run.mourned.get(name) != epoch:
                run.mourned[name] = epoch
                run.causes[name] = str(error)
                run.events.put_nowait(WorkerLost(lost=name, cause=str(error)))
            return epoch
        return 0

    def _give_up(self, run: _Run, name: WorkerId) -> None:
        run.given_up.add(name)
        cause = f"it did not come back; {run.causes.get(name, 'the cache is gone')}"
        run.events.put_nowait(WorkerLost(lost=name, cause=cause))


class _Patience:
    """How long a dead worker is waited for: anew after each life that really joined."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._epoch = -1
        self._until = 0.0
        self._pause = _FIRST_PAUSE

    def next(self, epoch: int, now: float) -> float | None:
        """Return seconds to wait before the next try, None when it has taken too long."""
        if epoch != self._epoch:
            self._epoch, self._until, self._pause = epoch, now + self._deadline, _FIRST_PAUSE
        pause, self._pause = self._pause, min(1.0, self._pause * 2)
        return pause if now + pause <= self._until else None
