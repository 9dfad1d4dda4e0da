"""Outcomes that the target and the simulators call differently."""

from __future__ import annotations

import pytest

from passel.actors.simulator import FunctionSimulator
from passel.agents.calibration import (
    Budget,
    CalibrationSettings,
    Calibrator,
    OutcomeNamesError,
    Parameter,
    Target,
)
from passel.agents.calibration.scheduling.names import Names
from tests.agents.calibration.bench import SETTLED, rehearsed, scheduler
from tests.runtime.worlds import open_runtime

SETTINGS = CalibrationSettings(budget=Budget(trials=30))


def waiting(rate: float) -> dict[str, float]:
    return {"wiat": 10.0 - rate, "length": 3.0}


def test_a_misspelt_share_ends_it_after_the_first_trial_that_has_shown_all() -> None:
    decides = scheduler(
        settings=SETTINGS, simulators=1, target=Target(values={"car": 0.5, "bsu": 0.5})
    )

    with pytest.raises(
        OutcomeNamesError, match=r"wants bsu, .* show car, bus \(did you mean bus"
    ) as e:
        rehearsed(decides)

    assert (e.value.missing, e.value.shown) == (("bsu",), ("car", "bus"))
    (record,) = decides.ledger.records.values()
    assert len(record.outcomes) == SETTLED


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
        with pytest.raises(OutcomeNamesError, match=r"show wiat, length \(did you mean wiat"):
            await ref.calibrate()
        progress = await ref.progress()

    assert progress is not None
    assert sum(progress.trials.values()) == 1


def test_a_share_that_nobody_has_and_names_that_were_shown_once_are_no_misspelling() -> None:
    names = Names(Target(values={"car": 0.7, "bus": 0.3, "bike": 0.0}))
    names.see({"car": 1.0})
    names.check()  # nobody takes the bus
    names.see({"car": 0.9, "walk": 0.1})
    with pytest.raises(OutcomeNamesError, match="target of 0"):
        names.check()
    names.see({"bus": 1.0})
    names.check()
