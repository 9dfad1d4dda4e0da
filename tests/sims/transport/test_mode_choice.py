from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from passel.sims.transport import MODES, City, Costs, ModeChoice, TransportSettings, costs_of
from passel.sims.transport.conditions import conditions
from tests.sims.transport.oracle import ORDER, shares_of

SETTINGS = TransportSettings()
CONSTANTS = [-4.0, 1.0, -1.0, 2.0, 2.0, 3.0, 1.0, 0.0]


@pytest.fixture(scope="module")
def costs() -> Costs:
    return costs_of(City.load(), SETTINGS)


def run(costs: Costs, constants: list[float], seed: int, iterations: int = 20) -> np.ndarray:
    choice = ModeChoice(costs, SETTINGS, constants, np.random.default_rng(seed))
    return np.array([choice.iterate() for _ in range(iterations)])


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Return the L1 distance of shares in percentage points."""
    return float(100 * abs(one - other).sum())


@pytest.mark.parametrize("seed", [1, 2])
def test_the_model_is_what_a_slow_one_written_apart_is(seed: int) -> None:
    """Every one of 200 people chooses the same in six iterations, so shares are equal."""
    city = City.load().first(200)
    costs = costs_of(city, SETTINGS)
    slow = shares_of(city, SETTINGS, CONSTANTS, np.random.default_rng(seed), 6)

    assert tuple(ORDER) == MODES
    assert run(costs, CONSTANTS, seed, 6).tolist() == slow


def test_equal_seeds_give_equal_shares_and_others_differ_by_noise(costs: Costs) -> None:
    """The L1 distance of 28 pairs of runs is 1.4 points on average; sampling alone explains it."""
    assert (run(costs, CONSTANTS, 1) == run(costs, CONSTANTS, 1)).all()
    last = [run(costs, CONSTANTS, seed)[-1] for seed in range(8)]
    noise = np.mean([apart(one, other) for one, other in combinations(last, 2)])

    assert 0.7 < noise < 2.5


def test_shares_drift_and_then_settle(costs: Costs) -> None:
    shares = run(costs, CONSTANTS, 3, 40)

    assert apart(shares[0], shares[19]) > 10
    assert apart(shares[19], shares[39]) < 2.5


@pytest.mark.parametrize("column", range(len(MODES)), ids=MODES)
def test_a_larger_constant_raises_its_share(costs: Costs, column: int) -> None:
    larger = [c + 2.0 * (i == column) for i, c in enumerate(CONSTANTS)]
    before, after = run(costs, CONSTANTS, 4, 12)[-1], run(costs, larger, 4, 12)[-1]

    assert after[column] > before[column] + 0.005


def test_only_differences_of_constants_matter(costs: Costs) -> None:
    shifted = [c + 8.0 for c in CONSTANTS]  # a power of two: exact in single precision

    assert apart(run(costs, CONSTANTS, 5)[-1], run(costs, shifted, 5)[-1]) < 0.1


def test_nobody_chooses_what_is_not_available(costs: Costs) -> None:
    everybody = np.arange(len(costs.available))
    choice = ModeChoice(costs, SETTINGS, [0, 50, 50, 0, 0, 0, 0, 0], np.random.default_rng(6))
    for _ in range(5):
        choice.iterate()
        assert costs.available[everybody, choice.chosen].all()

    without = ~costs.available[:, MODES.index("car")]
    assert 0.5 < without.mean() < 0.56
    assert not costs.available[without, MODES.index("drive_transit")].any()
    driven = np.isin(choice.chosen, [MODES.index("car"), MODES.index("drive_transit")])
    assert (driven == ~without).all()  # 50 dollars are worth it to everybody who can


def test_a_fifth_of_the_people_choose_again() -> None:
    """Where nothing is crowded and noise decides, one in eight of these happens on the same mode."""
    people = 10_000
    nothing = np.zeros((people, len(MODES)), dtype=np.float32)
    costs = Costs(nothing, np.zeros((3, *nothing.shape), dtype=np.float32),
                  np.zeros((3, *nothing.shape), dtype=np.float32), nothing == 0, 1.0)  # fmt: skip
    choice = ModeChoice(costs, SETTINGS, [0.0] * 8, np.random.default_rng(7))
    choice.iterate()
    before = choice.chosen.copy()
    choice.iterate()

    assert 100 * (before != choice.chosen).mean() == pytest.approx(20 * 7 / 8, abs=1.2)  # 3 sigma


def test_conditions_are_best_without_load_and_the_fleet_never_runs_out() -> None:
    empty, full = np.zeros(3), np.array([2e4, 1e9, 5e3])

    assert conditions(empty, 1e5, 10_000, SETTINGS).tolist() == [0, 0, 0]
    found = conditions(full, 1e5, 10_000, SETTINGS)
    assert found.tolist() == pytest.approx([0.5 * 0.25, 0.04**-0.5 - 1, 0.5 * 5 / 3])
