from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from passel.agents.calibration import Budget, CalibrationSettings, Forecast, Proposal
from passel.agents.calibration.rehearsal import Crashed, Rehearsal
from passel.agents.calibration.scheduling import (
    Began,
    ExtendRun,
    Keep,
    Ledger,
    RunBegan,
    SimulatorFound,
    SimulatorId,
    StartRun,
    TimePassed,
    TrialReported,
)
from passel.protocols.trial import Iteration, TrialId
from tests.agents.calibration.bench import SETTLED, Rambler, rehearsed, scheduler, toy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from passel.actors.simulator import Observation
    from passel.agents.calibration import TrialRecord, Verdict
    from passel.agents.calibration.scheduling import Effect, Event
    from passel.protocols.trial import Trial

NO_CONFIRMATIONS = CalibrationSettings(budget=Budget(trials=12), confirmations=0)


def test_a_budget_of_trials_is_kept_and_the_best_of_them_is_confirmed_on_fresh_seeds() -> None:
    decides = scheduler(settings=CalibrationSettings(budget=Budget(trials=20), confirmations=3))

    rehearsed(decides)

    records = list(decides.ledger.records.values())
    confirming = [record for record in records if record.confirms is not None]
    assert len(records) == 20
    assert decides.ended == "trials"
    best = decides.candidates.claimed
    assert best is not None
    assert best.confirmed == 3
    assert {record.confirms for record in confirming} == {best.trial}
    assert all(record.point == best.point for record in confirming)
    assert len({record.seed for record in records}) == 20
    assert {record.state for record in records} == {"finished"}


def test_a_budget_of_iterations_keeps_back_what_confirming_takes() -> None:
    decides = scheduler(
        settings=CalibrationSettings(budget=Budget(iterations=103), confirmations=2)
    )

    rehearsed(decides)

    best = decides.candidates.claimed
    assert (decides.ended, decides.ledger.iterations <= 103) == ("iterations", True)
    assert best is not None
    assert best.confirmed == 2


def test_a_budget_of_seconds_ends_in_time() -> None:
    decides = scheduler(settings=CalibrationSettings(budget=Budget(seconds=60), confirmations=2))

    rehearsal = rehearsed(decides)

    assert decides.ended == "seconds"
    assert rehearsal.now <= 60
    assert decides.candidates.claimed is not None
    assert decides.candidates.claimed.confirmed == 2


def test_slots_are_never_idle_while_the_proposer_has_wishes() -> None:
    """Simulators are one to four times as slow as the first; nobody waits for any of them."""

    def simulate(simulator: SimulatorId, trial: Trial) -> Iterator[Observation | Crashed]:
        return toy(seconds=1.0 + int(simulator[1:]))(simulator, trial)

    decides = scheduler(
        simulators=4, settings=CalibrationSettings(budget=Budget(seconds=200), confirmations=0)
    )

    rehearsed(decides, simulate)

    trials = Counter(record.simulator for record in decides.ledger.records.values())
    assert decides.fleet.use > 0.999
    assert trials["s0"] > 2 * trials["s2"] > 0


def test_the_goal_ends_it_once_fresh_seeds_confirm_it() -> None:
    decides = scheduler(settings=CalibrationSettings(goal=5.0, confirmations=3))

    rehearsed(decides)

    best = decides.candidates.claimed
    assert decides.ended == "goal"
    assert best is not None
    assert (best.confirmed, best.loss <= 5.0) == (3, True)


def test_a_lucky_trial_is_found_out_and_the_search_goes_on() -> None:
    """With much noise some trial looks better than any point is."""
    decides = scheduler(
        settings=CalibrationSettings(budget=Budget(trials=60), goal=2.0, confirmations=1)
    )

    rehearsed(decides, toy(noise=0.02, sample=0))

    confirmed = {r.confirms for r in decides.ledger.records.values() if r.confirms is not None}
    best = decides.candidates.claimed
    assert decides.ended == "trials"
    assert len(confirmed) > 1
    assert best is not None
    assert best.loss > 2.0


def test_it_ends_where_noise_hides_what_is_left() -> None:
    decides = scheduler(settings=CalibrationSettings(budget=Budget(trials=2_000), confirmations=4))

    rehearsed(decides, toy(noise=0.01, sample=2_500))

    best = decides.candidates.claimed
    assert decides.ended == "noise"
    assert best is not None
    assert best.loss <= best.noise < 5.0


class Hopeless:
    """Stops every trial after two iterations, unless its point is near the best one."""

    def forecast(self, record: TrialRecord) -> Forecast | None:
        outcome = record.outcomes[-1]
        return Forecast(outcome=outcome, deviations={}, loss=0.0, low=0.0, high=0.0)

    def judge(
        self, record: TrialRecord, forecast: Forecast, best: float | None, elapsed: float
    ) -> Verdict:
        del forecast, best, elapsed
        hopeless = len(record.outcomes) == 2 and abs(record.point["x"]) > 1
        return "stop" if hopeless else "go on"


