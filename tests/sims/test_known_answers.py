"""Calibrating constants to observed shares gives those of maximum likelihood: on real data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from tests.sims.known_answers import KnownAnswer, greene, mtc_work

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.download

PUBLISHED_WORK = {"shared_2": -2.178, "shared_3": -3.725, "transit": -0.671, "bike": -2.376,
                  "walk": -0.207}  # fmt: skip
PUBLISHED_TRAVEL = {"air": 5.2074, "train": 3.8690, "bus": 3.1632}


def test_work_trips_have_the_published_likelihood_and_constants() -> None:
    known = mtc_work()

    assert known.estimate.log_likelihood == pytest.approx(-3626.186, abs=2e-3)
    assert known.estimate.coefficients[:2].tolist() == pytest.approx([-0.492, -5.134], abs=1e-3)
    for name, constant in PUBLISHED_WORK.items():
        assert known.constants[name] == pytest.approx(constant, abs=1e-3)


def test_travel_between_cities_has_the_published_likelihood_and_constants() -> None:
    known = greene()

    assert known.estimate.log_likelihood == pytest.approx(-199.1284, abs=1e-4)
    assert known.estimate.coefficients[:3].tolist() == pytest.approx([-1.55, -9.61, 1.33], abs=5e-3)
    for name, constant in PUBLISHED_TRAVEL.items():
        assert known.constants[name] == pytest.approx(constant, abs=1e-3)


@pytest.mark.parametrize("answer", [mtc_work, greene])
def test_the_constants_of_maximum_likelihood_give_back_the_observed_shares(
    answer: Callable[[], KnownAnswer],
) -> None:
    known = answer()

    assert known.table.shares(known.constants) == pytest.approx(known.shares, abs=1e-5)


@pytest.mark.parametrize("answer", [mtc_work, greene])
def test_the_observed_shares_give_back_the_constants_of_maximum_likelihood(
    answer: Callable[[], KnownAnswer],
) -> None:
    """The log-ratio rule, from constants of 0 (Train 2009, section 2.8), finds them within 1e-3."""
    known = answer()
    constants = dict.fromkeys(known.shares, 0.0)
    for _ in range(60):
        shares = known.table.shares(constants)
        step = {name: math.log(known.shares[name] / shares[name]) for name in shares}
        constants = {
            name: value + step[name] - step[known.reference] for name, value in constants.items()
        }

    assert constants == pytest.approx(known.constants, abs=1e-3)
