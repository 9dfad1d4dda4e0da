from __future__ import annotations

import math

import numpy as np
import pytest

from passel.sims.choice import drawn, expected_shares, gumbel, probabilities

UTILITIES = np.array([[0.5, -1.0, 2.0, -np.inf], [800.0, -np.inf, 799.0, 790.0]])


def test_probabilities_are_those_of_the_formula() -> None:
    odds = [[math.exp(x) for x in (0.5, -1.0, 2.0)], [math.exp(x) for x in (0.0, -1.0, -10.0)]]
    slow = [[x / sum(row) for x in row] for row in odds]

    found = probabilities(UTILITIES)
    assert found[0].tolist() == pytest.approx([*slow[0], 0.0])
    assert found[1].tolist() == pytest.approx([slow[1][0], 0.0, *slow[1][1:]])


def test_shares_weigh_people() -> None:
    found = expected_shares(UTILITIES, np.array([3.0, 1.0]))

    assert found.tolist() == pytest.approx((probabilities(UTILITIES).T @ [0.75, 0.25]).tolist())


def test_draws_are_as_frequent_as_they_are_likely() -> None:
    """Each share of 40,000 draws lies within four standard errors; what cannot be chosen never is."""
    people = 40_000
    noise = gumbel(np.random.default_rng(1), people, 4)
    row = UTILITIES[:1]
    likely = probabilities(row)[0]
    share = np.bincount(drawn(np.repeat(row, people, axis=0), noise), minlength=4) / people

    assert (abs(share - likely) <= 4 * np.sqrt(likely * (1 - likely) / people)).all()
    assert noise.mean() == pytest.approx(0.5772, abs=0.013)