def test_what_the_stopper_judges_hopeless_is_stopped_at_once_and_still_teaches() -> None:
    proposer = Rambler()
    decides = scheduler(proposer, settings=NO_CONFIRMATIONS, stopper=Hopeless())

    rehearsed(decides)

    records = list(decides.ledger.records.values())
    stopped = [record for record in records if record.state == "stopped"]
    assert stopped
    assert {len(record.outcomes) for record in stopped} == {2}
    assert {record.state for record in records if abs(record.point["x"]) <= 1} == {"finished"}
    assert all(record in proposer.told for record in stopped)
    assert decides.ledger.iterations == sum(len(record.outcomes) for record in records)


class Promoter(Rambler):
    """Wants two iterations of each point, and more of those that are near the best one."""

    def ask(self, running: Sequence[TrialRecord]) -> Proposal | None:
        for record in reversed(self.told):
            if record.state == "finished" and record.limit == 2 and abs(record.point["x"]) < 2:
                self.told.remove(record)
                return Proposal(point=record.point, iterations=SETTLED, continues=record.id)
        return super().ask(running)


def test_a_trial_that_lingers_is_extended_instead_of_started_anew() -> None:
    extensions = []
    decides = scheduler(Promoter(iterations=2), settings=NO_CONFIRMATIONS)

    rehearsed(
        decides,
        observe=lambda happened: (
            extensions.append(happened) if isinstance(happened, ExtendRun) else None
        ),
    )

    records = list(decides.ledger.records.values())
    longer = [record for record in records if record.limit == SETTLED]
    assert len(extensions) == len(longer) > 0
    assert {record.attempt for record in records} == {1}
    assert all(len(record.outcomes) == record.limit for record in records)
    assert decides.fleet.use > 0.99


def test_what_cannot_be_extended_is_run_anew_with_the_same_seed() -> None:
    decides = scheduler(Promoter(iterations=2), settings=NO_CONFIRMATIONS)

    rehearsed(decides, extendable=False)

    records = list(decides.ledger.records.values())
    longer = [record for record in records if record.limit == SETTLED]
    short = {(record.point["x"], record.seed) for record in records if record.limit == 2}
    assert longer
    assert {(record.point["x"], record.seed) for record in longer} <= short


def test_a_straggler_is_moved_once_and_delays_nobody() -> None:
    def simulate(simulator: SimulatorId, trial: Trial) -> Iterator[Observation | Crashed]:
        slow = trial.id in {"c-20", "c-30"}
        return toy(seconds=50.0 if slow else 1.0)(simulator, trial)

    decides = scheduler(
        simulators=4, settings=CalibrationSettings(budget=Budget(trials=60), confirmations=0)
    )
    rehearsal = rehearsed(decides, simulate)

    moved = [r for r in decides.ledger.records.values() if r.attempt > 1]
    assert sorted(record.id for record in moved) == ["c-20", "c-30"]
    assert {record.state for record in moved} == {"finished"}
    assert rehearsal.now < 60 * SETTLED / 4 + 20


def test_what_is_doubled_or_late_changes_nothing() -> None:
    plain, doubled = (scheduler(settings=NO_CONFIRMATIONS) for _ in range(2))
    rehearsed(plain)
    again: list[Event] = []

    def repeat(happened: Event | Effect) -> None:
        if isinstance(happened, TrialReported) and happened not in again:
            again.append(happened)
            rehearsal.tell_again(happened, happened.at)

    rehearsal = Rehearsal(doubled, toy(), observe=repeat)
    rehearsal.run()

    assert doubled.ledger.records == plain.ledger.records
    assert doubled.ledger.iterations == plain.ledger.iterations
    assert doubled.strays >= doubled.ledger.iterations


def _note(kept: list[Effect], happened: Event | Effect) -> None:
    if isinstance(happened, Keep):
        kept.append(happened)


@pytest.mark.parametrize("seed", range(25))
def test_no_trial_is_lost_or_counted_twice_whenever_it_is_killed(seed: int) -> None:
    """Killed after a random entry: what was kept is what the next life begins from."""
    chance = random.Random(seed)
    settings = CalibrationSettings(budget=Budget(trials=15), confirmations=2)
    kept: list[Effect] = []
    lives = 0
    ledger = Ledger()
    while True:
        lives += 1
        decides = scheduler(
            Rambler(random=random.Random(f"{seed}/{lives}")),
            settings=settings,
            ledger=ledger,
        )
        ends_after = chance.randrange(1, 40)
        new: list[Effect] = []
        rehearsal = Rehearsal(
            decides,
            toy(crashes=0.03),
            observe=partial(_note, new),
        )
        rehearsal.begin()
        while decides.ended is None and len(new) < ends_after:
            rehearsal.step()
        kept += new
        ledger = Ledger(effect.entry for effect in kept if isinstance(effect, Keep))
        if decides.ended is not None:
            break
    assert lives > 1
    assert ledger.records == decides.ledger.records
    assert ledger.iterations == decides.ledger.iterations
    assert decides.ended == "trials"
    assert len(ledger.records) == 15
    assert all(record.state != "running" for record in ledger.records.values())
    assert all(
        len(record.outcomes) == record.limit
        for record in ledger.records.values()
        if record.state == "finished"
    )


