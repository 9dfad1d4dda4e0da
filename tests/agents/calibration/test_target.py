from __future__ import annotations

from itertools import permutations

import pytest

from passel.agents.calibration.errors import OutcomeError
from passel.agents.calibration.target import Target

SHARES = Target(values={"car": 0.6, "walk": 0.4})
COUNTS = Target(values={"trips": 10.0, "km": 3.0}, shares=False)


def test_shares_that_are_missing_on_either_side_count_as_none() -> None:
    assert SHARES.loss({"car": 0.5, "cav": 0.5}) == pytest.approx(10 + 40 + 50)


def test_a_loss_of_other_values_is_in_their_unit() -> None:
    assert COUNTS.loss({"trips": 8.0, "km": 3.5, "fuel": 7.0}) == pytest.approx(2.5)


@pytest.mark.parametrize("shares", [True, False])
def test_a_loss_is_the_same_to_the_last_digit_in_any_order_of_names(shares: bool) -> None:
    wanted = {"car": 0.1, "walk": 0.2, "bike": 0.3, "bus": 0.15, "rail": 0.25}
    nothing = dict.fromkeys(wanted, 0.0)
    targets = [Target(values=dict(items), shares=shares) for items in permutations(wanted.items())]

    assert len({target.loss(nothing) for target in targets}) == 1


def test_outcomes_with_a_loss_pass() -> None:
    SHARES.check({"car": 0.0, "walk": 1.0})
    COUNTS.check({"trips": -1.0, "km": 0.0})


@pytest.mark.parametrize(
    ("target", "outcome", "said"),
    [
        (SHARES, {"car": float("nan"), "walk": 0.5}, "'car' is nan; it has to be a finite number"),
        (SHARES, {"car": -0.1, "walk": 1.1}, "'car' is -0.1"),
        (SHARES, {"car": 0.0, "walk": 0.0}, "'sum' is 0.0"),
        (SHARES, {}, "'sum' is 0"),
        (COUNTS, {"trips": 1.0, "km": float("inf")}, "'km' is inf"),
        (COUNTS, {"trips": 1.0}, "'km' is missing"),
    ],
)
def test_outcomes_without_a_loss_are_refused(
    target: Target, outcome: dict[str, float], said: str
) -> None:
    with pytest.raises(OutcomeError, match=said):
        target.check(outcome)
