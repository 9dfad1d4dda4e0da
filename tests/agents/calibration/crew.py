"""Simulators and proposers for whole calibrations."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import count
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING

from passel.actors.simulator import Observation, Simulator
from passel.agents.calibration import Proposal, Setting
from passel.protocols.trial import SimulatorSpec, Trial

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from passel.agents.calibration import Forecast, TrialRecord

ITERATIONS = 5


def cars(x: float, seed: int) -> Iterator[float]:
    """Yield the share of cars, iteration by iteration."""
    chance = random.Random(seed)
    settled = 1 / (1 + exp(-x))
    for number in count(1):
        yield settled + (0.5 - settled) * 0.5**number + chance.gauss(0.0, 0.001)


class Slope(Simulator):
    """Two modes, of which one has a constant; shares settle, and the seed makes noise.

    Args:
        seconds: How long an iteration takes.
        slots: How many trials it runs at a time.
        fails: Trials whose seed is a multiple of this fail at the third iteration; 0 for none.
        trace: A folder in which each iteration leaves a line.
    """

    def __init__(
        self, *, seconds: float = 0.0, slots: int = 1, fails: int = 0, trace: str = ""
    ) -> None:
        super().__init__()
        self._seconds = seconds
        self._slots_wanted = slots
        self._fails = fails
        self._trace = trace

    def spec(self) -> SimulatorSpec:
        return SimulatorSpec(
            name="slope",
            parameters=("car_intercept", "bus_intercept"),
            outcomes=("car", "bus"),
            iterations=ITERATIONS,
            slots=self._slots_wanted,
        )

    async def simulate(self, trial: Trial) -> AsyncGenerator[Observation]:
        x = trial.parameters["car_intercept"] - trial.parameters["bus_intercept"]
        for number, car in enumerate(cars(x, trial.seed), 1):
            await self.context.sleep(self._seconds)
            if number == 3 and self._fails and trial.seed % self._fails == 0:
                raise RuntimeError("the third iteration is one too many")
            self._leave(trial, number)
            yield Observation(outcome={"car": car, "bus": 1 - car}, sample=100_000)

    def _leave(self, trial: Trial, number: int) -> None:
        if self._trace:
            with (Path(self._trace) / "trace").open("a") as file:
                file.write(f"{trial.id} {number} {self.context.name}\n")


@dataclass
class Walk:
    """Proposes points around the best one, which it takes from what it is told."""

    setting: Setting
    width: float = 2.0

    def __post_init__(self) -> None:
        self.best = float("inf")
        self.point = {parameter.name: parameter.beginning for parameter in self.setting.space}
        self.told = 0

    def ask(self, running: Sequence[TrialRecord]) -> Proposal | None:
        del running
        width = min(self.width, self.best / 10)
        chance = self.setting.random
        point = {
            parameter.name: parameter.clipped(self.point[parameter.name] + chance.gauss(0, width))
            for parameter in self.setting.space
        }
        return Proposal(point=point, iterations=self.setting.iterations)

    def tell(self, record: TrialRecord, forecast: Forecast | None) -> None:
        del forecast
        self.told += 1
        if record.state == "finished":
            loss = self.setting.target.loss(record.outcomes[-1])
            if loss < self.best:
                self.best, self.point = loss, record.point


def walk(setting: Setting, *, width: float = 2.0) -> Walk:
    """Return a proposer."""
    return Walk(setting, width)


def parabola(x: float, y: float) -> float:
    """Return a number that is 7 where both are 2, and more elsewhere."""
    return 7.0 + (x - 2.0) ** 2 + (y - 2.0) ** 2


def ridge(x: float) -> Iterator[dict[str, float]]:
    """Yield a height that is 7 where x is 3, with its iteration's noise."""
    for number in count(1):
        yield {"height": 7.0 + abs(x - 3.0) + 0.1 / number}
