from __future__ import annotations

from itertools import islice

import msgspec
import numpy as np
import pytest

from passel.agents.calibration import Parameter, Point, Space, Target, TrialRecord
from passel.agents.calibration.errors import NoConstantError, SharesWantedError
from passel.agents.calibration.floor import floor_of
from passel.agents.calibration.proposers import LogOddsQN, LogRatio
from passel.agents.calibration.proposers.regression import nearest
from passel.protocols.trial import Availability, Outcome
from tests.agents.calibration.proposers.play import (
    ITERATIONS,
    LIKED,
    MODES,
    SPACE,
    TARGET,
    Play,
    shares,
)


def started(
    space: Space = SPACE, target: Target = TARGET, *, iterations: int = ITERATIONS, sample: int = 0
) -> Play:
    generator = np.random.default_rng(0)
    proposer = LogOddsQN(space, target, iterations=iterations, generator=generator)
    return Play(proposer, target, sample)


def test_expected_shares_give_back_the_constants_in_a_dozen_runs() -> None:
    play = started(iterations=1)
    for _ in range(12):
        record = play.ask()
        assert record is not None
        play.run(record)

    best = min(play.records.values(), key=lambda r: TARGET.loss(r.outcomes[-1]))
    for mode in ("bike", "bus", "walk"):
        exact = np.log(TARGET.values[mode] / TARGET.values["car"]) - LIKED[mode] + LIKED["car"]
        assert best.point[f"{mode}_constant"] == pytest.approx(exact, abs=1e-3)


def test_short_trials_come_first_and_the_one_that_is_hard_to_beat_goes_on() -> None:
    play = started(sample=20_000)
    ended: list[TrialRecord] = []
    while not ended or (ended[-1].limit < ITERATIONS and len(ended) < 12):
        record = play.ask()
        assert record is not None
        ended.append(play.run(record))

    assert ended[0].limit == 3
    assert ended[-1].limit == ITERATIONS
    assert TARGET.loss(ended[-1].outcomes[-1]) < 5


def test_a_trial_that_runs_and_one_that_was_stopped_teach_as_well() -> None:
    play = started(sample=20_000)
    for state in ("running", "stopped"):
        first = play.ask()
        assert first is not None
        play.iterate(first)
        if state == "stopped":
            play.end(first, state)

    after = play.ask()
    assert after is not None
    assert TARGET.loss(shares(after.point)) < 0.3 * TARGET.loss(shares({}))


def test_a_target_out_of_reach_is_come_as_near_to_as_can_be() -> None:
    """Half of the travellers are wanted on a bus that passes a third of them."""
    near, far = (
        (Availability(alternatives=MODES, weight=1.0),),
        tuple(m for m in MODES if m != "bus"),
    )
    availability = (*near, Availability(alternatives=far, weight=2.0))
    target = Target(values={"bike": 0.1, "bus": 0.5, "car": 0.3, "walk": 0.1})

    def seen(point: Point) -> Outcome:
        everybody, others = shares(point), shares({**point, "bus_constant": -1e3})
        return {mode: (everybody[mode] + 2 * others[mode]) / 3 for mode in MODES}

    space = tuple(msgspec.structs.replace(p, low=-20.0, high=20.0) for p in SPACE)
    generator = np.random.default_rng(0)
    proposer = LogOddsQN(
        space, target, iterations=1, generator=generator, availability=availability
    )
    play = Play(proposer, target, 0)
    for _ in range(20):
        record = play.ask()
        assert record is not None
        play.iterate(record, seen(record.point))
        play.end(record)

    least = min(target.loss(record.outcomes[-1]) for record in play.records.values())
    assert floor_of(target, availability).loss == pytest.approx(100 / 3)
    assert least < 100 / 3 + 1


def test_what_is_not_wanted_is_hardly_chosen_and_its_constant_within_bounds() -> None:
    target = Target(values={"bike": 0.0, "bus": 0.3, "car": 0.6, "walk": 0.1})
    space = tuple(
        Parameter(name=p.name, low=-10.0, high=10.0, start=0.0, constant_of=p.constant_of)
        for p in SPACE
    )
    play = started(space, target, iterations=1)
    for _ in range(20):
        record = play.ask()
        assert record is not None
        play.run(record)

    last = list(play.records.values())[-1]
    assert last.outcomes[-1]["bike"] < 2e-4
    assert -10 < last.point["bike_constant"] < 0
    assert target.loss(last.outcomes[-1]) < 0.1


def test_a_parameter_that_is_no_constant_is_found_out() -> None:
    """Fares keep people off the bus; the bus's own constant cannot be changed."""
    space = (
        Parameter(name="fare", low=0.0, high=8.0, start=4.0),
        *(p for p in SPACE if p.constant_of != "bus"),
    )
    target = Target(values=shares({"bike_constant": 0.5, "bus_constant": -0.6 * 1.0}))
    play = started(space, target, iterations=1)
    for _ in range(40):
        record = play.ask()
        assert record is not None
        outcome = shares({**record.point, "bus_constant": -0.6 * record.point["fare"]})
        play.iterate(record, outcome)
        play.end(record)

    best = min(play.records.values(), key=lambda r: target.loss(r.outcomes[-1]))
    assert best.point["fare"] == pytest.approx(1.0, abs=0.1)
    assert target.loss(best.outcomes[-1]) < 1


def test_concurrent_points_come_closer_as_the_loss_shrinks() -> None:
    play = started(sample=20_000)
    first = [r for r in islice(iter(play.ask, None), 6) if r is not None]
    spread = [np.std([list(r.point.values()) for r in first], axis=0).max()]
    for _ in range(4):
        for record in [play.records[name] for name in list(play.running)]:
            play.run(record)
        batch = [r for r in islice(iter(play.ask, None), 6) if r is not None]
        spread.append(np.std([list(r.point.values()) for r in batch], axis=0).max())

    assert spread[-1] < spread[0] / 3


def test_a_step_that_bounds_stop_is_made_up_for_by_the_others() -> None:
    lines = np.array([[-2.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    free = nearest(lines, np.ones(2), np.full(2, -9.0), np.full(2, 9.0), ridge=0.0)
    bound = nearest(lines, np.ones(2), np.full(2, -9.0), np.array([1.0, 9.0]), ridge=0.0)

    assert free == pytest.approx([2, 0])
    assert bound == pytest.approx([1, 0.4]), "the second one gives up a little of what it had"


@pytest.mark.parametrize("kind", [LogOddsQN, LogRatio])
def test_other_targets_and_spaces_without_constants_are_refused(
    kind: type[LogOddsQN | LogRatio],
) -> None:
    generator = np.random.default_rng(0)
    values = Target(values={"km": 3.0}, shares=False)
    with pytest.raises(SharesWantedError):
        kind(SPACE, values, iterations=1, generator=generator)
    with pytest.raises(NoConstantError):
        kind((Parameter(name="fare"),), TARGET, iterations=1, generator=generator)


def test_the_log_ratio_rule_is_exact_for_travellers_that_are_alike() -> None:
    proposer = LogRatio(SPACE, TARGET, iterations=1, generator=np.random.default_rng(0))
    play = Play(proposer, TARGET, 0)
    for _ in range(3):
        record = play.ask()
        if record is None:
            break
        assert play.ask() is None, "it is sequential"
        play.run(record)

    assert TARGET.loss(list(play.records.values())[-1].outcomes[-1]) < 1e-3
    assert set(MODES) == set(TARGET.values)
