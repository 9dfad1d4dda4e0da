from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from passel import Runtime
from passel.actors.simulator import InvalidSimulatorError
from passel.protocols.trial import Availability, Iteration, Trial, TrialId
from passel.sims.choice import (
    ChoiceSimulator,
    ChoiceTable,
    ChoiceTableError,
    UnknownConstantError,
)

if TYPE_CHECKING:
    from pathlib import Path

TABLE = ChoiceTable(
    alternatives=("bus", "car", "walk"),
    utilities=np.array([[1.0, 0.0, -1.0], [0.0, 9.0, 0.0], [0.5, 0.5, 0.5]]),
    available=np.array([[True, True, True], [True, False, True], [True, False, True]]),
    weights=np.array([2.0, 1.0, 1.0]),
)


def slow_shares(constants: dict[str, float]) -> dict[str, float]:
    """Return the shares of `TABLE`, one person after the other."""
    total = dict.fromkeys(TABLE.alternatives, 0.0)
    for row, weight in enumerate(TABLE.weights.tolist()):
        odds = {
            name: math.exp(TABLE.utilities[row, column] + constants[name])
            for column, name in enumerate(TABLE.alternatives)
            if TABLE.available[row, column]
        }
        for name, odd in odds.items():
            total[name] += weight * odd / sum(odds.values()) / 4.0
    return total


def test_shares_are_those_of_a_slow_model() -> None:
    constants = {"bus": 0.3, "car": -0.7, "walk": 1.1}

    assert TABLE.shares(constants) == pytest.approx(slow_shares(constants))


def test_a_table_comes_back_from_its_file(tmp_path: Path) -> None:
    TABLE.save(tmp_path / "table.npz")
    again = ChoiceTable.load(tmp_path / "table.npz")

    assert again.alternatives == TABLE.alternatives
    assert (again.utilities == TABLE.utilities).all()
    assert (again.available == TABLE.available).all()
    assert (again.weights == TABLE.weights).all()


@pytest.mark.parametrize(
    ("utilities", "available", "weights", "reason"),
    [
        ([[0.0]], [[True, True]], [1.0], "weights and names want"),
        ([[0.0, 0.0]], [[False, False]], [1.0], "row 0 has nothing"),
        ([[0.0, math.inf]], [[True, True]], [1.0], "no finite number"),
        ([[0.0, 0.0]], [[True, True]], [0.0], "positive"),
    ],
)
def test_a_table_that_no_choice_can_be_made_from_is_refused(
    utilities: list[list[float]], available: list[list[bool]], weights: list[float], reason: str
) -> None:
    with pytest.raises(ChoiceTableError, match=reason):
        ChoiceTable(
            alternatives=("bus", "car"),
            utilities=np.array(utilities),
            available=np.array(available),
            weights=np.array(weights),
        )


async def test_the_simulator_shows_expected_shares_in_every_iteration() -> None:
    async with Runtime(isolate=True) as runtime:  # so that the table travels
        simulator = await runtime.spawn(ChoiceSimulator, table=TABLE, fixed={"car_intercept": -0.7})
        spec = await simulator.describe()
        parameters = {"bus_intercept": 0.3, "walk_intercept": 1.1}
        trial = Trial(id=TrialId("one"), parameters=parameters, iterations=2)
        events = [event async for event in simulator.start(trial)]

    assert spec.parameters == ("bus_intercept", "walk_intercept")
    assert spec.outcomes == TABLE.alternatives
    assert spec.availability == (
        Availability(alternatives=("bus", "walk"), weight=2.0),
        Availability(alternatives=("bus", "car", "walk"), weight=2.0),
    )
    iterations = [event for event in events if isinstance(event, Iteration)]
    assert [event.sample for event in iterations] == [0, 0]
    for event in iterations:
        assert event.outcome == pytest.approx(slow_shares({"bus": 0.3, "car": -0.7, "walk": 1.1}))


def test_only_constants_of_the_model_can_be_fixed(tmp_path: Path) -> None:
    TABLE.save(tmp_path / "table.npz")

    with pytest.raises(
        UnknownConstantError, match="'car' to be fixed; there are bus_intercept, car_i"
    ):
        ChoiceSimulator(table=str(tmp_path / "table.npz"), fixed={"car": 0.0})
    with pytest.raises(InvalidSimulatorError, match="0 slots; give one or more"):
        ChoiceSimulator(table=TABLE, slots=0)
