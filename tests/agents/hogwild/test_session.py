"""Whole sessions: workers in processes of their own, on a tiny random model."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from passel import Runtime
from passel.actors.shared_cache import SharedCache
from passel.agents.hogwild import (
    RULE,
    CacheLostError,
    Prepared,
    Session,
    Solution,
    StepSettings,
    TeamLostError,
    TeamSettings,
    Worker,
    WorkerLost,
    WorkerReturned,
)
from passel.protocols.cache import Draw, TextGrown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from passel import ActorRef

pytestmark = pytest.mark.process

LIVELY = Draw(temperature=1.0, seed=11, ban_ends=True)


def settings(tokens: int, **changes: Any) -> TeamSettings:
    fields: dict[str, Any] = {
        "draw": LIVELY,
        "steps": StepSettings(max_tokens=tokens, max_step_tokens=12),
        "tick_deadline": None,
    }
    return TeamSettings(**(fields | changes))


@dataclass
class Heard:
    """What a session's audience was told."""

    events: list[object] = field(default_factory=list)

    def text(self, worker: str) -> str:
        """Return all that a worker wrote."""
        grown = (event for event in self.events if isinstance(event, TextGrown))
        return "".join(event.text for event in grown if event.worker == worker)

    def all(self, kind: type[Any]) -> list[Any]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def team(
    model: Path | str,
    tmp_path: Path,
    size: int,
    told: TeamSettings,
    *,
    lives: int = 3,
    apart: bool = False,
    dtype: str = "float64",
) -> AsyncIterator[tuple[Runtime, ActorRef[Session]]]:
    """Start a cache here, workers in processes of their own, and a session."""
    # A worker that hangs is the cache's to fence here, before the leader would declare it dead.
    async with Runtime(name="team", run_directory=tmp_path, node_silence=60.0) as runtime:
        if apart:
            await runtime.start_node("models")
        node = "models" if apart else ""
        cache = await runtime.options(name="cache", node=node).spawn(
            SharedCache, model=str(model), dtype=dtype, threads=1, rules=[RULE]
        )
        workers = []
        for number in range(size):
            await runtime.start_node(f"w{number}", max_restarts=lives)
            spawner = runtime.options(name=f"worker-{number}", node=f"w{number}")
            workers.append(await spawner.spawn(Worker, cache=cache))
        session = await runtime.spawn(Session, cache=cache, workers=workers, settings=told)
        yield runtime, session


async def listen(
    session: ActorRef[Session], on_text: Callable[[TextGrown], None] | None = None
) -> Heard:
    heard = Heard()
    async for event in session.solve_live.options(timeout=50.0)("2 + 2?", "4"):
        heard.events.append(event)
        if on_text is not None and isinstance(event, TextGrown):
            on_text(event)
    return heard


def killer(runtime: Runtime, node: str, worker: str, *, after: int) -> Callable[[TextGrown], None]:
    """Return a listener that kills a node's process once its worker has written enough."""
    seen: list[str] = []

    def kill(event: TextGrown) -> None:
        if event.worker == worker:
            seen.append(event.text)
            if len(seen) == after:
                os.kill(runtime.pid_of(node), signal.SIGKILL)

    return kill


def test_a_team_in_other_processes_solves_and_gives_the_same_text_when_it_delegates(
    tiny_folder: Path, tmp_path: Path
) -> None:
    async def run(*, delegate: bool) -> Heard:
        told = settings(40, delegate=delegate)
        async with team(tiny_folder, tmp_path, 2, told) as (_, session):
            return await listen(session)

    remote, delegated = asyncio.run(run(delegate=False)), asyncio.run(run(delegate=True))
    for heard in (remote, delegated):
        assert isinstance(heard.events[0], Prepared)
        assert isinstance(heard.events[-1], Solution)
        assert heard.events[-1].tokens == 80
        assert (heard.events[-1].known, heard.events[-1].lost) == ("4", 0)
    for name in ("Alice", "Bob"):
        assert remote.text(name) == delegated.text(name)
        assert f"{name} [2]" in remote.text(name)


