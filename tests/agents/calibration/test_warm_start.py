from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from passel.agents.calibration import LogError, Parameter, Target, TrialRecord
from passel.agents.calibration.log import CalibrationLog, LogHead
from passel.agents.calibration.scheduling import CalibrationId, LedgerState
from passel.agents.calibration.warm_start import earlier_trials
from passel.protocols.trial import TrialId

if TYPE_CHECKING:
    from pathlib import Path

SHARES = Target(values={"car": 0.8, "bus": 0.2})
SPACE = (Parameter(name="x"),)
RECORDS = (
    TrialRecord(
        id=TrialId("c-1"), point={"x": 1.0}, limit=1, outcomes=({"car": 0.7, "bus": 0.3},),
        samples=(0,), state="finished", times=(1.0,), ended=1.0,
    ),
    TrialRecord(
        id=TrialId("c-2"), point={"x": 2.0}, limit=3, outcomes=({"car": 0.6, "bus": 0.4},),
        samples=(0,), times=(2.0,),
    ),
    TrialRecord(id=TrialId("c-3"), point={"x": 3.0}, limit=3),
)  # fmt: skip


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return the log of a calibration that was killed."""
    path = tmp_path / "runs.jsonl"
    head = LogHead(
        calibration=CalibrationId("c"), simulator="slope", target=SHARES, space=SPACE,
        fixed={"y": 1.0}, settled=3, state=LedgerState(records=RECORDS),
    )  # fmt: skip
    written = CalibrationLog(path)
    written.begin(head)
    written.close()
    return path


def learned(log: Path, **now: Any) -> list[TrialRecord]:
    whole: dict[str, Any] = {"target": SHARES, "space": SPACE, "fixed": {"y": 1.0}}
    return earlier_trials(log, **whole | now)


def test_trials_that_nobody_runs_any_more_are_told_as_stopped(log: Path) -> None:
    finished, running, _ = RECORDS
    stopped = msgspec.structs.replace(
        running, state="stopped", ended=2.0, detail="its calibration was over"
    )

    assert learned(log) == [finished, stopped]
    assert learned(log, target=Target(values={"car": 1.0})) == [finished, stopped]


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"space": (Parameter(name="z"),)}, "calibrated x, this one calibrates z; warm-start from"),
        ({"fixed": {"y": 2.0}}, "held y at 1, this one holds it at 2"),
        ({"target": Target(values={"km": 3.0}, shares=False)}, "aimed at shares of a whole, this"),
        ({"target": Target(values={"caar": 1.0})}, "showed bus, car, this one wants caar"),
    ],
)
def test_a_log_of_something_else_is_refused_with_both_names(
    log: Path, now: dict[str, Any], said: str
) -> None:
    with pytest.raises(LogError, match=said):
        learned(log, **now)
