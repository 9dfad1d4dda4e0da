from __future__ import annotations

import asyncio
import functools
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from passel import Runtime
from passel.actors.simulator import (
    FunctionSimulator,
    InvalidSimulatorError,
    Observation,
    TrialRefusedError,
)
from passel.agents.stream import closing
from passel.protocols.trial import TrialEnded, TrialId
from tests.runtime.worlds import until

from .trials import ONE, outcomes_of, trial

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

TWO = TrialId("two")


def parabola(x: float, y: float, shift: float = 0.0) -> float:
    return (x - 1) ** 2 + (y + shift) ** 2


def halving(x: float, seed: int) -> Iterator[dict[str, float]]:
    while True:
        x /= 2
        yield {"x": x, "seed": seed}


async def waiting(x: float) -> Observation:
    return Observation(outcome={"x": x}, sample=9)


async def streaming(x: float, iterations: int) -> AsyncIterator[dict[str, float]]:
    for number in range(iterations):
        yield {"x": x + number}


async def run(
    function: Any, *wanted: Any, **options: Any
) -> list[tuple[list[dict[str, float]], TrialEnded]]:
    """Run trials one after the other on a simulator of a function."""
    async with Runtime() as runtime:
        simulator = await runtime.spawn(FunctionSimulator, function=function, **options)
        return [await outcomes_of(simulator, one) for one in wanted]


@pytest.mark.parametrize(
    ("function", "wanted", "outcomes"),
    [
        (parabola, trial(x=3, y=0), [{"value": 4.0}]),
        (functools.partial(parabola, y=2), trial(x=1), [{"value": 4.0}]),
        (halving, trial(2, x=8), [{"x": 4.0, "seed": 7.0}, {"x": 2.0, "seed": 7.0}]),
        (functools.partial(halving, x=8), trial(), [{"x": 4.0, "seed": 7.0}]),
        (waiting, trial(x=1), [{"x": 1.0}]),
        (streaming, trial(2, x=1), [{"x": 1.0}, {"x": 2.0}]),
        (lambda x: {"x": np.float32(x)}, trial(x=0.5), [{"x": 0.5}]),
        (lambda **anything: len(anything), trial(x=0, y=1), [{"value": 2.0}]),
    ],
)
async def test_functions_of_all_kinds_are_simulators(
    function: Callable[..., Any], wanted: Any, outcomes: list[dict[str, float]]
) -> None:
    ((found, ended),) = await run(function, wanted)
    assert (found, ended.ending, ended.detail) == (outcomes, "finished", "")


async def test_a_function_is_found_by_name_and_its_signature_is_what_trials_give() -> None:
    async with Runtime() as runtime:
        path = f"{__name__}:parabola"
        named = await runtime.spawn(FunctionSimulator, function=path)
        spec = await named.describe()
        assert (spec.name, spec.parameters, spec.extendable) == ("parabola", ("x", "y"), False)
        with pytest.raises(TrialRefusedError, match="also wants y"):
            await outcomes_of(named, trial(x=1))
        more = ["x", "y", "shift"]
        wider = await runtime.spawn(FunctionSimulator, function=path, parameters=more, outcome="f")
        assert await outcomes_of(wider, trial(x=1, y=1, shift=1)) == (
            [{"f": 4.0}],
            TrialEnded(trial=ONE, ending="finished", iterations=1),
        )


@pytest.mark.parametrize(
    ("function", "options", "reason"),
    [
        (f"{__name__}:gone", {}, "has no gone"),
        ("no_such_module:f", {}, "No module named"),
        ("halving", {}, "as 'module:function'"),
        (f"{__name__}:ONE", {}, "it is a str, no function"),
        (TrialId, {}, "wrap it"),
        (lambda x, /: x, {}, "without `/`"),
        (parabola, {"parameters": ["x", "z"]}, "it has no parameter z"),
        (parabola, {"parameters": ["x"]}, "it also wants y"),
        (parabola, {"iterations": 3}, "say iterations=1"),
        (parabola, {"iterations": 0}, "0 iterations; give one or more"),
        (parabola, {"slots": 0}, "0 slots; give one or more"),
        (parabola, {"slots": -1}, "-1 slots"),
        (parabola, {"timeout": 0.0}, "a timeout of 0 s"),
    ],
)
def test_what_is_no_simulation_is_refused(
    function: Any, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidSimulatorError, match=reason):
        FunctionSimulator(function=function, **options)


