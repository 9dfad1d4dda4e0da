"""Outcomes that the target and the simulators call differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passel.actors.simulator import FunctionSimulator, Observation
from passel.agents.calibration import (
    Budget,
    CalibrationJournal,
    CalibrationSettings,
    Calibrator,
    OutcomeNamesError,
    Parameter,
    Target,
)
from passel.agents.calibration.log import read_log
from passel.agents.calibration.scheduling import CalibrationId, Finish, Keep, Ledger
from passel.agents.calibration.scheduling.events import Misnamed
from passel.agents.calibration.scheduling.names import Names
from passel.protocols.trial import TrialId
from tests.agents.calibration.bench import SETTLED, rehearsed, scheduler
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passel.agents.calibration.scheduling import Effect, Event, SimulatorId
    from passel.protocols.trial import Trial

SETTINGS = CalibrationSettings(budget=Budget(trials=30))


def waiting(rate: float) -> dict[str, float]:
    return {"wiat": 10.0 - rate, "length": 3.0}


def halves(rate: float) -> dict[str, float]:
    del rate
    return {"car": 0.5, "bus": 0.5}


def test_a_misspelt_share_ends_it_after_the_first_trial_and_nothing_seen_is_lost() -> None:
    seen: list[Event | Effect] = []
    decides = scheduler(
        settings=SETTINGS, simulators=2, target=Target(values={"car": 0.5, "bsu": 0.5})
    )

    rehearsed(decides, observe=seen.append)

    assert decides.ended == "names"
    assert seen[-1] == Finish("names", "", Misnamed(("bsu",), ("car", "bus"), shares=True))
    kept = Ledger([effect.entry for effect in seen if isinstance(effect, Keep)])
    assert kept.state == decides.ledger.state
    assert [record.state for record in kept.records.values()] == ["finished", "stopped"]
    assert len(kept.records[TrialId("c-1")].outcomes) == SETTLED


@pytest.mark.parametrize("outcomes", [[], ["wait"]])
async def test_a_misspelt_outcome_ends_it_with_an_error_of_its_own(outcomes: list[str]) -> None:
    """Also where the simulator was told what its function shows."""
    target = Target(values={"wait": 3.5}, shares=False)
    async with open_runtime() as runtime:
        simulator = await runtime.spawn(FunctionSimulator, function=waiting, outcomes=outcomes)
        ref = await runtime.spawn(
            Calibrator, simulators=[simulator], target=target, space=[Parameter(name="rate")],
            proposer="random", stopper="none", settings=SETTINGS,
        )  # fmt: skip
        with pytest.raises(OutcomeNamesError, match=r"show wiat, length \(did you mean wiat") as e:
            await ref.calibrate()
        progress = await ref.progress()

    assert (e.value.missing, e.value.shown) == (("wait",), ("wiat", "length"))
    assert progress is not None
    assert (progress.ended, progress.running) == ("names", ())
    assert progress.trials == {"failed": 1}


async def test_a_calibration_of_misspelt_outcomes_is_over_where_it_is_kept_and_teaches_nothing(
    tmp_path: Path,
) -> None:
    async with open_runtime() as runtime:
        journal = await runtime.spawn(CalibrationJournal)
        simulator = await runtime.spawn(FunctionSimulator, function=halves)
        ref = await runtime.spawn(
            Calibrator, simulators=[simulator], journal=journal, log=str(tmp_path / "log"),
            target=Target(values={"car": 0.5, "bsu": 0.5}), space=[Parameter(name="rate")],
            proposer="random", stopper="none", settings=SETTINGS,
        )  # fmt: skip
        with pytest.raises(OutcomeNamesError, match="did you mean bus") as e:
            await ref.calibrate()
        (key,) = await journal.keys()
        kept = await journal.look(key)
        after = await journal.open(key, CalibrationId("next"))

    logged = read_log(tmp_path / "log")
    assert kept is not None
    assert kept.state == logged.ledger
    assert kept.ended == "names"
    assert logged.report is not None
    assert (logged.report.answer, logged.report.detail) == (None, str(e.value))
    assert (after.calibration, after.earlier) == ("next", ())


def test_a_share_that_nobody_has_and_names_that_were_shown_once_are_no_misspelling() -> None:
    target = Target(values={"car": 0.7, "bus": 0.3, "bike": 0.0})
    names = Names(target)
    names.see({"car": 1.0})
    names.judge(ended_well=True)  # nobody takes the bus
    names.see({"car": 0.5, "bus": 0.5})
    names.see({"car": 0.9, "walk": 0.1})
    names.judge(ended_well=True)
    assert names.misnamed is None

    names = Names(target)
    names.see({"car": 0.9, "walk": 0.1})
    names.judge(ended_well=False)
    assert names.misnamed == Misnamed(("bus",), ("car", "walk"), shares=True)


def test_a_rare_share_and_one_that_nobody_asked_for_do_not_end_a_calibration_later() -> None:
    names = Names(Target(values={"car": 0.6, "bus": 0.39, "ferry": 0.01}))
    for _ in range(12):
        names.see({"car": 0.6, "bus": 0.4})
        names.judge(ended_well=True)
    names.see({"car": 0.6, "bus": 0.39, "walk": 0.01})
    names.judge(ended_well=True)
    assert names.misnamed is None


def test_a_rare_share_may_be_missing_from_the_first_trial_beside_one_that_nobody_asked_for() -> (
    None
):
    names = Names(Target(values={"car": 0.6, "bus": 0.39, "ferry": 0.01}))
    names.see({"car": 0.6, "bus": 0.39, "walk": 0.01})
    names.judge(ended_well=True)
    assert names.misnamed is None


def test_a_calibration_that_goes_on_does_not_judge_names_anew() -> None:
    wanted = Target(values={"car": 0.6, "bus": 0.3, "tram": 0.1})
    first = scheduler(settings=SETTINGS, simulators=1, target=wanted)
    rehearsed(first)
    assert first.ended == "trials", "nobody took the tram, and nothing else was shown"

    again = scheduler(
        settings=CalibrationSettings(budget=Budget(trials=40)),
        simulators=1,
        target=wanted,
        ledger=Ledger(state=first.ledger.state),
    )
    rehearsed(again, walking)
    assert again.ended == "trials"


def walking(simulator: SimulatorId, trial: Trial) -> Iterator[Observation]:
    """Show a mode that is not in the target."""
    del simulator, trial
    while True:
        yield Observation(outcome={"car": 0.6, "walk": 0.4}, sample=10_000, seconds=1.0)
