"""The example: any function under the calibrator, with a search of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from passel import Runtime
from passel.agents.calibration import CalibrationReport, Calibrator

EXAMPLE = Path(__file__).parents[3] / "examples" / "epidemic.yaml"


@pytest.mark.process
async def test_the_example_finds_the_epidemic_and_gives_most_others_up_early() -> None:
    async with Runtime.from_topology(EXAMPLE, {"params.workers": 1}) as runtime:
        calibrator = await runtime.lookup("calibrator", Calibrator)
        items = [item async for item in calibrator.calibrate_shown()]
    report = items[-1]
    assert isinstance(report, CalibrationReport)
    assert (report.ended, report.failed) == ("goal", 0)
    assert report.answer == pytest.approx({"contagion": 0.3, "recovery": 0.1}, abs=0.05)
    assert report.stopped > report.trials / 2