def failing(kind: float) -> Any:
    errors = {
        0: ValueError("zero"),
        1: StopIteration("one"),
        2: SystemExit(2),
        3: TimeoutError("t"),
    }
    if kind in errors:
        raise errors[int(kind)]
    odd = {4: "four", 5: {"x": "5"}, 6: {"x": float("nan")}, 7: None, 8: True, 9: {"y": 1.0}}
    return odd.get(int(kind), {"x": 1.0})


@pytest.mark.parametrize("wrap", [False, True])
async def test_what_fails_costs_one_trial_and_not_the_simulator(wrap: bool) -> None:
    async def awaited(kind: float) -> Any:
        return failing(kind)

    says = [
        "ValueError: zero",
        "StopIteration|one",
        "raised SystemExit: 2",
        "TimeoutError: t",
        "gave 'four', which is no number",
        "gave '5', which is no number",
        "x is nan",
        "gave None, which is no number",
        "gave True, which is no number",
        "x is missing",
    ]
    wanted = [trial(kind=kind) for kind in range(len(says) + 1)]
    *failed, last = await run(awaited if wrap else failing, *wanted, outcomes=["x"])
    assert last[0] == [{"x": 1.0}]
    for text, (outcomes, ended) in zip(says, failed, strict=True):
        assert (outcomes, ended.ending) == ([], "failed")
        assert any(part in ended.detail for part in text.split("|")), ended.detail


async def test_a_function_that_hangs_costs_its_trial_and_others_get_another_thread() -> None:
    gate = threading.Event()

    def hanging(x: float) -> float:
        if x == 0:
            gate.wait()
        return x

    hung, well = await run(hanging, trial(x=0), trial(x=1), timeout=0.05)
    gate.set()
    assert "hanging gave no iteration within 0.05 s" in hung[1].detail
    assert well[0] == [{"value": 1.0}]


async def test_a_generator_that_is_left_is_closed_in_its_thread_once_its_step_is_over() -> None:
    begun, gate, closed = threading.Event(), threading.Event(), threading.Event()
    threads = set()

    def steps(x: float) -> Iterator[float]:
        threads.add(threading.get_ident())
        try:
            yield x
            begun.set()
            gate.wait()
            yield x
        finally:
            threads.add(threading.get_ident())
            closed.set()

    async with Runtime() as runtime:
        simulator = await runtime.spawn(FunctionSimulator, function=steps, slots=2)
        async with closing(simulator.start(trial(3, x=1))) as events:
            await anext(events)
            await until(begun.is_set)
            await simulator.stop(ONE)
            assert await anext(events) == TrialEnded(trial=ONE, ending="stopped", iterations=1)
        assert not closed.is_set()
        gate.set()
        await until(closed.is_set)
        assert len(threads) == 1
        async with closing(simulator.start(trial(1, name=TWO, x=1))) as events:
            await anext(events)
            await anext(events)
    assert len(threads) <= 2


async def test_trials_run_at_once_as_far_as_there_are_slots() -> None:
    both = threading.Barrier(2, timeout=10)

    def meeting(x: float) -> float:
        both.wait()
        return x

    async with Runtime() as runtime:
        simulator = await runtime.spawn(FunctionSimulator, function=meeting, slots=2)
        async with asyncio.TaskGroup() as tasks:
            runs = [
                tasks.create_task(outcomes_of(simulator, trial(name=name, x=1)))
                for name in (ONE, TWO)
            ]
    assert [one.result()[0] for one in runs] == [[{"value": 1.0}]] * 2
