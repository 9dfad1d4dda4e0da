from __future__ import annotations

import sys
from itertools import chain, combinations

import numpy as np
import pytest

from passel.agents.calibration import (
    AvailabilityError,
    MissingPackageError,
    SharesWantedError,
    Target,
    floor_of,
)
from passel.protocols.trial import Availability

EVERYBODY = ("bike", "walk")


def part(*alternatives: str, weight: float) -> Availability:
    return Availability(alternatives=alternatives, weight=weight)


def least_by_hand(target: Target, availability: list[Availability]) -> float:
    """Return the floor by the theorem of the least cut: the worst of all sets of alternatives."""
    total = sum(a.weight for a in availability)
    names = sorted(target.values)
    sets = chain.from_iterable(combinations(names, n) for n in range(len(names) + 1))
    short = max(
        sum(target.values[n] for n in chosen)
        - sum(a.weight for a in availability if set(a.alternatives) & set(chosen)) / total
        for chosen in sets
    )
    return 100 * (2 * short + 1 - sum(target.values.values()))


def test_a_floor_is_the_worst_cut_for_random_travellers() -> None:
    draw = np.random.default_rng(0)
    names = [f"m{i}" for i in range(6)]
    above = 0
    for _ in range(20):
        shares = draw.dirichlet(np.full(6, 0.5))
        target = Target(values=dict(zip(names, shares.tolist(), strict=True)))
        availability = [
            part(*(n for n in names if draw.random() < 0.35), names[draw.integers(6)], weight=w)
            for w in draw.integers(1, 10, size=5)
        ]
        floor = floor_of(target, availability)

        assert floor.loss == pytest.approx(least_by_hand(target, availability), abs=1e-6)
        assert sum(floor.outcome.values()) == pytest.approx(1)
        above += floor.loss > 1
    assert above >= 5, "some of these targets are out of reach"


def test_alternatives_that_need_the_same_thing_bind_together() -> None:
    """Each could be reached alone, both cannot: bounds for single alternatives would not see it."""
    target = Target(values={"car": 0.4, "drive_transit": 0.3, "walk": 0.2, "bike": 0.1})
    floor = floor_of(
        target,
        [part("car", "drive_transit", *EVERYBODY, weight=46), part(*EVERYBODY, weight=54)],
    )

    assert floor.loss == pytest.approx(2 * (70 - 46))
    (bottleneck,) = floor.bottlenecks
    assert bottleneck.alternatives == ("car", "drive_transit")
    assert bottleneck.sentence == (
        "car and drive_transit together: 70.0 % wanted, but only 46.0 % of the travellers can "
        "choose any of them"
    )


def test_bottlenecks_that_have_nothing_in_common_are_told_apart() -> None:
    target = Target(values={"car": 0.4, "ferry": 0.3, "walk": 0.3})
    floor = floor_of(
        target,
        [part("car", "walk", weight=20), part("ferry", "walk", weight=10), part("walk", weight=70)],
    )

    assert [(b.alternatives, b.wanted, b.available) for b in floor.bottlenecks] == [
        (("car",), 0.4, 0.2),
        (("ferry",), 0.3, 0.1),
    ]
    assert floor.bottlenecks[0].sentence.endswith("can choose it")


def test_a_target_within_reach_has_no_floor() -> None:
    floor = floor_of(
        Target(values={"walk": 0.75, "bike": 0.25, "cav": 0.0}),
        [part(*EVERYBODY, "cav", weight=3)],
    )

    assert floor.loss == pytest.approx(0, abs=1e-6)
    assert floor.bottlenecks == ()


def test_shares_that_are_rounded_bind_nobody() -> None:
    floor = floor_of(Target(values={"walk": 0.75, "bike": 0.2501}), [part(*EVERYBODY, weight=1)])

    assert floor.loss == pytest.approx(0.01)
    assert floor.bottlenecks == ()


def test_what_nobody_wanted_and_somebody_has_to_choose_counts() -> None:
    floor = floor_of(
        Target(values={"walk": 1.0}), [part("walk", weight=9), part("ferry", weight=1)]
    )

    assert floor.loss == pytest.approx(20)
    assert floor.outcome == pytest.approx({"walk": 0.9, "ferry": 0.1})


@pytest.mark.parametrize(
    ("availability", "said"),
    [
        ([], "no travellers"),
        ([part("walk", weight=0)], "no travellers"),
        ([part(weight=1)], "nothing to choose from"),
        ([part("walk", weight=float("nan"))], "weighs nan"),
        ([part("walk", weight=-1)], "weighs -1"),
    ],
)
def test_travellers_that_do_not_add_up_are_refused(
    availability: list[Availability], said: str
) -> None:
    with pytest.raises(AvailabilityError, match=said):
        floor_of(Target(values={"walk": 1.0}), availability)


def test_a_target_that_is_no_share_has_no_floor() -> None:
    with pytest.raises(SharesWantedError, match="reachable floor"):
        floor_of(Target(values={"count": 7.0}, shares=False), [part("walk", weight=1)])


def test_a_solver_that_is_not_installed_is_said_with_what_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(MissingPackageError, match=r"scipy, .*pip install 'passel\[calibration\]'"):
        floor_of(Target(values={"walk": 1.0}), [part("walk", weight=1)])
