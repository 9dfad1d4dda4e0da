"""Trials that fail and simulators that die, in virtual time."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pytest

from passel.agents.calibration import Budget, CalibrationSettings, Target
from passel.agents.calibration.rehearsal import Crashed, Rehearsal
from passel.agents.calibration.scheduling import (
    Ledger,
    SimulatorId,
    StartRun,
)
from passel.protocols.trial import TrialId
from tests.agents.calibration.bench import SETTLED, rehearsed, scheduler, toy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passel.actors.simulator import Observation
    from passel.agents.calibration.scheduling import Effect, Event
    from passel.protocols.trial import Trial

NO_CONFIRMATIONS = CalibrationSettings(budget=Budget(trials=12), confirmations=0)


def test_a_crashed_trial_is_retried_once_elsewhere_with_its_seed() -> None:
    starts: list[StartRun] = []

    def simulate(simulator: SimulatorId, trial: Trial) -> Iterator[Observation | Crashed]:
        if simulator == "s0":
            yield Crashed(0.5, "boom")
            return
        yield from toy()(simulator, trial)

    def observe(happened: Event | Effect) -> None:
        if isinstance(happened, StartRun):
            starts.append(happened)

    decides = scheduler(settings=NO_CONFIRMATIONS)
    rehearsed(decides, simulate, observe=observe)

    again = {start.trial.id: start for start in starts}
    assert decides.ended == "trials"
    assert {record.state for record in decides.ledger.records.values()} == {"finished"}
    assert again["c-1"].simulator == "s0"  # type: ignore[index]  # the name is plain here
    assert again["c-1.2"].simulator == "s1"  # type: ignore[index]
    assert again["c-1.2"].trial.seed == again["c-1"].trial.seed  # type: ignore[index]


def test_a_trial_that_crashes_everywhere_is_recorded_as_failed_and_ends_it_at_last() -> None:
    def simulate(simulator: SimulatorId, trial: Trial) -> Iterator[Observation | Crashed]:
        del simulator, trial
        yield Crashed(1.0, "no licence")

    decides = scheduler(settings=CalibrationSettings(failures=4))
    rehearsed(decides, simulate)

    failed = [record for record in decides.ledger.records.values() if record.state == "failed"]
    assert decides.ended == "failures"
    assert [(record.attempt, record.detail) for record in failed] == [(2, "no licence")] * 4


def test_silence_fails_a_trial() -> None:
    def simulate(simulator: SimulatorId, trial: Trial) -> Iterator[Observation | Crashed]:
        return toy(seconds=1e9 if trial.id.startswith("c-3") else 1.0)(simulator, trial)

    decides = scheduler(
        settings=CalibrationSettings(budget=Budget(trials=6), confirmations=0, silence=30.0)
    )
    rehearsed(decides, simulate)

    (failed,) = (r for r in decides.ledger.records.values() if r.state == "failed")
    assert failed.id == "c-3"
    assert failed.detail == "nothing came of it for 30 s; iterations here usually take 1 s"


def test_simulators_die_and_come_back_and_no_trial_is_lost() -> None:
    decides = scheduler(settings=CalibrationSettings(budget=Budget(trials=20), confirmations=0))
    rehearsal = Rehearsal(decides, toy())
    for at in range(3, 40, 7):
        rehearsal.kill(SimulatorId(f"s{at % 2}"), float(at) + 0.5, 3.0)

    rehearsal.run()

    assert decides.ended == "trials"
    assert {record.state for record in decides.ledger.records.values()} == {"finished"}


def test_deaths_of_simulators_are_no_failures_of_trials() -> None:
    """Each of the two dies ten times; every trial outlives that, and the reasons are kept."""
    decides = scheduler(settings=CalibrationSettings(budget=Budget(trials=40), confirmations=0))
    rehearsal = Rehearsal(decides, toy())
    for at in range(3, 83, 4):
        rehearsal.kill(SimulatorId(f"s{at // 4 % 2}"), float(at) + 0.5, 0.2)

    rehearsal.run()

    records = list(decides.ledger.records.values())
    broken = [failed for record in records for failed in record.failures]
    assert {record.state for record in records} == {"finished"}
    assert max(len(record.failures) for record in records) > 1
    assert {(failed.broken, failed.detail) for failed in broken} == {(True, "its simulator died")}


def test_a_trial_that_kills_every_simulator_fails_in_the_end() -> None:
    decides = scheduler(
        settings=CalibrationSettings(budget=Budget(trials=3), confirmations=0, deaths=2)
    )

    def observe(happened: Event | Effect) -> None:
        if isinstance(happened, StartRun) and happened.trial.id.startswith("c-2"):
            rehearsal.kill(happened.simulator, rehearsal.now + 0.5, 1.0)

    rehearsal = Rehearsal(decides, toy(), observe=observe)
    rehearsal.run()

    second = decides.ledger.records[TrialId("c-2")]
    assert (second.state, second.attempt) == ("failed", 3)
    assert {r.state for r in decides.ledger.records.values() if r is not second} == {"finished"}


def test_failures_of_earlier_lives_count_and_why_each_attempt_failed_is_kept() -> None:
    def simulate(simulator: SimulatorId, trial: Trial) -> Iterator[Observation | Crashed]:
        yield Crashed(1.0, f"{trial.id} crashed on {simulator}")

    settings = CalibrationSettings(budget=Budget(trials=1), confirmations=0)
    first = scheduler(settings=settings)
    rehearsal = Rehearsal(first, simulate)
    rehearsal.begin()
    while not any(record.failures for record in first.ledger.records.values()):
        rehearsal.step()

    second = scheduler(settings=settings, ledger=Ledger(state=first.ledger.state))
    rehearsed(second, simulate)

    (record,) = second.ledger.records.values()
    assert record.state == "failed"
    assert [failed.attempt for failed in record.failures] == [1, record.attempt]
    assert record.failures[0].detail == "c-1 crashed on s0"


def test_it_ends_when_no_simulator_comes_back() -> None:
    decides = scheduler(settings=CalibrationSettings(patience=60.0))
    rehearsal = Rehearsal(decides, toy())
    for name in ("s0", "s1"):
        rehearsal.kill(SimulatorId(name), 10.0, 1e9)

    rehearsal.run()

    assert decides.ended == "stranded"
    assert rehearsal.now == pytest.approx(70.0)


def test_an_outcome_without_a_wanted_name_fails_its_trial_and_says_so() -> None:
    decides = scheduler(
        settings=CalibrationSettings(failures=1),
        target=Target(values={"car": 0.5, "bus": 0.5, "delay": 3.0}, shares=False),
    )

    rehearsed(decides)

    assert decides.ended == "failures"
    (failed,) = (r for r in decides.ledger.records.values() if r.state == "failed")
    assert "delay" in failed.detail


def test_a_retried_trial_holds_what_its_last_attempt_has_shown_and_counts_all_iterations() -> None:
    """Its first attempt crashes after three iterations that are unlike those of the second."""

    def simulate(simulator: SimulatorId, trial: Trial) -> Iterator[Observation | Crashed]:
        steps = toy(noise=0.1)(simulator, trial)
        if trial.id == "c-1":
            yield from islice(steps, 3)
            yield Crashed(0.5)
        yield from steps

    decides = scheduler(settings=NO_CONFIRMATIONS)
    rehearsed(decides, simulate)

    records = list(decides.ledger.records.values())
    retried = records[0]
    assert (retried.attempt, retried.state, len(retried.outcomes)) == (2, "finished", SETTLED)
    assert retried.times[0] >= retried.began
    assert decides.ledger.iterations == 3 + sum(len(record.outcomes) for record in records)


def test_an_iteration_with_a_faulty_outcome_counts() -> None:
    decides = scheduler(
        settings=CalibrationSettings(failures=1, retries=0), simulators=1,
        target=Target(values={"car": 0.5, "bus": 0.5, "delay": 3.0}, shares=False),
    )  # fmt: skip

    rehearsed(decides)

    assert decides.ledger.iterations == 1
