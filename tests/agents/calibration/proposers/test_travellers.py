from __future__ import annotations

import numpy as np
import pytest

from passel.agents.calibration.proposers.travellers import Travellers
from passel.protocols.trial import Availability

NAMES = ("bus", "car", "walk")
WITH_CAR = Availability(alternatives=NAMES, weight=2.0)
WITHOUT = Availability(alternatives=("bus", "walk"), weight=3.0)


@pytest.mark.parametrize("taste", [0.0, 1.0])
@pytest.mark.parametrize("availability", [(), (WITH_CAR, WITHOUT)])
def test_utilities_give_the_shares_they_were_made_for(
    taste: float, availability: tuple[Availability, ...]
) -> None:
    travellers = Travellers(NAMES, availability, taste=taste)
    shares = np.array([0.5, 0.2, 0.3])

    assert travellers.shares(travellers.utilities(shares)) == pytest.approx(shares, abs=1e-6)


def test_slopes_are_the_derivatives_of_logarithms_of_shares() -> None:
    travellers = Travellers(NAMES, (WITH_CAR, WITHOUT))
    utilities, small = np.array([0.3, 0.1, -0.8]), 1e-5
    by_hand = np.column_stack(
        [
            np.log(travellers.shares(utilities + small * unit) / travellers.shares(utilities))
            / small
            for unit in np.eye(3)
        ]
    )

    assert travellers.slopes(utilities) == pytest.approx(by_hand, abs=1e-4)


def test_log_odds_of_travellers_that_are_alike_answer_to_their_own_constant_alone() -> None:
    slopes = Travellers(NAMES, taste=0.0).slopes(np.array([0.3, 0.1, -0.8]))

    assert slopes - slopes[1] == pytest.approx(np.array([[1, -1, 0], [0, 0, 0], [0, -1, 1]]))


def test_more_than_can_be_chosen_is_as_much_as_can_be() -> None:
    travellers = Travellers(NAMES, (WITH_CAR, WITHOUT))
    found = travellers.shares(travellers.utilities(np.array([0.2, 0.7, 0.1])))

    assert 0.39 < found[1] < 0.4
