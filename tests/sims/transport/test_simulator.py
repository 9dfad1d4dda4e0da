from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passel import Runtime
from passel.actors.simulator import InvalidSimulatorError
from passel.protocols.trial import Iteration, Trial, TrialEnded, TrialId
from passel.sims.choice import UnknownConstantError
from passel.sims.transport import INTERCEPTS, MODES, Pace, TransportSimulator

if TYPE_CHECKING:
    from passel import ActorRef
    from passel.protocols.trial import TrialEvent


def trial(name: str = "one", seed: int = 1, iterations: int = 3) -> Trial:
    return Trial(
        id=TrialId(name),
        parameters=dict.fromkeys(INTERCEPTS, 0.0),
        iterations=iterations,
        seed=seed,
    )


async def events_of(simulator: ActorRef[TransportSimulator], wanted: Trial) -> list[TrialEvent]:
    return [event async for event in simulator.start(wanted)]


async def test_the_city_says_exactly_who_can_choose_what() -> None:
    async with Runtime() as runtime:
        simulator = await runtime.spawn(TransportSimulator)
        spec = await simulator.describe()

    without_car = tuple(mode for mode in MODES if mode not in ("car", "drive_transit"))
    assert {part.alternatives: part.weight for part in spec.availability} == {
        MODES: 4655.0,
        without_car: 5345.0,
    }
    assert spec.parameters == INTERCEPTS
    assert spec.outcomes == MODES


async def test_a_trial_shows_shares_of_all_people_and_the_same_again() -> None:
    async with Runtime() as runtime:
        simulator = await runtime.spawn(TransportSimulator, people=500)
        *iterations, ended = await events_of(simulator, trial())
        again = await events_of(simulator, trial("two"))
        other = await events_of(simulator, trial("three", seed=2))

    assert ended == TrialEnded(trial=TrialId("one"), ending="finished", iterations=3)
    outcomes = [e.outcome for e in iterations if isinstance(e, Iteration)]
    assert [sum(outcome.values()) for outcome in outcomes] == pytest.approx([1.0] * 3)
    assert {e.sample for e in iterations if isinstance(e, Iteration)} == {500}
    assert outcomes == [e.outcome for e in again if isinstance(e, Iteration)]
    assert outcomes != [e.outcome for e in other if isinstance(e, Iteration)]


async def test_a_constant_can_be_held_fixed() -> None:
    with pytest.raises(UnknownConstantError, match="'car' to be fixed"):
        TransportSimulator(fixed={"car": 0.0})
    with pytest.raises(InvalidSimulatorError, match=r"mode choice in a city .* 0 slots"):
        TransportSimulator(slots=0)
    async with Runtime() as runtime:
        fixed = {"car_intercept": 0.0}
        simulator = await runtime.spawn(TransportSimulator, people=500, fixed=fixed)
        parameters = {name: 0.0 for name in INTERCEPTS if name != "car_intercept"}
        free = Trial(id=TrialId("free"), parameters=parameters, iterations=1, seed=1)
        assert (await simulator.describe()).parameters == tuple(parameters)
        held = await events_of(simulator, free)
        every = await runtime.spawn(TransportSimulator, people=500)
        given = await events_of(every, trial(iterations=1))

    assert isinstance(held[0], Iteration)
    assert isinstance(given[0], Iteration)
    assert held[0].outcome == given[0].outcome


async def test_a_trial_that_is_to_crash_fails_with_a_word_why() -> None:
    async with Runtime() as runtime:
        pace = Pace(crash_rate=1.0)
        simulator = await runtime.spawn(TransportSimulator, people=50, pace=pace)
        ended = (await events_of(simulator, trial()))[-1]

    assert isinstance(ended, TrialEnded)
    assert ended.ending == "failed"
    assert "as `crash_rate` wants" in ended.detail


async def test_an_iteration_takes_at_least_the_time_of_its_pace() -> None:
    async with Runtime() as runtime:
        pace = Pace(seconds=0.02, spread=0.0)
        simulator = await runtime.spawn(TransportSimulator, people=50, pace=pace)
        iterations = (await events_of(simulator, trial()))[:-1]

    assert all(e.seconds > 0.019 for e in iterations if isinstance(e, Iteration))
