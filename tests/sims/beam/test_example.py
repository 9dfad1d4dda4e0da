"""The example: a calibration of BEAMs that run side by side, here of the stand-in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from passel import Runtime
from passel.agents.calibration import CalibrationReport, Calibrator
from tests.runtime.worlds import until

from .crew import FAKE

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = FAKE.parent

TRUE = {
    "bike_intercept": -0.8,
    "drive_transit_intercept": -0.5,
    "ride_hail_intercept": 0.7,
    "walk_intercept": 0.4,
    "walk_transit_intercept": -0.3,
}
"""The constants, against that of the car, that the example's target comes from."""


@pytest.mark.process
async def test_the_example_finds_the_constants_that_its_target_was_made_with(
    tmp_path: Path,
) -> None:
    places = {"params.folder": str(EXAMPLES), "params.outputs": str(tmp_path)}
    async with Runtime.from_topology(EXAMPLES / "beam.yaml", places) as runtime:
        calibrator = await runtime.lookup("calibrator", Calibrator)
        items = [item async for item in calibrator.calibrate_shown()]
    report = items[-1]
    assert isinstance(report, CalibrationReport)
    assert report.ended == "goal"
    assert report.loss is not None
    assert report.loss <= 5.0
    assert report.floor == pytest.approx(0.0, abs=1e-6)
    assert report.answer == pytest.approx(TRUE, abs=1.0)
    await until(lambda: os.listdir(tmp_path) == [])  # of trials that the end has interrupted
    assert sorted(os.listdir(EXAMPLES / "beam")) == ["alternatives.csv", "toy.conf"]
