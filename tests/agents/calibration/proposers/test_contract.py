"""What every proposer promises."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from passel.agents.calibration import Parameter, Proposer, Target, TrialRecord
from passel.agents.calibration.errors import OutcomeError
from passel.agents.calibration.proposers import (
    Bohb,
    LogOddsQN,
    LogRatio,
    OptunaProposer,
    Random,
)
from passel.protocols.trial import TrialId
from tests.agents.calibration.proposers.play import ITERATIONS, SPACE, TARGET, Play

if TYPE_CHECKING:
    from passel.agents.calibration import Point, Space
    from tests.agents.calibration.proposers.play import Make


def quasi_newton(space: Space, target: Target, generator: np.random.Generator) -> Proposer:
    return LogOddsQN(space, target, iterations=ITERATIONS, generator=generator)


def log_ratio(space: Space, target: Target, generator: np.random.Generator) -> Proposer:
    return LogRatio(space, target, iterations=ITERATIONS, generator=generator)


def short_log_ratio(space: Space, target: Target, generator: np.random.Generator) -> Proposer:
    return LogRatio(space, target, iterations=ITERATIONS, generator=generator, probe=3)


def uniform(space: Space, target: Target, generator: np.random.Generator) -> Proposer:
    return Random(space, target, iterations=ITERATIONS, generator=generator)


def bohb(space: Space, target: Target, generator: np.random.Generator) -> Proposer:
    return Bohb(space, target, iterations=ITERATIONS, generator=generator)


def tpe(space: Space, target: Target, generator: np.random.Generator) -> Proposer:
    return OptunaProposer(space, target, iterations=ITERATIONS, generator=generator)


def cma_es(space: Space, target: Target, generator: np.random.Generator) -> Proposer:
    return OptunaProposer(
        space, target, iterations=ITERATIONS, generator=generator, sampler="cmaes"
    )


ALL: list[Make] = [quasi_newton, log_ratio, short_log_ratio, uniform, bohb, tpe, cma_es]
CONCURRENT: list[Make] = [make for make in ALL if make not in (log_ratio, short_log_ratio)]

every = pytest.mark.parametrize("make", ALL)
concurrent = pytest.mark.parametrize("make", CONCURRENT)


def started(make: Make, *, seed: int = 0, space: Space = SPACE, target: Target = TARGET) -> Play:
    return Play(make(space, target, np.random.default_rng(seed)), target)


def within(point: Point, space: Space) -> bool:
    return point.keys() == {p.name for p in space} and all(
        p.low <= point[p.name] <= p.high for p in space
    )


@every
def test_points_are_within_the_bounds_and_limits_within_a_full_run(make: Make) -> None:
    narrow = tuple(msgspec.structs.replace(p, low=-0.2, high=0.1) for p in SPACE)
    play = started(make, space=narrow)
    for _ in range(6):
        record = play.ask()
        if record is None:
            break
        assert within(record.point, narrow)
        assert 1 <= record.limit <= ITERATIONS
        play.run(record)
    assert len(play.records) >= 2


@concurrent
def test_concurrent_trials_are_never_at_the_same_point(make: Make) -> None:
    play = started(make)
    asked = [play.ask() for _ in range(9)]
    for record in asked[::2]:
        assert record is not None
        play.run(record)
    asked += [play.ask() for _ in range(9)]

    points = [tuple(play.records[name].point.values()) for name in play.running]
    assert len(points) >= 12
    assert len(set(points)) == len(points)


@every
def test_what_is_told_in_another_order_is_known_as_well(make: Make) -> None:
    play, order = started(make), np.random.default_rng(3)
    asked = [record for record in (play.ask() for _ in range(6)) if record is not None]
    for record in asked:
        play.records[record.id] = msgspec.structs.replace(
            record, outcomes=(play.drawn(record.point),) * record.limit, samples=(9,) * record.limit
        )
    for i in order.permutation(len(asked)):
        play.end(asked[i])

    after = play.ask()
    assert after is not None
    assert within(after.point, SPACE)


@every
def test_trials_that_fail_do_not_stop_it(make: Make) -> None:
    play, tried = started(make), set()
    for attempt in range(8):
        record = play.ask()
        assert record is not None
        tried.add(tuple(record.point.values()))
        if attempt % 3 == 1:
            play.iterate(record)
        play.end(record, "failed" if attempt % 2 else "stopped")
    assert len(tried) >= 6, "a point that fails is not tried over and over"


@every
def test_the_same_record_counts_once(make: Make) -> None:
    once, twice = started(make), started(make)
    for _ in range(4):
        for play in (once, twice):
            record = play.ask()
            if record is None:
                continue
            ended = play.run(record)
            if play is twice:
                play.tell(ended)
                play.tell(ended)

    first, second = once.ask(), twice.ask()
    assert first is not None
    assert second is not None
    assert first.point == second.point


@every
def test_a_restart_goes_on_from_what_it_is_told(make: Make) -> None:
    """The generator begins anew, too: points that were tried must not come back."""
    before = started(make)
    for _ in range(5):
        record = before.ask()
        assert record is not None
        before.run(record)
    after = started(make)
    for record in list(before.records.values()):
        after.tell(record)

    asked = after.ask()
    assert asked is not None
    tried = {tuple(r.point.values()) for r in before.records.values() if len(r.outcomes) == r.limit}
    if asked.id not in before.records:
        assert tuple(asked.point.values()) not in tried
    assert within(asked.point, SPACE)


@every
def test_equal_seeds_make_equal_proposals(make: Make) -> None:
    one, other = started(make, seed=5), started(make, seed=5)
    for _ in range(4):
        asked = [play.ask() for play in (one, other)]
        assert asked[0] == asked[1]
        for play, record in zip((one, other), asked, strict=True):
            assert record is not None
            play.run(record)


@every
def test_shares_of_nothing_and_modes_that_are_missing_are_shares(make: Make) -> None:
    play = started(make)
    seen = [{"bike": 0.0, "bus": 1.0, "car": 0.0, "walk": 0.0}, {"car": 0.5, "cav": 0.5}]
    for outcome in seen:
        record = play.ask()
        assert record is not None
        for _ in range(record.limit):
            play.iterate(record, outcome)
        play.end(record)

    record = play.ask()
    assert record is not None
    assert all(np.isfinite(list(record.point.values())))


@every
def test_an_outcome_that_is_no_number_is_refused(make: Make) -> None:
    proposer = make(SPACE, TARGET, np.random.default_rng(0))
    bad = TrialRecord(
        id=TrialId("t"), point={p.name: 0.0 for p in SPACE}, limit=6, outcomes=({"car": np.nan},)
    )
    with pytest.raises(OutcomeError, match="'car' is nan"):
        proposer.tell(bad, None)


@every
def test_it_needs_no_forecasts(make: Make) -> None:
    play = started(make)
    record = None
    for _ in range(4):
        record = play.ask()
        assert record is not None
        ended = msgspec.structs.replace(
            record, outcomes=(play.drawn(record.point),) * record.limit, state="finished"
        )
        play.running.remove(record.id)
        play.records[record.id] = ended
        play.proposer.tell(ended, None)
    assert record is not None


@every
def test_a_trial_that_confirms_another_is_no_obstacle(make: Make) -> None:
    play = started(make)
    first = play.ask()
    assert first is not None
    ended = play.run(first)
    confirming = msgspec.structs.replace(
        ended, id=TrialId("again"), confirms=ended.id, state="running", outcomes=(), samples=()
    )
    play.running.append(confirming.id)
    play.records[confirming.id] = confirming

    assert play.ask() is not None


def test_a_fixed_parameter_stays_where_it_is() -> None:
    fixed = Parameter(name="fare", low=2.5, high=2.5, start=2.5)
    for make in ALL:
        play = started(make, space=(*SPACE, fixed))
        for _ in range(4):
            record = play.ask()
            assert record is not None
            assert record.point["fare"] == 2.5
            play.run(record)


def test_pairs_of_restarts_agree() -> None:
    """Two restarts from the same records propose the same."""
    before = started(quasi_newton)
    for _ in range(3):
        record = before.ask()
        assert record is not None
        before.run(record)
    plays = [started(quasi_newton) for _ in range(3)]
    for play in plays:
        for record in before.records.values():
            play.tell(record)

    asked = [play.ask() for play in plays]
    assert all(one == other for one, other in pairwise(asked))
