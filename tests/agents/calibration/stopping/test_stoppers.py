from __future__ import annotations

import pytest

from passel.agents.calibration import Forecast, Stopper, Target, TrialRecord, Verdict
from passel.agents.calibration.stopping import (
    BeatIncumbent,
    DecayingThreshold,
    Extrapolation,
    Never,
)
from passel.protocols.trial import TrialId

SEEN = {"car": 0.5, "walk": 0.5}


def extrapolation() -> Extrapolation:
    return Extrapolation(Target(values=SEEN), iterations=20)


def trial(seen: int) -> TrialRecord:
    return TrialRecord(
        id=TrialId("a"), point={}, limit=20, outcomes=(SEEN,) * seen, samples=(100,) * seen
    )


def expected(loss: float, low: float) -> Forecast:
    return Forecast(outcome=SEEN, deviations={}, loss=loss, low=low, high=2 * loss)


@pytest.mark.parametrize("kind", [BeatIncumbent, DecayingThreshold, Never])
def test_every_stopper_forecasts(kind: type[BeatIncumbent | DecayingThreshold | Never]) -> None:
    stopper: Stopper = kind(extrapolation())

    assert stopper.forecast(trial(0)) is None
    assert stopper.forecast(trial(3)) == extrapolation().forecast(trial(3))


@pytest.mark.parametrize(
    ("low", "best", "verdict"),
    [(70.0, None, "go on"), (9.9, 10.0, "go on"), (10.0, 10.0, "stop"), (70.0, 10.0, "stop")],
)
def test_a_trial_goes_on_while_it_may_beat_the_best(
    low: float, best: float | None, verdict: Verdict
) -> None:
    assert BeatIncumbent(extrapolation()).judge(trial(2), expected(80.0, low), best, 0) == verdict


def test_nothing_is_stopped_by_a_stopper_that_never_does() -> None:
    assert Never(extrapolation()).judge(trial(9), expected(190.0, 180.0), 1.0, 1e9) == "go on"


@pytest.mark.parametrize(
    ("minutes", "most"),
    [(0, 90), (61, 90), (149, 90), (150, 60), (300, 60), (449, 60), (450, 30), (600, 10), (751, 5)],
)
def test_the_published_threshold_falls_and_never_rises(minutes: float, most: float) -> None:
    """Between 300 and 450 minutes, and after each full hour, the authors' code is back at 90."""
    stopper = DecayingThreshold(extrapolation())

    assert stopper.threshold(60 * minutes) == most
    for loss, verdict in ((most - 1, "go on"), (most + 1, "stop")):
        assert stopper.judge(trial(3), expected(loss, 0), None, 60 * minutes) == verdict


def test_the_published_rule_looks_once() -> None:
    stopper = DecayingThreshold(extrapolation())

    verdicts = [stopper.judge(trial(seen), expected(99, 0), None, 0) for seen in (1, 2, 3, 4)]
    assert verdicts == ["go on", "go on", "stop", "go on"]


def test_a_threshold_that_begins_later_stops_nothing_before() -> None:
    stopper = DecayingThreshold(extrapolation(), steps=((10.0, 5.0),), first=1)

    assert stopper.threshold(9.0) is None
    assert stopper.judge(trial(1), expected(99, 0), None, 9.0) == "go on"
    assert stopper.judge(trial(1), expected(99, 0), None, 10.0) == "stop"
