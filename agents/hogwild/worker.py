"""A worker: holds the step rule, no model and no torch, and answers the cache's ticks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...actors import Actor, ActorRef, handler
from ...actors.shared_cache import SharedCache  # noqa: TC001  # hints are read at run time
from ...protocols.cache import DelegateResult, Fenced, Joined, Tick
from .messages import WorkerReport, WorkerTask
from .step_rule import StepRule

if TYPE_CHECKING:
    from ...protocols.cache import JoinResult

MAX_REJOINS = 8
"""How often one worker comes back by itself after it was fenced for being slow."""


class Worker(Actor):
    """Writes one part of a session, token by token, under the names it is given.

    It may serve several sessions one after the other, or at once. A life that was fenced for
    being slow joins again under a new epoch; a new life of a dead one resumes from the cache's log.

    Args:
        cache: Where model and blocks are.
    """

    def __init__(self, *, cache: ActorRef[SharedCache]) -> None:
        self._cache = cache

    @handler(concurrent=True)
    async def work(self, task: WorkerTask) -> WorkerReport:
        """Work until the worker's part, or the whole session, is over. Ask without a deadline.

        Raises:
            RemoteError: The cache refused an answer or does not know the session.
            DeadActorError: The cache is gone.
        """
        epochs = 0
        while True:
            joined = await self._join(task)
            if not isinstance(joined, Joined):
                return WorkerReport(worker=task.worker, reason=joined.reason, epochs=epochs)
            epochs += 1
            ended = await self._part(task, joined)
            newer = isinstance(ended, Fenced) and ended.epoch != joined.epoch
            if not isinstance(ended, Fenced) or newer:
                return WorkerReport(worker=task.worker, reason=ended.reason, epochs=epochs)
            self.context.log.info("worker was fenced", worker=task.worker, reason=ended.reason)
            if epochs > MAX_REJOINS:
                reason = f"fenced {epochs} times, at last because {ended.reason}"
                return WorkerReport(worker=task.worker, reason=reason, epochs=epochs, done=False)

    async def _join(self, task: WorkerTask) -> JoinResult:
        return await self._cache.join.options(timeout=None)(task.session, task.worker)

    async def _part(self, task: WorkerTask, joined: Joined) -> DelegateResult:
        if task.delegate is None:
            return await self._steps(task, joined)
        settings = task.settings.plain()
        return await self._cache.delegate.options(timeout=None)(
            task.session, task.worker, joined.epoch, task.delegate, settings
        )

    async def _steps(self, task: WorkerTask, joined: Joined) -> DelegateResult:
        """Answer the admission, then every tick, until something else comes."""
        rule = StepRule(task.worker, task.settings)
        step = self._cache.step.options(timeout=None)
        event: Joined | Tick = joined
        while True:
            answer = rule.handle(event)
            result = await step(task.session, task.worker, joined.epoch, answer)
            if not isinstance(result, Tick):
                return result
            event = result
