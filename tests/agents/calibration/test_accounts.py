from __future__ import annotations

from passel.agents.calibration import Budget, CalibrationSettings
from passel.agents.calibration.accounts import report_of
from passel.agents.calibration.scheduling import CalibrationId
from tests.agents.calibration.bench import rehearsed, scheduler, toy


def test_a_report_without_an_answer_says_what_went_wrong() -> None:
    settings = CalibrationSettings(budget=Budget(trials=3), retries=0, confirmations=0)
    decides = scheduler(settings=settings)
    rehearsed(decides, toy(crashes=1.0))

    report = report_of(
        CalibrationId("c"),
        decides,
        settings,
        detail="",
        floor=None,
        held={},
        at=1.0,
        resumed=False,
    )

    failed = [record.detail for record in decides.ledger.records.values()]
    assert (report.ended, report.answer, report.failed) == ("trials", None, 3)
    assert report.detail == f"no full trial ended; the last to fail: {failed[-1]}"
    assert failed[-1]
