from __future__ import annotations

from typing import Any

from passel.agents.calibration import NoSimulatorsError, SimulatorsDifferError
from passel.agents.calibration.run import first_of
from passel.protocols.log import CaughtLogger


def test_of_errors_that_come_together_the_first_is_raised_and_the_others_are_logged() -> None:
    lines: list[tuple[str, dict[str, Any]]] = []
    first, second = SimulatorsDifferError("a", "b", "outcomes"), NoSimulatorsError("gone")
    log = CaughtLogger(lambda level, _, facts: lines.append((level, facts)), {})

    assert first_of(ExceptionGroup("both", [first, second]), log) is first
    assert lines == [("warning", {"reason": repr(second)})]
