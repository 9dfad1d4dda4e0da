from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from passel.actors.cache.errors import (
    EmptyCompletionError,
    InvalidAnswerError,
    InvalidRuleError,
    InvalidSessionError,
    UnknownRuleError,
    UnknownSessionError,
)
from passel.actors.shared_cache import SharedCache
from passel.agents.hogwild import RULE
from passel.protocols.cache import (
    Closed,
    Draw,
    Epoch,
    Finish,
    Joined,
    Next,
    RuleName,
    SessionId,
    TextGrown,
    Tick,
    WorkerFenced,
    WorkerFinished,
    WorkerId,
    WorkerJoined,
)
from tests.actors.cache.stage import delegated, fenced, play, spec_of, staged, work

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from passel.protocols.cache import Answer, SessionSpec, Setting, TickRecord

ALICE, BOB = WorkerId("Alice"), WorkerId("Bob")


async def told(cache: SharedCache, spec: SessionSpec, worker: Any) -> tuple[str, list[TickRecord]]:
    opened = await play(cache, spec, worker)
    return await cache.transcript(opened.session), await cache.records(opened.session)


@pytest.mark.parametrize("layout", ["combined", "contiguous"])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_delegated_rule_gives_the_same_tokens_as_a_worker_elsewhere(
    tiny_folder: Path, workers: int, layout: str
) -> None:
    async def run() -> None:
        async with staged(tiny_folder) as cache:
            spec = spec_of(workers, layout=layout)
            remote = await told(cache, spec, work)
            assert remote == await told(cache, spec, delegated)
            text, records = remote
            assert len(records) > 20
            assert "Alice 3:" in text

    asyncio.run(run())


def test_a_mixed_team_gives_the_same_tokens_too(tiny_folder: Path) -> None:
    async def run() -> None:
        async with staged(tiny_folder) as cache:

            async def either(cache: SharedCache, session: SessionId, name: WorkerId) -> None:
                await (delegated if name == ALICE else work)(cache, session, name)

            assert await told(cache, spec_of(2), either) == await told(cache, spec_of(2), work)

    asyncio.run(run())


@pytest.mark.parametrize("layout", ["combined", "contiguous"])
@pytest.mark.parametrize("ticks", [0, 1, 6, 7, 8, 20])
def test_a_worker_that_died_and_resumed_gives_the_text_of_one_that_lived(
    tiny_folder: Path, layout: str, ticks: int
) -> None:
    async def run() -> None:
        async with staged(tiny_folder) as cache:
            spec = spec_of(1, layout=layout)
            expected, _ = await told(cache, spec, work)
            opened = await cache.open(spec)
            await work(cache, opened.session, ALICE, ticks=ticks)
            await cache.fence(opened.session, ALICE, "killed")
            ended = await work(cache, opened.session, ALICE)
            assert isinstance(ended, WorkerFinished)
            assert await cache.transcript(opened.session) == expected
            log = await cache.log(opened.session, ALICE)
            assert (log.epoch, log.drawn) == (2, 24)

    asyncio.run(run())


def test_the_others_go_on_when_a_worker_is_lost_and_its_text_stays(tiny_folder: Path) -> None:
    async def run() -> None:
        async with staged(tiny_folder) as cache:
            opened = await cache.open(spec_of(2))
            async with asyncio.TaskGroup() as team:
                alice = team.create_task(work(cache, opened.session, ALICE))
                await work(cache, opened.session, BOB, ticks=5)
                written = (await cache.log(opened.session, BOB)).steps
                await cache.fence(opened.session, BOB, "killed")
                ended = await alice
            assert isinstance(ended, WorkerFinished)
            assert (await cache.log(opened.session, BOB)).steps == written
            records = await cache.records(opened.session)
            assert [len(record.fed) for record in records] == [2] * 5 + [1] * (len(records) - 5)
            late = await cache.step(opened.session, BOB, Epoch(1), Next(tokens=(1,)))
            assert fenced(late).reason == "epoch 1 is over"
            assert (await cache.statistics(opened.session)).refused == 1

    asyncio.run(run())


def test_a_cancelled_ask_fences_its_worker_at_once(tiny_folder: Path) -> None:
    """A dead node's asks are cancelled by the runtime: nobody waits for the deadline."""

    async def run() -> None:
        async with staged(tiny_folder) as cache:
            opened = await cache.open(spec_of(2))
            first = Next(begin="I")
            for name in (ALICE, BOB):
                assert isinstance(await cache.join(opened.session, name), Joined)
            waiting = asyncio.ensure_future(cache.step(opened.session, BOB, Epoch(1), first))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            tick = await cache.step(opened.session, ALICE, Epoch(1), first)
            assert isinstance(tick, Tick)
            assert [drawn.worker for drawn in tick.sampled] == [ALICE]

    asyncio.run(run())


