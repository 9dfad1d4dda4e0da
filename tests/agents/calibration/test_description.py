from __future__ import annotations

from math import inf, nan
from typing import Any

import numpy as np
import pytest

from passel.agents.calibration import (
    Budget,
    CalibrationSettings,
    InvalidCalibrationError,
    Parameter,
    Target,
    UnknownNameError,
)
from passel.agents.calibration.choosing import common
from passel.agents.calibration.description import (
    check_fit,
    check_fixed,
    check_settings,
    check_space,
    check_target,
)
from passel.agents.calibration.proposers import Random
from passel.protocols.trial import SimulatorSpec

X = Parameter(name="x", low=0.0, high=1.0)
SHARES = Target(values={"car": 0.8, "bus": 0.2})
SPEC = SimulatorSpec(
    name="slope", parameters=("car_constant", "bus_constant"), outcomes=("car", "bus")
)
BUS = Parameter(name="bus_constant", constant_of="bus")


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ((), "holds one point only"),
        ((Parameter(name="x", low=2.0, high=2.0),), "holds one point only"),
        ((Parameter(name="x", low=1e9, high=1e9 + 1e-3),), "holds one point only"),
        ((Parameter(name="x", low=2.0, high=1.0),), "bounds of x are 2 and 1; the lower comes"),
        ((Parameter(name="x", low=0.0, high=inf),), "give finite numbers"),
        ((Parameter(name="x", low=0.0, high=1.0, start=3.0),), "start of x is 3, outside of 0 to"),
        ((Parameter(name="x", low=0.0, high=1.0, start=nan),), "start of x is nan"),
        ((X, X), "has x twice"),
    ],
)
def test_a_space_without_room_is_refused(space: tuple[Parameter, ...], said: str) -> None:
    with pytest.raises(InvalidCalibrationError, match=said):
        check_space(space)


def test_a_proposer_refuses_a_space_in_which_it_would_search_for_ever() -> None:
    still = (Parameter(name="x", low=2.0, high=2.0),)
    with pytest.raises(InvalidCalibrationError, match="one point only"):
        Random(still, SHARES, iterations=1, generator=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("values", "shares", "said"),
    [
        ({}, True, "is empty"),
        ({"car": 80.0, "bus": 20.0}, True, "add up to 100; give them in parts of 1"),
        ({"car": 1.2, "bus": -0.2}, True, "bus = -0.2; give a share, from 0 to 1"),
        ({"wait": nan}, False, "wait = nan; give a finite number"),
    ],
)
def test_a_target_that_nothing_compares_with_is_refused(
    values: dict[str, float], shares: bool, said: str
) -> None:
    with pytest.raises(InvalidCalibrationError, match=said):
        check_target(Target(values=values, shares=shares))


def test_what_makes_sense_passes() -> None:
    check_space((X, Parameter(name="still", low=2.0, high=2.0)))
    check_target(Target(values={"car": 0.667, "bus": 0.33}))
    check_target(Target(values={"wait": -80.0}, shares=False))
    check_fixed({"y": 1.0}, (X,))
    check_settings(CalibrationSettings(budget=Budget(seconds=0.5), straggler=None))
    check_fit(SPEC, Target(values={"car": 1.0, "cav": 0.0}), (BUS,), {"car_constant": 0.0})
    anything = SimulatorSpec(name="anything")
    check_fit(anything, SHARES, (BUS, X), {"y": 1.0})


@pytest.mark.parametrize(
    ("fixed", "said"),
    [({"x": 0.5}, "x stands in `space` and in `fixed`"), ({"y": inf}, "fixed y is inf")],
)
def test_what_cannot_be_held_is_refused(fixed: dict[str, float], said: str) -> None:
    with pytest.raises(InvalidCalibrationError, match=said):
        check_fixed(fixed, (X,))


@pytest.mark.parametrize(
    "odd",
    [
        {"confirmations": -1}, {"retries": -1}, {"straggler": 0.0}, {"silence": 0.0},
        {"linger": -1.0}, {"patience": -1.0}, {"failures": 0}, {"goal": -1.0},
        {"budget": Budget(trials=0)}, {"budget": Budget(iterations=-5)},
        {"budget": Budget(seconds=0.0)},
    ],
)  # fmt: skip
def test_settings_out_of_their_bounds_are_refused_by_name(odd: dict[str, Any]) -> None:
    (name,) = odd
    with pytest.raises(InvalidCalibrationError, match=rf"\$\.{name}"):
        check_settings(CalibrationSettings(**odd))


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (
            {"target": Target(values={"caar": 0.8, "bus": 0.2})},
            "target has caar, .*slope.*car, bus",
        ),
        ({"space": (X,)}, "space has x, .*choose of car_constant, bus_constant"),
        ({"fixed": {"car_intercept": 1.0}}, "`fixed` has car_intercept"),
        (
            {"space": (Parameter(name="bus_constant", constant_of="buss"),)},
            "`constant_of` has buss",
        ),
        (
            {
                "spec": SimulatorSpec(name="anything"),
                "space": (Parameter(name="b", constant_of="buss"),),
            },
            "`constant_of` has buss, which the target does not; choose of car, bus",
        ),
    ],
)
def test_names_that_simulators_do_not_have_are_refused_with_those_they_have(
    odd: dict[str, Any], said: str
) -> None:
    whole: dict[str, Any] = {"spec": SPEC, "target": SHARES, "space": (BUS,), "fixed": {}}
    with pytest.raises(UnknownNameError, match=said):
        check_fit(**whole | odd)


def test_a_simulator_without_slots_is_refused() -> None:
    with pytest.raises(InvalidCalibrationError, match="slope has 0 slots"):
        common([SPEC, SimulatorSpec(name="slope", slots=0)])
