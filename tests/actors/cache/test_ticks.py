from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from passel.actors.cache.tick_events import (
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
from passel.actors.cache.ticks import WAKE_PAUSE, TickCore
from passel.protocols.cache import Answer, Epoch, Finish, Next, Park, TickNumber, WorkerId

A, B, C = WorkerId("A"), WorkerId("B"), WorkerId("C")
GO = Next(tokens=(1,))
DONE = Finish(reason="end of text")


def answered(worker: WorkerId, answer: Answer = GO, *, epoch: int = 1, at: float = 0) -> Answered:
    return Answered(worker=worker, epoch=Epoch(epoch), answer=answer, at=at)


def done(number: int, at: float = 0) -> TickDone:
    return TickDone(number=TickNumber(number), at=at)


def lost(worker: WorkerId, epoch: int | None = 1) -> WorkerLost:
    return WorkerLost(
        worker=worker, epoch=None if epoch is None else Epoch(epoch), reason="killed", at=0
    )


def play(core: TickCore, *events: Event) -> list[Effect]:
    """Feed the events; return the effects of the last one, clock readings aside."""
    effects: list[Effect] = []
    for event in events:
        effects = core.handle(event)
    return [effect for effect in effects if not isinstance(effect, ReadClock)]


def seated(*workers: WorkerId, tick_deadline: float | None = 2.0) -> TickCore:
    core = TickCore(workers=workers, tick_deadline=tick_deadline)
    play(core, Opened(at=0), *(JoinAsked(worker=worker, at=0) for worker in workers))
    return core


def run_of(effects: list[Effect]) -> tuple[int, list[str], list[str]]:
    (run,) = (effect for effect in effects if isinstance(effect, RunTick))
    return run.number, [turn.worker for turn in run.turns], list(run.missed)


def test_the_first_tick_waits_until_all_have_joined_and_answered() -> None:
    core = TickCore(workers=(A, B))
    play(core, Opened(at=0), JoinAsked(worker=A, at=0))
    assert play(core, answered(A)) == []
    assert play(core, JoinAsked(worker=B, at=1)) == [Admit(worker=B, epoch=Epoch(1))]
    assert run_of(play(core, answered(B, at=1))) == (1, [A, B], [])


def test_a_tick_is_delivered_to_those_in_it_and_the_next_waits_for_all() -> None:
    core = seated(A, B)
    play(core, answered(B), answered(A))
    assert play(core, done(1)) == [Deliver(workers=(A, B))]
    assert play(core, answered(A)) == []
    assert run_of(play(core, answered(B))) == (2, [A, B], [])


def test_turns_come_in_the_session_s_order_whoever_answers_first() -> None:
    core = seated(A, B, C)
    assert run_of(play(core, answered(C), answered(A), answered(B)))[1] == [A, B, C]


def test_one_that_misses_the_deadline_sits_the_tick_out_and_joins_the_next() -> None:
    core = seated(A, B)
    play(core, answered(A))
    assert play(core, ClockRead(at=1.9)) == []
    assert run_of(play(core, ClockRead(at=2.0))) == (1, [A], [B])
    assert play(core, answered(B, at=2.1)) == []
    assert play(core, done(1, at=2.2)) == [Deliver(workers=(A,))]
    assert run_of(play(core, answered(A, at=2.3))) == (2, [A, B], [])
    assert core.counts.misses == 1


def test_three_misses_in_a_row_fence_the_epoch() -> None:
    core = seated(A, B)
    at = 0.0
    for number in (1, 2):
        play(core, answered(A, at=at))
        at += 2
        assert run_of(play(core, ClockRead(at=at))) == (number, [A], [B])
        play(core, done(number, at=at))
    play(core, answered(A, at=at))
    effects = play(core, ClockRead(at=at + 2))
    missed = "it missed 3 ticks in a row"
    assert effects[0] == Fence(worker=B, epoch=Epoch(1), reason=missed, slow=True)
    assert run_of(effects) == (3, [A], [B])
    refused = play(core, answered(B, at=at + 2))
    assert refused == [Refuse(worker=B, epoch=Epoch(1), reason="epoch 1 is over")]
    assert core.counts.refused == 1


def test_when_nobody_answers_in_time_all_are_waited_for_again_and_then_fenced() -> None:
    core = seated(A, B)
    assert play(core, ClockRead(at=2)) == []
    assert play(core, ClockRead(at=4)) == []
    assert [type(effect) for effect in play(core, ClockRead(at=6))] == [Fence, Fence]
    assert play(core, ClockRead(at=66)) == [Close(reason="no worker came in 60 s")]


def test_without_a_deadline_the_tick_waits_for_ever() -> None:
    core = seated(A, B, tick_deadline=None)
    assert play(core, answered(A), ClockRead(at=1e9)) == []


def test_the_wait_is_counted_from_the_end_of_a_tick_not_while_it_runs() -> None:
    core = TickCore(workers=(A, B), join_deadline=1.0)
    play(core, Opened(at=0), JoinAsked(worker=A, at=0), ClockRead(at=1), answered(A, at=1))
    assert play(core, JoinAsked(worker=B, at=1.1)) == [], "admitted when the tick is done"
    assert Admit(worker=B, epoch=Epoch(1)) in play(core, ClockRead(at=9), done(1, at=10))
    assert play(core, ClockRead(at=11.9)) == []
    assert core.counts.misses == 0


def test_a_dead_worker_is_fenced_and_the_others_go_on() -> None:
    core = seated(A, B, tick_deadline=None)
    play(core, answered(A))
    effects = play(core, lost(B))
    assert effects[0] == Fence(worker=B, epoch=Epoch(1), reason="killed")
    assert run_of(effects) == (1, [A], [])


def test_a_worker_that_dies_before_it_joined_is_not_waited_for() -> None:
    core = TickCore(workers=(A, B))
    play(core, Opened(at=0), JoinAsked(worker=A, at=0), answered(A))
    assert run_of(play(core, lost(B, None))) == (1, [A], [])


def test_the_death_of_an_older_life_touches_nobody() -> None:
    core = seated(A)
    play(core, lost(A), JoinAsked(worker=A, at=0))
    assert core.epoch(A) == 2
    assert play(core, lost(A, 1)) == []
    assert run_of(play(core, answered(A, epoch=2))) == (1, [A], [])


def test_a_worker_that_died_in_a_running_tick_comes_back_after_it() -> None:
    """Its log grows in that tick: admitted earlier it would resume from a stale one."""
    core = seated(A, B)
    play(core, answered(A), answered(B))
    assert [type(e) for e in play(core, lost(B))] == [Fence]
    assert play(core, JoinAsked(worker=B, at=1)) == []
    effects = play(core, done(1, at=2))
    assert effects == [Deliver(workers=(A,)), Admit(worker=B, epoch=Epoch(2))]
    assert play(core, answered(A)) == [], "the next tick waits for the returned one"
    assert run_of(play(core, answered(B, epoch=2))) == (2, [A, B], [])


def test_a_second_join_fences_the_first() -> None:
    core = seated(A)
    effects = play(core, JoinAsked(worker=A, at=0))
    assert effects == [
        Fence(worker=A, epoch=Epoch(1), reason="a newer life has joined"),
        Admit(worker=A, epoch=Epoch(2)),
    ]
    assert isinstance(play(core, answered(A, epoch=1))[0], Refuse)


def test_an_answer_given_twice_is_refused() -> None:
    core = seated(A, B)
    play(core, answered(A))
    assert isinstance(play(core, answered(A))[0], Refuse)


def test_a_parked_worker_is_not_waited_for_and_returns_in_time() -> None:
    core = seated(A, B)
    play(core, answered(B, Park(ticks=2)))
    assert run_of(play(core, answered(A))) == (1, [A], [])
    assert play(core, done(1)) == [Deliver(workers=(A,))]
    play(core, answered(A))
    assert play(core, done(2)) == [Deliver(workers=(A, B))]
    assert play(core, answered(A)) == []


def test_when_all_are_parked_the_next_one_is_woken_at_once() -> None:
    core = seated(A, B)
    play(core, answered(A, Park(ticks=5)))
    assert play(core, answered(B, Park(ticks=3))) == [Deliver(workers=(B,))]


def test_a_team_that_only_sits_out_is_woken_once_at_once_and_then_after_a_pause() -> None:
    core = seated(A, tick_deadline=None)
    assert play(core, answered(A, Park(), at=1)) == [Deliver(workers=(A,))]
    assert core.handle(answered(A, Park(), at=1)) == [ReadClock(at=1 + WAKE_PAUSE)]
    assert core.handle(ClockRead(at=1.01)) == []
    assert core.handle(ClockRead(at=1 + WAKE_PAUSE)) == [Deliver(workers=(A,))]
    assert run_of(play(core, answered(A, at=2))) == (1, [A], [])
    play(core, done(1, at=3))
    assert play(core, answered(A, Park(), at=3)) == [Deliver(workers=(A,))], "at once again"


def test_an_answer_with_a_solution_closes_the_session() -> None:
    core = seated(A, B)
    found = Finish(reason="answer", answer="42")
    assert play(core, answered(A, found)) == [
        Leave(worker=A, finish=found),
        Close(reason="answer found", answer="42", found_by=A),
    ]
    assert play(core, answered(B)) == [Close(reason="answer found", answer="42", found_by=A)]
    assert play(core, done(1)) == []


def test_a_finished_worker_is_in_the_tick_with_its_last_tokens_and_then_gone() -> None:
    core = seated(A, B)
    effects = play(core, answered(A, DONE), answered(B))
    assert run_of(effects) == (1, [A, B], [])
    assert effects[1:] == [Leave(worker=A, finish=DONE, in_tick=True)]
    assert play(core, done(1)) == [Deliver(workers=(B,))]
    assert isinstance(play(core, JoinAsked(worker=A, at=0))[0], Refuse)


def test_the_session_ends_when_all_have_finished() -> None:
    core = seated(A, B)
    effects = play(core, answered(A, DONE), answered(B, DONE))
    assert effects == [
        Leave(worker=A, finish=DONE),
        Leave(worker=B, finish=DONE),
        Close(reason="every worker has finished"),
    ]


def test_a_session_whose_workers_all_died_ends_when_none_comes_back() -> None:
    core = seated(A)
    play(core, lost(A))
    assert core.handle(ClockRead(at=59.9)) == []
    assert core.handle(ClockRead(at=60)) == [Close(reason="no worker came in 60 s")]


def test_closing_is_told_once_and_then_answered_to_everybody() -> None:
    core = seated(A)
    assert play(core, CloseAsked(reason="stopped", at=0)) == [Close(reason="stopped")]
    assert play(core, ClockRead(at=9)) == []
    assert play(core, JoinAsked(worker=A, at=9)) == [Close(reason="stopped")]


@st.composite
def _histories(draw: st.DrawFn) -> tuple[int, list[tuple[str, int, int, float]]]:
    size = draw(st.integers(1, 4))
    kinds = st.sampled_from(["join", "go", "stale", "park", "finish", "lose", "clock", "done"])
    move = st.tuples(
        kinds, st.integers(0, size - 1), st.integers(1, 3), st.floats(0, 3, allow_nan=False)
    )
    return size, draw(st.lists(move, max_size=60))


@settings(max_examples=150, deadline=None)
@given(_histories())
def test_no_tick_without_every_answer_or_a_recorded_miss(
    history: tuple[int, list[tuple[str, int, int, float]]],
) -> None:
    size, moves = history
    workers = tuple(WorkerId(name) for name in "ABCD"[:size])
    core = TickCore(workers=workers)
    core.handle(Opened(at=0))
    running: RunTick | None = None
    number, at = 0, 0.0
    for kind, index, amount, wait in moves:
        at += wait
        worker = workers[index]
        epoch = core.epoch(worker)
        waited = {w for w in workers if core.phase(w) in {"expected", "waiting"}}
        stale = kind == "stale"
        answers: dict[str, Answer] = {"park": Park(ticks=amount), "finish": DONE}
        event: Event
        if kind == "join":
            event = JoinAsked(worker=worker, at=at)
        elif kind == "lose":
            event = WorkerLost(worker=worker, epoch=epoch, reason="x", at=at)
        elif kind == "clock":
            event = ClockRead(at=at)
        elif kind == "done":
            if running is None:
                continue
            event, running = done(running.number, at), None
        else:
            told = Epoch(epoch - 1) if stale else epoch
            event = Answered(worker=worker, epoch=told, answer=answers.get(kind, GO), at=at)
        effects = core.handle(event)
        if stale and core.closed is None:
            assert [type(effect) for effect in effects] == [Refuse], "a fenced epoch was heard"
        for effect in effects:
            if not isinstance(effect, RunTick):
                continue
            assert running is None, "two ticks at once"
            running, number = effect, number + 1
            assert effect.number == number
            took = {turn.worker for turn in effect.turns}
            assert all(turn.epoch == core.epoch(turn.worker) for turn in effect.turns)
            assert not took & set(effect.missed)
            for other in waited - took:
                excused = other in effect.missed or core.phase(other) in {"gone", "parked"}
                assert excused, "a tick began without an answer or a recorded miss"
    later = core.handle(ClockRead(at=at + WAKE_PAUSE))  # wakes a team that only sits out
    started = any(isinstance(effect, RunTick) for effect in later)
    if core.closed is None and running is None and not started:
        waiting = {core.phase(w) for w in workers} & {"expected", "waiting", "late"}
        assert waiting or all(core.phase(w) in {"gone", "finished"} for w in workers)