def test_listeners_are_told_everything_in_order_also_when_they_come_late(
    tiny_folder: Path,
) -> None:
    async def run() -> None:
        async with staged(tiny_folder) as cache:
            opened = await play(cache, spec_of(2))
            events = [event async for event in cache.events(opened.session)]
            assert {type(event) for event in events[:2]} == {WorkerJoined}
            assert events[-1] == Closed(reason="every worker has finished")
            for name in (ALICE, BOB):
                grown = "".join(
                    event.text
                    for event in events
                    if isinstance(event, TextGrown) and event.worker == name
                )
                log = await cache.log(opened.session, name)
                assert grown == "".join(step.text for step in log.steps)

    asyncio.run(run())


def test_an_answer_ends_the_session_for_everybody_with_the_last_words(tiny_folder: Path) -> None:
    async def run() -> None:
        async with staged(tiny_folder) as cache:
            opened = await cache.open(spec_of(2))
            first = Next(begin="I")
            for name in (ALICE, BOB):
                assert isinstance(await cache.join(opened.session, name), Joined)
            async with asyncio.TaskGroup() as team:
                bob = team.create_task(cache.step(opened.session, BOB, Epoch(1), first))
                await cache.step(opened.session, ALICE, Epoch(1), first)
            assert isinstance(bob.result(), Tick)
            async with asyncio.TaskGroup() as team:
                bob2 = team.create_task(
                    cache.step(opened.session, BOB, Epoch(1), Next(tokens=(1,)))
                )
                await asyncio.sleep(0)
                found = Finish(reason="answer", tokens=(33,), answer="4")
                left = await cache.step(opened.session, ALICE, Epoch(1), found)
            assert left == WorkerFinished(worker=ALICE, reason="answer", answer="4")
            closed = bob2.result()
            assert closed == Closed(reason="answer found", answer="4", found_by=ALICE)
            assert await cache.join(opened.session, BOB) == closed
            assert (await cache.transcript(opened.session)).startswith("IB"), "the last word"

    asyncio.run(run())


def test_a_full_context_ends_the_session_without_calling_it_a_failure(tiny_folder: Path) -> None:
    async def run() -> None:
        async with staged(tiny_folder, max_tokens=90) as cache:
            opened = await play(cache, spec_of(2))
            events = [event async for event in cache.events(opened.session)]
            assert isinstance(events[-1], Closed)
            assert "the context is full" in events[-1].reason
            assert not events[-1].failed
            said = await cache.complete(opened.session, "x" * 500, 4)
            assert said.seconds >= 0

    asyncio.run(run())


def test_a_prompt_that_does_not_fit_is_refused(tiny_folder: Path) -> None:
    async def run() -> None:
        async with staged(tiny_folder, max_tokens=10) as cache:
            with pytest.raises(InvalidSessionError, match="too long"):
                await cache.open(spec_of(1))

    asyncio.run(run())


