"""Simulators that hang, or do not end what they are told to end: nothing waits for them for ever."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import pytest

from passel.agents.calibration import Budget, CalibrationSettings
from passel.agents.calibration.rehearsal import Crashed, Rehearsal
from passel.agents.calibration.scheduling import (
    Began,
    RunBegan,
    SimulatorFound,
    SimulatorId,
    SlotLost,
    StartRun,
    StopRun,
    TimePassed,
    TrialReported,
    WakeAt,
)
from passel.protocols.trial import Iteration, TrialBegan, TrialEnded, TrialId, TrialQueued
from tests.agents.calibration.bench import SETTLED, Rambler, scheduler, toy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passel.actors.simulator import Observation
    from passel.agents.calibration.scheduling import Effect, Event, Scheduler
    from passel.protocols.trial import Trial

TWELVE = CalibrationSettings(budget=Budget(trials=12), confirmations=0)
A_YEAR = 3e7


def hanging(*trials: str, seconds: float = 1e12) -> object:
    """Return a simulator on which these trials never show anything."""

    def simulate(simulator: SimulatorId, trial: Trial) -> Iterator[Observation | Crashed]:
        hangs = trial.id.partition(".")[0] in trials
        return toy(seconds=seconds if hangs else 1.0)(simulator, trial)

    return simulate


@pytest.mark.parametrize("simulators", [1, 2, 3])
def test_a_point_that_hangs_everywhere_fails_in_the_end_and_the_others_go_on(
    simulators: int,
) -> None:
    decides = scheduler(simulators=simulators, settings=TWELVE)
    rehearsal = Rehearsal(decides, hanging("c-6"))  # type: ignore[arg-type]  # a `Simulate`
    rehearsal.begin()
    while decides.ended is None and rehearsal.now < A_YEAR:
        rehearsal.step()

    (failed,) = (r for r in decides.ledger.records.values() if r.state != "finished")
    assert decides.ended == "trials"
    assert (failed.id, failed.state) == ("c-6", "failed")
    assert "usually take 1 s" in failed.detail
    assert rehearsal.now < 600


def test_a_run_that_waits_for_the_trials_of_others_is_neither_silent_nor_in_use() -> None:
    """It waits for 1,000 s, then begins, and has its silence from there."""
    decides = scheduler(
        settings=CalibrationSettings(budget=Budget(trials=9), silence=30.0, confirmations=0),
        simulators=1,
    )
    run = TrialId("c-1")
    decides.handle(Began(0.0))
    decides.handle(SimulatorFound(0.0, SimulatorId("s0"), 1))
    decides.handle(RunBegan(0.0, run))
    decides.handle(TrialReported(0.0, TrialQueued(trial=run)))
    waiting = decides.handle(TimePassed(999.0))
    effects = decides.handle(TrialReported(1_000.0, TrialBegan(trial=run)))
    decides.handle(TrialReported(1_010.0, TrialQueued(trial=run)))  # late, or doubled
    silent = decides.handle(TimePassed(1_030.0))

    assert not waiting
    assert effects == [WakeAt(1_030.0)]
    assert any(isinstance(effect, StopRun) for effect in silent)
    assert decides.fleet.use == pytest.approx(30 / 1_030)


def test_a_run_that_waits_while_another_simulator_is_free_is_moved_there() -> None:
    """The slot of the first one is taken by somebody else, for ever."""
    decides = scheduler(
        Rambler(most=1), settings=CalibrationSettings(budget=Budget(trials=9), confirmations=0)
    )
    run = TrialId("c-1")
    decides.handle(Began(0.0))
    decides.handle(SimulatorFound(0.0, SimulatorId("s0"), 1))
    decides.handle(RunBegan(0.0, run))
    decides.handle(TrialReported(0.0, TrialQueued(trial=run)))
    decides.handle(TimePassed(50.0))
    found = decides.handle(SimulatorFound(51.0, SimulatorId("s1"), 1))
    moved = decides.handle(TimePassed(51.0))

    assert any(isinstance(effect, WakeAt) and effect.at <= 51.0 for effect in found)
    assert StopRun(SimulatorId("s0"), run) in moved
    (start,) = (effect for effect in moved if isinstance(effect, StartRun))
    assert (start.simulator, start.trial.id) == ("s1", "c-1.2")


def test_an_iteration_that_takes_ten_times_as_long_fails_nothing() -> None:
    decides = scheduler(simulators=1, settings=TWELVE)
    Rehearsal(decides, hanging("c-6", seconds=10.0)).run()  # type: ignore[arg-type]  # a `Simulate`

    assert {record.state for record in decides.ledger.records.values()} == {"finished"}


class Deaf:
    """Two simulators; what `deaf` runs neither shows anything nor ends when it is told to."""

    def __init__(self, decides: Scheduler, deaf: str) -> None:
        self.decides = decides
        self.deaf = deaf
        self.now = 0.0
        self.alarm = inf
        self.effects: list[Effect] = []
        self.events: list[Event] = [Began(0.0)]
        self.events += [SimulatorFound(0.0, SimulatorId(name), 1) for name in ("s0", "s1")]

    def run(self, until: float) -> None:
        while self.decides.ended is None and self.now < until:
            if not self.events or self.alarm <= self.now:
                self.now = max(self.now, self.alarm)
                self.alarm = inf
                self.events.insert(0, TimePassed(self.now))
            for effect in self.decides.handle(self.events.pop(0)):
                self.effects.append(effect)
                self.carry_out(effect)

    def carry_out(self, effect: Effect) -> None:
        match effect:
            case StartRun(simulator, trial):
                self.events.append(RunBegan(self.now, trial.id))
                if simulator != self.deaf:
                    self.show(trial.id, trial.iterations)
            case StopRun(simulator, run) if simulator != self.deaf:
                self.end(run)
            case WakeAt():
                self.alarm = min(self.alarm, effect.at)

    def show(self, run: TrialId, iterations: int) -> None:
        for number in range(1, iterations + 1):
            self.now += 1.0
            outcome = {"car": 0.4, "bus": 0.6}
            seen = Iteration(trial=run, number=number, outcome=outcome)
            self.events.append(TrialReported(self.now, seen))
        self.end(run)

    def end(self, run: TrialId) -> None:
        ended = TrialEnded(trial=run, ending="finished", iterations=SETTLED)
        self.events.append(TrialReported(self.now, ended))


def test_a_slot_whose_run_does_not_end_is_lost_and_nobody_waits_for_it() -> None:
    decides = scheduler(settings=TWELVE)
    world = Deaf(decides, "s1")
    world.run(A_YEAR)

    lost = [effect for effect in world.effects if isinstance(effect, SlotLost)]
    assert decides.ended == "trials"
    assert {record.state for record in decides.ledger.records.values()} == {"finished"}
    assert len(lost) == 1
    assert decides.fleet.slots == 1


def test_a_lost_slot_is_there_again_once_its_run_has_ended_after_all() -> None:
    decides = scheduler(settings=CalibrationSettings(budget=Budget(trials=1_000), confirmations=0))
    world = Deaf(decides, "s1")
    world.run(300.0)
    (lost,) = (effect for effect in world.effects if isinstance(effect, SlotLost))
    assert decides.fleet.slots == 1

    world.events.append(
        TrialReported(world.now, TrialEnded(trial=lost.run, ending="stopped", iterations=0))
    )
    world.deaf = ""
    world.run(310.0)

    assert decides.fleet.slots == 2
    assert any(
        isinstance(effect, StartRun) and effect.simulator == "s1"
        for effect in world.effects[world.effects.index(lost) :]
    )


def test_it_ends_as_stranded_when_all_slots_are_lost() -> None:
    decides = scheduler(
        simulators=1,
        settings=CalibrationSettings(budget=Budget(trials=9), silence=5.0, patience=100.0),
    )
    world = Deaf(decides, "s0")
    world.events = world.events[:2]
    world.run(A_YEAR)

    assert decides.ended == "stranded"
    assert world.now < 300
