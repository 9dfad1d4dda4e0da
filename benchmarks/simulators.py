"""How long simulators of travel take, and how noisy the embedded city is.

    python benchmarks/simulators.py                          a table
    python benchmarks/simulators.py --json                   one flat JSON object, medians with p10 and p90
    python benchmarks/simulators.py --sumo .venv-sumo/bin    with Eclipse SUMO, too

A run of the city has 10,000 people and 20 iterations, one of SUMO's town 300 people and 3. Each round
draws constants of its own.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Final

import numpy as np
from measure import Samples, arguments, report, say

from passel import ActorRef, Runtime
from passel.protocols.trial import Iteration, Trial, TrialId
from passel.sims.sumo import SumoSettings, SumoSimulator
from passel.sims.transport import (
    INTERCEPTS,
    City,
    ModeChoice,
    TransportSettings,
    TransportSimulator,
    costs_of,
)

SPREAD: Final = 3.0
"""Constants are drawn within this of 0, in dollars."""

CITY_ITERATIONS: Final = 20
SUMO_ITERATIONS: Final = 3


class Core:
    """The city's arithmetic alone."""

    def __init__(self) -> None:
        self._settings = TransportSettings()
        self._costs = costs_of(City.load(), self._settings)

    def run(self, constants: list[float], seed: int) -> list[np.ndarray]:
        """Return the shares after each iteration."""
        generator = np.random.default_rng(seed)
        choice = ModeChoice(self._costs, self._settings, constants, generator)
        return [choice.iterate() for _ in range(CITY_ITERATIONS)]


def of_core(core: Core, constants: list[float], seed: int) -> dict[str, float]:
    """Measure two runs that differ by their seed alone."""
    start, used = time.perf_counter(), time.process_time()
    shares = core.run(constants, seed)
    took, cpu = time.perf_counter() - start, time.process_time() - used
    other = core.run(constants, seed + 1_000_000)
    return {
        "city_run_ms": took * 1e3,
        "city_run_cpu_ms": cpu * 1e3,
        "city_drift_l1": 100 * float(abs(shares[0] - shares[-1]).sum()),
        "city_noise_l1": 100 * float(abs(shares[-1] - other[-1]).sum()),
    }


async def of_actor(
    simulator: ActorRef[TransportSimulator] | ActorRef[SumoSimulator],
    trial: Trial,
) -> float:
    """Return seconds of a trial in another process, every iteration sent as it ends."""
    start = time.perf_counter()
    seen = [event async for event in simulator.start(trial) if isinstance(event, Iteration)]
    if len(seen) != trial.iterations:
        raise RuntimeError(f"{trial.id} has shown {len(seen)} iterations of {trial.iterations}")
    return time.perf_counter() - start


async def measured(rounds: int, programs: str) -> Samples:
    """Run all rounds and return every round's values."""
    found: Samples = {}
    core = Core()
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(Runtime(name="bench-simulators"))
        await runtime.start_node("far")
        far = runtime.options(node="far")
        city = await far.spawn(TransportSimulator)
        town = None
        if programs:
            town = await far.spawn(SumoSimulator, settings=SumoSettings(), programs=programs)
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            constants = (
                np.random.default_rng(number).uniform(-SPREAD, SPREAD, len(INTERCEPTS)).tolist()
            )
            values = of_core(core, constants, number)
            parameters = dict(zip(INTERCEPTS, constants, strict=True))
            trial = Trial(
                id=TrialId(f"city {number}"), parameters=parameters, iterations=CITY_ITERATIONS
            )
            values["city_run_far_ms"] = 1e3 * await of_actor(city, trial)
            if town is not None:
                trial = Trial(
                    id=TrialId(f"town {number}"), parameters=parameters, iterations=SUMO_ITERATIONS
                )
                values["sumo_run_s"] = await of_actor(town, trial)
            for key, value in values.items():
                found.setdefault(key, []).append(value)
    say("")
    return found


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--sumo", default="", help="the folder of SUMO's programs")
    options = parser.parse_args()
    rounds = options.rounds or (100 if options.full else 20)
    found = asyncio.run(measured(rounds, options.sumo))
    report(found, {"n": rounds, "seeds": f"0 to {rounds - 1}"}, as_json=options.json)


if __name__ == "__main__":
    main()