def test_iterations_of_runs_that_were_told_to_end_count_but_only_once() -> None:
    """The third and fourth were under way when the trial was stopped after its second one."""
    decides = scheduler(
        Rambler(most=1), settings=NO_CONFIRMATIONS, simulators=1, stopper=Hopeless()
    )
    effects = [*decides.handle(Began(0.0))]
    effects += decides.handle(SimulatorFound(0.0, SimulatorId("s0"), 1))
    assert abs(decides.ledger.records[TrialId("c-1")].point["x"]) > 1
    for number in (1, 2, 3, 4, 4, 3):
        seen = Iteration(trial=TrialId("c-1"), number=number, outcome={"car": 0.5, "bus": 0.5})
        effects += decides.handle(TrialReported(float(number), seen))

    record = decides.ledger.records[TrialId("c-1")]
    assert (record.state, len(record.outcomes)) == ("stopped", 2)
    assert (decides.ledger.iterations, decides.ledger.unused, decides.strays) == (4, 2, 2)
    kept = Ledger(effect.entry for effect in effects if isinstance(effect, Keep))
    assert (kept.iterations, kept.records) == (4, decides.ledger.records)


def test_slots_that_wait_for_a_decision_do_not_count_as_used() -> None:
    decides = scheduler(settings=NO_CONFIRMATIONS, simulators=1)
    decides.handle(Began(0.0))
    effects = decides.handle(SimulatorFound(0.0, SimulatorId("s0"), 1))
    (run,) = (effect.trial.id for effect in effects if isinstance(effect, StartRun))
    decides.handle(RunBegan(6.0, run))
    decides.handle(TimePassed(10.0))

    assert decides.fleet.busy == 1
    assert decides.fleet.use == pytest.approx(0.4)


def test_slots_of_runs_that_linger_or_end_do_not_count_as_used() -> None:
    """Two iterations of five in two seconds; then it waits for more, and then to be ended."""
    decides = scheduler(
        Rambler(most=1, iterations=2),
        settings=CalibrationSettings(linger=8.0, confirmations=0),
        simulators=1,
    )
    decides.handle(Began(0.0))
    decides.handle(SimulatorFound(0.0, SimulatorId("s0"), 1))
    decides.handle(RunBegan(0.0, TrialId("c-1")))
    for number in (1, 2):
        seen = Iteration(trial=TrialId("c-1"), number=number, outcome={"car": 0.5, "bus": 0.5})
        decides.handle(TrialReported(float(number), seen))
    decides.handle(TimePassed(10.0))
    decides.handle(TimePassed(20.0))

    assert decides.fleet.busy == 1
    assert decides.fleet.use == pytest.approx(0.1)


def test_iterations_that_take_ever_longer_are_no_stragglers() -> None:
    def simulate(simulator: SimulatorId, trial: Trial) -> Iterator[Observation | Crashed]:
        for number, step in enumerate(toy()(simulator, trial)):
            assert not isinstance(step, Crashed)
            yield replace(step, seconds=10.0**number)

    decides = scheduler(settings=NO_CONFIRMATIONS)
    rehearsed(decides, simulate)

    assert {record.attempt for record in decides.ledger.records.values()} == {1}


def test_a_slow_simulator_is_known_as_slow_after_a_few_iterations_and_used_all_the_same() -> None:
    def simulate(simulator: SimulatorId, trial: Trial) -> Iterator[Observation | Crashed]:
        return toy(seconds=20.0 if simulator == "s0" else 1.0)(simulator, trial)

    decides = scheduler(
        simulators=3, settings=CalibrationSettings(budget=Budget(trials=100), confirmations=0)
    )
    rehearsed(decides, simulate)

    records = list(decides.ledger.records.values())
    assert sum(record.attempt > 1 for record in records) <= 4
    assert any(record.simulator == "s0" and record.state == "finished" for record in records)


def test_the_end_does_not_wait_for_a_slow_simulator_that_could_confirm() -> None:
    def simulate(simulator: SimulatorId, trial: Trial) -> Iterator[Observation | Crashed]:
        return toy(seconds=20.0 if simulator == "s0" else 1.0)(simulator, trial)

    decides = scheduler(
        simulators=3, settings=CalibrationSettings(budget=Budget(trials=60), confirmations=6)
    )
    rehearsed(decides, simulate)

    confirming = [r for r in decides.ledger.records.values() if r.confirms is not None]
    assert len(confirming) == 6
    assert {record.simulator for record in confirming} == {"s1", "s2"}