def test_a_killed_worker_returns_and_the_others_go_on(tiny_folder: Path, tmp_path: Path) -> None:
    async def run() -> Heard:
        async with team(tiny_folder, tmp_path, 2, settings(150)) as (runtime, session):
            return await listen(session, killer(runtime, "w1", "Bob", after=20))

    heard = asyncio.run(run())
    (lost,) = heard.all(WorkerLost)
    assert lost.lost == "Bob"
    assert "SIGKILL" in lost.cause
    (returned,) = heard.all(WorkerReturned)
    assert (returned.returned, returned.epoch) == ("Bob", 2)
    solution = heard.events[-1]
    assert isinstance(solution, Solution)
    assert (solution.tokens, solution.lost) == (300, 1)


def test_a_killed_worker_alone_resumes_with_the_text_it_would_have_written(
    tiny_folder: Path, tmp_path: Path
) -> None:
    async def run(after: int) -> Heard:
        async with team(tiny_folder, tmp_path, 1, settings(60)) as (runtime, session):
            return await listen(session, killer(runtime, "w0", "Alice", after=after))

    lived, died = asyncio.run(run(1000)), asyncio.run(run(15))
    assert died.text("Alice") == lived.text("Alice")
    assert len(died.all(WorkerReturned)) == 1


def test_a_team_that_is_lost_for_good_ends_with_an_error_that_names_the_cause(
    tiny_folder: Path, tmp_path: Path
) -> None:
    async def run() -> None:
        told = settings(500, return_deadline=1.0)
        async with team(tiny_folder, tmp_path, 1, told, lives=0) as (runtime, session):
            await listen(session, killer(runtime, "w0", "Alice", after=10))

    with pytest.raises(TeamLostError, match="SIGKILL"):
        asyncio.run(run())


def test_the_others_finish_when_one_never_comes_back(tiny_folder: Path, tmp_path: Path) -> None:
    async def run() -> Heard:
        told = settings(60, return_deadline=0.5, join_deadline=None)
        async with team(tiny_folder, tmp_path, 2, told, lives=0) as (runtime, session):
            return await listen(session, killer(runtime, "w1", "Bob", after=10))

    heard = asyncio.run(run())
    assert isinstance(heard.events[-1], Solution)
    assert heard.events[-1].lost == 1
    assert len(heard.text("Alice")) > len(heard.text("Bob"))


def test_a_worker_that_hangs_is_fenced_after_three_misses(
    tiny_folder: Path, tmp_path: Path
) -> None:
    async def run() -> Heard:
        told = settings(40, tick_deadline=0.3, join_deadline=3.0)
        async with team(tiny_folder, tmp_path, 2, told) as (runtime, session):
            pid = runtime.pid_of("w1")
            stopped: list[int] = []

            def freeze(event: TextGrown) -> None:
                if event.worker == "Bob" and not stopped:
                    stopped.append(pid)
                    os.kill(pid, signal.SIGSTOP)

            try:
                return await listen(session, freeze)
            finally:
                os.kill(pid, signal.SIGCONT)

    heard = asyncio.run(run())
    assert [event.lost for event in heard.all(WorkerLost)] == ["Bob"]
    assert isinstance(heard.events[-1], Solution)


def test_a_lost_cache_ends_the_session_with_an_error_that_names_the_cause(
    tiny_folder: Path, tmp_path: Path
) -> None:
    async def run() -> None:
        told = settings(400)
        async with team(tiny_folder, tmp_path, 1, told, apart=True) as (runtime, session):
            await listen(session, killer(runtime, "models", "Alice", after=10))

    with pytest.raises(CacheLostError, match="SIGKILL"):
        asyncio.run(run())


@pytest.mark.model
def test_a_real_model_writes_steps_for_workers_in_two_processes(tmp_path: Path) -> None:
    async def run() -> Heard:
        told = TeamSettings(steps=StepSettings(max_tokens=40), tick_deadline=None)
        async with team("smollm2-135m", tmp_path, 2, told, dtype="float32") as (_, session):
            return await listen(session)

    heard = asyncio.run(run())
    prepared, solution = heard.events[0], heard.events[-1]
    assert isinstance(prepared, Prepared)
    assert prepared.prompt_tokens <= 800
    assert isinstance(solution, Solution)
    assert solution.answer
    for name in ("Alice", "Bob"):
        assert heard.text(name).startswith(f"**{name} [1]:** ")
        assert len(heard.text(name)) > 60
