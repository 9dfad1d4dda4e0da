from __future__ import annotations

import numpy as np
import pytest

from passel.agents.calibration.stopping.kriging import Assumption, kriging

FAR = 1e7
"""Variance of a level of which nothing is known."""


def conditioned(
    assumed: Assumption, seen: int, last: int, persistence: float, unsteady: float
) -> tuple[np.ndarray, float]:
    """Return weights and variance by conditioning a normal law whose level is nearly free."""
    causes = np.diag([1.0] + [assumed.restless**2] * (last - 1))
    causes *= (assumed.drift * (1 - assumed.decay)) ** 2
    ways = np.zeros((last, last))
    for cause in range(last):
        pace, way = 0.0, 0.0
        for t in range(1, last):
            pace = assumed.decay * pace + (t == max(cause, 1) and (cause != 1))
            way += pace
            ways[t, cause] = way
    times = np.arange(last)
    noise = (1 - unsteady) * persistence ** np.abs(times[:, None] - times) + unsteady * np.eye(last)
    whole = FAR + ways @ causes @ ways.T + noise
    pull = np.linalg.solve(whole[:seen, :seen], whole[:seen, -1])
    return pull, float(whole[-1, -1] - whole[:seen, -1] @ pull)


@pytest.mark.parametrize("seen", [1, 2, 5, 9])
@pytest.mark.parametrize("assumed", [Assumption(0.8, 9.0, 0.5), Assumption(0.0, 0.3, 0.1)])
def test_predictions_are_those_of_a_normal_law_with_a_free_level(
    seen: int, assumed: Assumption
) -> None:
    found = kriging(assumed, seen=seen, last=12, persistence=0.8, unsteady=0.05)
    weights, variance = conditioned(assumed, seen, 12, 0.8, 0.05)

    assert found.weights == pytest.approx(weights, abs=1e-4)
    assert found.variance == pytest.approx(variance, rel=1e-3)
    assert found.weights.sum() == pytest.approx(1.0)


def test_an_exponential_is_carried_on_to_its_end() -> None:
    curve = 0.3 - 0.1 * 0.8 ** np.arange(20)
    found = kriging(Assumption(0.8, 500.0, 0.01), seen=6, last=20, persistence=0.8, unsteady=0.05)

    assert found.weights @ curve[:6] == pytest.approx(curve[-1], abs=2e-3)
    assert abs(curve[5] - curve[-1]) > 0.03


def test_a_curve_that_is_there_is_not_predicted() -> None:
    found = kriging(Assumption(0.8, 9.0, 0.5), seen=12, last=12, persistence=0.8, unsteady=0.05)

    assert found.weights == pytest.approx(np.eye(12)[-1], abs=1e-9)
    assert found.variance == 0


def test_points_that_contradict_an_assumption_misfit_it() -> None:
    still = kriging(Assumption(0.0, 0.3, 0.1), seen=8, last=20, persistence=0.8, unsteady=0.05)
    moving = kriging(Assumption(0.8, 300.0, 0.1), seen=8, last=20, persistence=0.8, unsteady=0.05)
    curve = 30.0 * 0.8 ** np.arange(8)

    assert curve @ still.misfit @ curve > 20 * (curve @ moving.misfit @ curve)
    assert still.penalty < moving.penalty, "what explains more explains each less"
