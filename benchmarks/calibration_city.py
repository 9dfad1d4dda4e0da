"""What calibrations are compared on: San Francisco's mode choice, and targets that can be reached."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from passel.actors.simulator import Observation
from passel.agents.calibration import Parameter, Target
from passel.agents.calibration.rehearsal import Crashed
from passel.sims.choice.patterns import patterns
from passel.sims.transport import (
    MODES,
    SAN_FRANCISCO,
    City,
    ModeChoice,
    Pace,
    TransportSettings,
    costs_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passel.agents.calibration import Point, Space
    from passel.agents.calibration.rehearsal import Simulate
    from passel.agents.calibration.scheduling import SimulatorId
    from passel.protocols.trial import Availability, Outcome, Trial, TrialId
    from passel.sims.transport import Costs

ITERATIONS: Final = 20
FRESH: Final = 8
"""Runs with fresh seeds over which the true loss of a point is the mean."""

REFERENCE: Final = "car"
SPACE: Final[Space] = tuple(
    Parameter(name=f"{mode}_intercept", low=-10.0, high=0.0, start=0.0, constant_of=mode)
    for mode in MODES
    if mode != REFERENCE
)
"""The search space of the paper on BEAM: seven constants, that of the car held at 0."""

WIDE: Final[Space] = tuple(
    Parameter(name=p.name, low=-10.0, high=10.0, start=0.0, constant_of=p.constant_of)
    for p in SPACE
)
"""The bounds that a calibrator takes where none are given: none of them stops anybody here."""

FARTHEST: Final = 6.0
"""Constants of targets are drawn between this below 0, and 0."""

LEAST: Final = 60.0
"""Targets from which zero constants are nearer are not taken: BEAM's own began at 64."""

UNREACHABLE: Final = Target(
    values={
        "car": 0.65,
        "drive_transit": 0.06,
        "ride_hail": 0.05,
        "ride_hail_pooled": 0.05,
        "ride_hail_transit": 0.06,
        "walk": 0.07,
        "walk_transit": 0.06,
        "bike": 0.0,
        "cav": 0.0,
    }
)
"""The paper's target in whole points; fewer than half of the people here have a car."""

_SETTINGS: Final = TransportSettings()


@cache
def costs() -> Costs:
    """Return what the modes cost the 10,000 people."""
    return costs_of(City.load(SAN_FRANCISCO), _SETTINGS)


def availability() -> tuple[Availability, ...]:
    """Return who can choose what."""
    return patterns(MODES, costs().available)


def shares(point: Point, seed: int) -> Iterator[Outcome]:
    """Yield the shares of each iteration, without an end."""
    intercepts = [point.get(f"{mode}_intercept", 0.0) for mode in MODES]
    choice = ModeChoice(costs(), _SETTINGS, intercepts, np.random.default_rng(seed))
    while True:
        yield dict(zip(MODES, choice.iterate().tolist(), strict=True))


def settled(point: Point, seed: int) -> Outcome:
    """Return the shares of a full run."""
    run = shares(point, seed)
    for _ in range(ITERATIONS - 1):
        next(run)
    return next(run)


def true_loss(point: Point, target: Target) -> float:
    """Return the mean loss of full runs with fresh seeds, which no calibration has seen."""
    losses = [target.loss(settled(point, 2**31 + seed)) for seed in range(FRESH)]
    return sum(losses) / FRESH


def truth(number: int) -> Point:
    """Return the constants that a target is made with."""
    draw = np.random.default_rng([5, number])
    nothing = settled({}, 0)
    while True:
        point = {parameter.name: float(draw.uniform(-FARTHEST, 0.0)) for parameter in SPACE}
        if Target(values=settled(point, 1)).loss(nothing) >= LEAST:
            return point


@cache
def target(number: int) -> Target:
    """Return mean shares of full runs with known constants."""
    outcomes = [settled(truth(number), 2**30 + seed) for seed in range(FRESH)]
    means = {mode: sum(outcome[mode] for outcome in outcomes) / FRESH for mode in MODES}
    return Target(values=means)


class Workers:
    """Simulators that crash and dawdle, and keep their own books.

    Attributes:
        iterations: How many they have run, those of runs that crashed or were stopped included.
        books: What each run showed, and where it ran.
    """

    def __init__(self, seed: int) -> None:
        self._pace = Pace(seconds=1.0, crash_rate=0.05, straggler_rate=0.1, seed=seed)
        self.iterations = 0
        self.books: dict[TrialId, tuple[Point, list[Outcome]]] = {}

    @property
    def simulate(self) -> Simulate:
        """What a rehearsal calls."""
        return self._simulate

    def _simulate(self, _: SimulatorId, trial: Trial) -> Iterator[Observation | Crashed]:
        pace = self._pace.of(trial)
        shown: list[Outcome] = []
        self.books[trial.id] = (trial.parameters, shown)
        for number, outcome in enumerate(shares(trial.parameters, trial.seed), 1):
            self.iterations += 1
            seconds = next(pace.seconds)
            if number == pace.crash:
                yield Crashed(seconds)
                return
            shown.append(outcome)
            yield Observation(outcome=outcome, sample=len(costs().fixed), seconds=seconds)
