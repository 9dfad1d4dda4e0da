from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest

from passel import Runtime
from passel.actors.simulator import Observation, Simulator, TrialRefusedError
from passel.agents.stream import closing
from passel.protocols.trial import (
    Iteration,
    SimulatorSpec,
    Trial,
    TrialBegan,
    TrialEnded,
    TrialId,
    TrialQueued,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from passel import ActorRef
    from passel.protocols.trial import TrialEvent

ONE = TrialId("one")


class Doubling(Simulator):
    """Doubles its parameter; fails at 8, ends by itself at 1024, takes no 7; may wait for `gate`.

    What it gives for 9 is infinite, and for 11 it has another name.
    """

    def __init__(self, *, gated: bool = False, slots: int = 1, extendable: bool = True) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gated = gated
        self.slots = slots
        self.extendable = extendable
        self.closed = 0

    def spec(self) -> SimulatorSpec:
        return SimulatorSpec(
            name="doubling",
            parameters=("x",),
            outcomes=("y",),
            slots=self.slots,
            extendable=self.extendable,
        )

    def refusal(self, trial: Trial) -> str:
        return "seven is out" if trial.parameters["x"] == 7 else ""

    async def simulate(self, trial: Trial) -> AsyncGenerator[Observation]:
        value = trial.parameters["x"]
        try:
            while value < 1024:
                if self.gated:
                    await self.gate.wait()
                if value == 8:
                    raise ZeroDivisionError("eight")
                outcome = {"z" if value == 11 else "y": math.inf if value == 9 else 2 * value}
                value *= 2
                yield Observation(outcome=outcome, sample=10, seconds=0.5)
        finally:
            self.closed += 1
            if trial.id == "kept":
                self.keep(trial.id, "there")
            if trial.id == "dirty":
                raise OSError("cannot be removed")


def trial(x: float = 3, iterations: int = 3, *, name: TrialId = ONE, waits: bool = False) -> Trial:
    return Trial(id=name, parameters={"x": x}, iterations=iterations, waits=waits)


async def events_of(simulator: ActorRef[Doubling], wanted: Trial) -> list[TrialEvent]:
    return [event async for event in simulator.start(wanted)]


async def test_a_trial_yields_every_iteration_and_then_how_it_ended() -> None:
    async with Runtime() as runtime:
        simulator = await runtime.spawn(Doubling)

        *iterations, ended = await events_of(simulator, trial())

    assert [e.outcome for e in iterations if isinstance(e, Iteration)] == [
        {"y": 6.0},
        {"y": 12.0},
        {"y": 24.0},
    ]
    assert [e.number for e in iterations if isinstance(e, Iteration)] == [1, 2, 3]
    assert ended == TrialEnded(trial=ONE, ending="finished", iterations=3)


async def test_an_error_fails_the_trial_and_not_the_simulator() -> None:
    async with Runtime() as runtime:
        simulator = await runtime.spawn(Doubling)

        *_, ended = await events_of(simulator, trial(x=2))
        assert ended == TrialEnded(
            trial=ONE, ending="failed", iterations=2, detail="ZeroDivisionError: eight"
        )
        *_, ended = await events_of(simulator, trial(x=512, iterations=5))
        assert isinstance(ended, TrialEnded)
        assert ended.ending == "failed"
        assert "ended by itself" in ended.detail
        *_, ended = await events_of(simulator, trial())
        assert isinstance(ended, TrialEnded)
        assert ended.ending == "finished"


@pytest.mark.parametrize(
    ("x", "says", "shown"),
    [(9, "y is inf; it has y", ()), (11, "y is missing; it has z", ("z",))],
)
async def test_an_outcome_that_is_none_fails_the_trial(
    x: float, says: str, shown: tuple[str, ...]
) -> None:
    async with Runtime() as runtime:
        simulator = await runtime.spawn(Doubling)

        (ended,) = await events_of(simulator, trial(x=x))
        assert isinstance(ended, TrialEnded)
        assert (ended.ending, ended.detail) == ("failed", f"an outcome that is none: {says}")
        assert ended.shown == shown


class Lingering(Doubling):
    """Takes for ever to clean up, unless it is told again to hurry."""

    hurried = 0

    async def simulate(self, trial: Trial) -> AsyncGenerator[Observation]:
        try:
            yield Observation(outcome={"y": 0.0})
            await asyncio.Event().wait()
        finally:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                Lingering.hurried += 1
                raise


async def test_cleaning_up_that_takes_too_long_is_told_so_when_the_actor_ends() -> None:
    async with Runtime() as runtime:
        simulator = await runtime.spawn(Lingering)
        async with closing(simulator.start(trial())) as events:
            await anext(events)
            await runtime.stop(simulator, grace=0.0)

    assert Lingering.hurried == 1


async def test_where_its_files_lie_is_said_at_the_end_of_a_trial() -> None:
    async with Runtime() as runtime:
        simulator = await runtime.spawn(Doubling)
        *_, ended = await events_of(simulator, trial(name=TrialId("kept")))

    assert isinstance(ended, TrialEnded)
    assert ended.output == "there"


async def test_what_cannot_be_cleaned_up_changes_nothing_of_what_was_shown() -> None:
    dirty = TrialId("dirty")
    async with Runtime() as runtime:
        simulator = await runtime.spawn(Doubling)
        *_, ended = await events_of(simulator, trial(name=dirty))
        *_, again = await events_of(simulator, trial())

    assert ended == TrialEnded(trial=dirty, ending="finished", iterations=3)
    assert again == TrialEnded(trial=ONE, ending="finished", iterations=3)


async def test_a_stopped_trial_ends_in_the_middle_of_an_iteration() -> None:
    async with Runtime() as runtime:
        simulator = await runtime.spawn(Doubling, gated=True)
        async with asyncio.TaskGroup() as tasks:
            events = tasks.create_task(events_of(simulator, trial()))
            while not await simulator.stop(ONE):
                pass

        assert events.result() == [TrialEnded(trial=ONE, ending="stopped", iterations=0)]
        assert not await simulator.stop(ONE)


async def test_a_trial_that_waits_goes_on_where_it_was_when_it_is_extended() -> None:
    async with Runtime() as runtime:
        simulator = await runtime.spawn(Doubling)
        values = []
        async with closing(simulator.start(trial(iterations=1, waits=True))) as events:
            async for event in events:
                if not isinstance(event, Iteration):
                    break
                values.append(event.outcome["y"])
                if event.number == 1:
                    assert await simulator.extend(ONE, 3)
                if event.number == 3:
                    await simulator.stop(ONE)

        assert values == [6, 12, 24]
        assert event == TrialEnded(trial=ONE, ending="stopped", iterations=3)
        assert not await simulator.extend(ONE, 5)


async def test_what_cannot_be_extended_ends_at_its_limit() -> None:
    async with Runtime() as runtime:
        simulator = await runtime.spawn(Doubling, extendable=False)
        async with closing(simulator.start(trial(iterations=1, waits=True))) as events:
            first = await anext(events)
            assert not await simulator.extend(ONE, 3)
            last = await anext(events)

    assert isinstance(first, Iteration)
    assert last == TrialEnded(trial=ONE, ending="finished", iterations=1)


async def test_a_trial_beyond_the_slots_waits_and_can_be_stopped_meanwhile() -> None:
    two = TrialId("two")
    async with Runtime() as runtime:
        simulator = await runtime.spawn(Doubling)
        async with closing(simulator.start(trial(iterations=1, waits=True))) as first:
            await anext(first)
            async with asyncio.TaskGroup() as tasks:
                second = tasks.create_task(events_of(simulator, trial(name=two)))
                while not await simulator.stop(two):
                    pass
            assert second.result() == [
                TrialQueued(trial=two),
                TrialEnded(trial=two, ending="stopped", iterations=0),
            ]
        *_, ended = await events_of(simulator, trial(name=two))  # whoever left gave back its slot

    assert ended == TrialEnded(trial=two, ending="finished", iterations=3)


async def test_a_trial_says_that_it_waits_for_a_slot_and_when_it_has_it() -> None:
    two = TrialId("two")
    async with Runtime() as runtime:
        simulator = await runtime.spawn(Doubling)
        async with closing(simulator.start(trial(iterations=1, waits=True))) as first:
            await anext(first)
            async with closing(simulator.start(trial(iterations=1, name=two))) as second:
                assert await anext(second) == TrialQueued(trial=two)
                await simulator.stop(ONE)
                assert await anext(second) == TrialBegan(trial=two)
                assert isinstance(await anext(second), Iteration)


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (trial(iterations=0), "ask for one or more"),
        (trial(x=float("nan")), "x is no finite number"),
        (trial(x=7), "seven is out"),
        (Trial(id=ONE, parameters={"z": 1.0}, iterations=1), "has no z; it takes x"),
        (Trial(id=ONE, parameters={}, iterations=1), "also wants x"),
    ],
)
async def test_a_trial_that_does_not_fit_is_refused(odd: Trial, reason: str) -> None:
    async with Runtime() as runtime:
        simulator = await runtime.spawn(Doubling)

        with pytest.raises(TrialRefusedError, match=reason):
            await events_of(simulator, odd)


async def test_two_trials_of_one_name_do_not_run_at_once() -> None:
    async with Runtime() as runtime:
        simulator = await runtime.spawn(Doubling, slots=2)
        async with closing(simulator.start(trial(iterations=1, waits=True))) as first:
            await anext(first)
            with pytest.raises(TrialRefusedError, match="under way"):
                await events_of(simulator, trial())
