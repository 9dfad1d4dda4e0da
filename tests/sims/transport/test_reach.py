"""What the city's people cannot be brought to do, whatever the constants."""

from __future__ import annotations

import numpy as np
import pytest

from passel.agents.calibration import Target, floor_of
from passel.sims.choice import patterns
from passel.sims.transport import MODES, City, ModeChoice, TransportSettings, costs_of

PERCENT = {"bike": 0, "car": 65, "drive_transit": 6, "ride_hail": 5, "ride_hail_pooled": 5,
           "ride_hail_transit": 6, "walk": 7, "walk_transit": 6}  # fmt: skip
"""What arXiv 2207.05041 calibrates San Francisco to, in whole percents."""

RUNS = 20


def test_a_target_with_more_cars_than_there_are_is_as_far_as_its_floor_says() -> None:
    """Car alone would allow 37 points; it needs the same cars as drive-to-transit, so 49 remain."""
    settings = TransportSettings()
    costs = costs_of(City.load(), settings)
    target = Target(values={mode: share / 100 for mode, share in PERCENT.items()})
    floor = floor_of(target, patterns(MODES, costs.available))

    assert floor.loss == pytest.approx(2 * (71 - 46.55))
    assert [b.alternatives for b in floor.bottlenecks] == [("car", "drive_transit")]

    wanted = np.array([target.values[mode] for mode in MODES]) + 2e-4
    constants, losses = np.zeros(len(MODES)), []
    for seed in range(RUNS):
        choice = ModeChoice(costs, settings, constants.tolist(), np.random.default_rng(seed))
        shares = [choice.iterate() for _ in range(20)][-1]
        losses.append(target.loss(dict(zip(MODES, shares.tolist(), strict=True))))
        constants = (constants + np.log(wanted) - np.log(shares + 2e-4)).clip(-30, 30)

    assert min(losses) == pytest.approx(floor.loss, abs=2.0)
    assert min(losses) >= floor.loss - 1e-6