def test_a_model_that_fails_ends_the_session_and_not_the_cache(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with staged(tiny_folder) as cache:
            opened = await cache.open(spec_of(1))
            live = cache._sessions[opened.session]
            monkeypatch.setattr(live.memory, "run", lambda *_: 1 / 0)
            ended = await work(cache, opened.session, ALICE)
            assert isinstance(ended, Closed)
            assert ended.failed
            assert "ZeroDivisionError" in ended.reason
            assert (await cache.statistics(opened.session)).seconds == 0.0
            again = await play(cache, spec_of(1))
            assert (await cache.statistics(again.session)).drawn == 24

    asyncio.run(run())


class BrokenRule:
    """Fails at its first tick."""

    @classmethod
    def load(cls, worker: WorkerId, settings: Mapping[str, Setting]) -> BrokenRule:
        """Return one."""
        return cls()

    def handle(self, event: Joined | Tick) -> Answer:
        """Begin, then fail."""
        if isinstance(event, Joined):
            return Next(begin="I")
        raise RuntimeError("no idea")


def test_a_step_that_is_no_text_ends_its_session_and_not_the_cache(tiny_folder: Path) -> None:
    """A delegated rule may say anything; half a surrogate pair has no ids."""

    async def run() -> None:
        async with staged(tiny_folder) as cache:
            opened = await cache.open(spec_of(1))
            assert isinstance(await cache.join(opened.session, ALICE), Joined)
            ended = await cache.step(opened.session, ALICE, Epoch(1), Next(begin="\ud800"))
            assert isinstance(ended, Closed)
            assert ended.failed
            assert "tick 1 failed" in ended.reason

    asyncio.run(run())


def test_a_worker_s_last_words_are_told_before_its_end(tiny_folder: Path) -> None:
    async def run() -> None:
        async with staged(tiny_folder) as cache:
            opened = await play(cache, spec_of(2))
            events = [event async for event in cache.events(opened.session)]
            for name in (ALICE, BOB):
                kinds = [type(e) for e in events if getattr(e, "worker", None) == name]
                assert kinds[-1] is WorkerFinished

    asyncio.run(run())


@pytest.mark.parametrize("workers", [1, 2])
def test_every_drawn_token_is_in_the_log_the_last_one_too(tiny_folder: Path, workers: int) -> None:
    """No tick follows the end of the last worker: its last words are noted without one."""

    async def run() -> None:
        async with staged(tiny_folder) as cache:
            opened = await play(cache, spec_of(workers))
            for name in (ALICE, BOB)[:workers]:
                log = await cache.log(opened.session, name)
                assert sum(len(step.tokens) - step.forced for step in log.steps) == log.drawn

    asyncio.run(run())


def test_records_that_were_read_do_not_grow(tiny_folder: Path) -> None:
    """In one process a result is handed on by reference: it must not be the cache's own list."""

    async def run() -> None:
        async with staged(tiny_folder) as cache:
            opened = await cache.open(spec_of(1))
            before = await cache.records(opened.session)
            await work(cache, opened.session, ALICE)
            assert before == []
            assert len(await cache.records(opened.session)) > 20

    asyncio.run(run())


def test_a_rule_that_fails_costs_its_worker_and_not_the_team(tiny_folder: Path) -> None:
    broken = RuleName(f"{__name__}:BrokenRule")

    async def run() -> None:
        async with staged(tiny_folder, rules=(broken, RULE)) as cache:
            opened = await cache.open(spec_of(2))

            async def break_down() -> None:
                assert isinstance(await cache.join(opened.session, BOB), Joined)
                ended = await cache.delegate(opened.session, BOB, Epoch(1), broken, {})
                assert "no idea" in fenced(ended).reason

            async with asyncio.TaskGroup() as team:
                team.create_task(break_down())
                ended = await work(cache, opened.session, ALICE)
            assert isinstance(ended, WorkerFinished)
            await cache.finish(opened.session, "enough")
            events = [event async for event in cache.events(opened.session)]
            assert [e.worker for e in events if isinstance(e, WorkerFenced)] == [BOB]

    asyncio.run(run())


def test_what_makes_no_sense_is_refused_by_name(tiny_folder: Path) -> None:
    async def run() -> None:
        async with staged(tiny_folder) as cache:
            opened = await cache.open(spec_of(1))
            session = opened.session
            with pytest.raises(UnknownSessionError, match="nowhere"):
                await cache.join(SessionId("nowhere"), ALICE)
            with pytest.raises(InvalidAnswerError, match="the session has Alice"):
                await cache.join(session, BOB)
            joined = await cache.join(session, ALICE)
            assert isinstance(joined, Joined)
            with pytest.raises(InvalidAnswerError, match="neither ids"):
                await cache.step(session, ALICE, joined.epoch, Next())
            with pytest.raises(UnknownRuleError, match="os:system"):
                await cache.delegate(session, ALICE, joined.epoch, RuleName("os:system"), {})
            with pytest.raises(EmptyCompletionError, match="no text to continue"):
                await cache.complete(session, "", 4)
            await cache.drop(session)
            with pytest.raises(UnknownSessionError):
                await cache.log(session, ALICE)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("workers", "complaint"),
    [((), "1 to 8"), (("A", "A"), "1 to 8"), (("A/B",), "slash"), (tuple("ABCDEFGHI"), "1 to 8")],
)
def test_a_session_without_a_proper_team_is_refused(
    tiny_folder: Path, workers: tuple[str, ...], complaint: str
) -> None:
    async def run() -> None:
        async with staged(tiny_folder) as cache:
            with pytest.raises(InvalidSessionError, match=complaint):
                await cache.open(spec_of(1, workers=workers))

    asyncio.run(run())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"tick_deadline": 0.0}, "tick_deadline is 0.0"),
        ({"tick_deadline": float("nan")}, "tick_deadline is nan"),
        ({"join_deadline": -1.0}, "join_deadline is -1.0"),
        ({"max_misses": 0}, "max_misses is 0"),
        ({"draw": Draw(temperature=-1.0)}, "temperature must be"),
    ],
)
def test_a_session_with_senseless_numbers_is_refused_by_name(
    tiny_folder: Path, changes: dict[str, Any], complaint: str
) -> None:
    async def run() -> None:
        async with staged(tiny_folder) as cache:
            with pytest.raises(InvalidSessionError, match=complaint):
                await cache.open(spec_of(1, **changes))

    asyncio.run(run())


@pytest.mark.parametrize("path", ["nowhere:Rule", "passel.agents.hogwild", "os:getcwd", "os:no"])
def test_a_cache_is_not_built_with_rules_that_are_none(path: str) -> None:
    with pytest.raises(InvalidRuleError, match=f"{path} is no step rule"):
        SharedCache(model="any", rules=(path,))


def test_an_ended_session_makes_room_for_a_new_one_and_an_open_one_does_not(
    tiny_folder: Path,
) -> None:
    async def run() -> None:
        async with staged(tiny_folder, max_sessions=2) as cache:
            first = (await cache.open(spec_of(1))).session
            await cache.open(spec_of(1))
            with pytest.raises(InvalidSessionError, match="2 sessions are open"):
                await cache.open(spec_of(1))
            await cache.finish(first, "its opener is gone")
            await cache.open(spec_of(1))
            with pytest.raises(UnknownSessionError):
                await cache.transcript(first)

    asyncio.run(run())
