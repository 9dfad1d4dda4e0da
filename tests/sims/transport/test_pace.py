from __future__ import annotations

from itertools import islice
from statistics import mean, stdev

import pytest

from passel.protocols.trial import Trial, TrialId
from passel.sims.transport import Pace


def trial(number: int) -> Trial:
    return Trial(id=TrialId(f"t{number}"), parameters={}, iterations=20)


def test_by_default_nothing_happens() -> None:
    paces = [Pace().of(trial(number)) for number in range(100)]

    assert {own.crash for own in paces} == {None}
    assert {next(own.seconds) for own in paces} == {0.0}


def test_iterations_take_the_time_they_should_on_average() -> None:
    own = Pace(seconds=2.0, spread=0.3).of(trial(1))
    times = list(islice(own.seconds, 4000))

    assert mean(times) == pytest.approx(2.0, abs=0.04)  # 4 standard errors
    assert stdev(times) == pytest.approx(0.61, abs=0.06)


def test_as_many_trials_fail_and_are_slow_as_should() -> None:
    pace = Pace(seconds=1.0, spread=0.0, crash_rate=0.05, straggler_rate=0.1, seed=3)
    paces = [pace.of(trial(number)) for number in range(4000)]
    crashes = [own.crash for own in paces if own.crash is not None]
    slow = [own for own in paces if next(own.seconds) > 5]

    assert len(crashes) / 4000 == pytest.approx(0.05, abs=0.014)  # 4 standard errors
    assert set(crashes) == set(range(1, 21))
    assert len(slow) / 4000 == pytest.approx(0.1, abs=0.019)
    assert next(slow[0].seconds) == pytest.approx(10.0)


def test_a_trial_has_the_same_fate_again_and_another_try_has_its_own() -> None:
    pace = Pace(seconds=1.0)
    first, again, other = (next(pace.of(trial(n)).seconds) for n in (1, 1, 2))

    assert first == again != other
