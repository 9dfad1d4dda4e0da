"""Runs a shared cache without a runtime: its context, and workers that are plain loops."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import structlog

from passel.actors.shared_cache import SharedCache
from passel.agents.hogwild import RULE, StepRule, StepSettings, team_names
from passel.protocols.cache import (
    ChatTurn,
    DelegateResult,
    Draw,
    Fenced,
    Joined,
    Markers,
    SessionId,
    SessionOpened,
    SessionSpec,
    Tick,
    WorkerId,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

SETTINGS = StepSettings(
    prefix="{name} {step}:", check=" check:", check_every=40, max_tokens=24, max_step_tokens=7
)


class StageContext:
    """What the cache is given: real time, blocking work in place, tasks of one group."""

    name = "cache"

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.log = structlog.get_logger()
        self.random = random.Random(0)
        self.tasks: list[asyncio.Task[None]] = []
        self._group = group

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run in the background."""
        self.tasks.append(self._group.create_task(work))

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def run_blocking(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run in place, behind one turn of the loop."""
        await asyncio.sleep(0)
        return function(*args)


@asynccontextmanager
async def staged(
    folder: Path,
    *,
    rules: tuple[str, ...] = (RULE,),
    max_tokens: int | None = None,
    max_sessions: int = 16,
) -> AsyncIterator[SharedCache]:
    """Give a cache that has loaded its model."""
    async with asyncio.TaskGroup() as group:
        cache = SharedCache(
            model=str(folder),
            dtype="float64",
            rules=rules,
            max_tokens=max_tokens,
            max_sessions=max_sessions,
        )
        context = StageContext(group)
        cache.context = context  # type: ignore[assignment]  # the parts of a context it uses
        await cache.started()
        yield cache
        for task in context.tasks:
            task.cancel()


def spec_of(team: int, **changes: Any) -> SessionSpec:
    """Return a session that draws lively text and waits for ever."""
    fields: dict[str, Any] = {
        "turns": (ChatTurn(role="user", content="2+2?"),),
        "workers": team_names(team),
        "markers": Markers(past="past:", others="others:", own="own:"),
        "draw": Draw(temperature=1.0, seed=7, ban_ends=True),
        "tick_deadline": None,
        "join_deadline": None,
    }
    return SessionSpec(**(fields | changes))


async def work(
    cache: SharedCache, session: SessionId, name: WorkerId, *, ticks: int | None = None
) -> DelegateResult | None:
    """Work as a worker does; with `ticks`, vanish without a word after so many."""
    joined = await cache.join(session, name)
    assert isinstance(joined, Joined)
    rule = StepRule(name, SETTINGS)
    event: Joined | Tick = joined
    seen = 0
    while ticks is None or seen < ticks:
        result = await cache.step(session, name, joined.epoch, rule.handle(event))
        if not isinstance(result, Tick):
            return result
        event, seen = result, seen + 1
    return None


async def delegated(cache: SharedCache, session: SessionId, name: WorkerId) -> DelegateResult:
    """Work by delegating."""
    joined = await cache.join(session, name)
    assert isinstance(joined, Joined)
    return await cache.delegate(session, name, joined.epoch, RULE, SETTINGS.plain())


async def play(cache: SharedCache, spec: SessionSpec, worker: Any = work) -> SessionOpened:
    """Open a session and let its whole team work until the end."""
    opened = await cache.open(spec)
    async with asyncio.TaskGroup() as team:
        for name in spec.workers:
            team.create_task(worker(cache, opened.session, name))
    return opened


def fenced(result: object) -> Fenced:
    """Return a result that must say that its asker was fenced."""
    assert isinstance(result, Fenced)
    return result
