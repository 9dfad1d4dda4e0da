"""A calibration of a toy, in virtual time: two modes, one constant, random proposals."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from math import exp
from typing import TYPE_CHECKING

from passel.actors.simulator import Observation
from passel.agents.calibration import CalibrationSettings, Proposal, Target, TrialRecord
from passel.agents.calibration.rehearsal import Crashed, Rehearsal, Simulate
from passel.agents.calibration.scheduling import CalibrationId, Ledger, Scheduler, SimulatorId

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from passel.agents.calibration import Forecast, Stopper
    from passel.protocols.trial import Trial

TARGET = Target(values={"car": 0.5, "bus": 0.5})
SETTLED = 5


@dataclass
class Rambler:
    """Proposes points at random, at most `most` of them, and remembers all that it is told."""

    most: int | None = None
    iterations: int = SETTLED
    told: list[TrialRecord] = field(default_factory=list)
    random: random.Random = field(default_factory=lambda: random.Random(1))

    def ask(self, running: Sequence[TrialRecord]) -> Proposal | None:
        assert all(record.state == "running" for record in running)
        if self.most is not None:
            self.most -= 1
            if self.most < 0:
                return None
        return Proposal(point={"x": self.random.uniform(-4, 4)}, iterations=self.iterations)

    def tell(self, record: TrialRecord, forecast: Forecast | None) -> None:
        del forecast
        self.told.append(record)


def toy(
    *, seconds: float = 1.0, crashes: float = 0.0, sample: int = 10_000, noise: float = 0.0
) -> Simulate:
    """Return a simulator whose shares settle; the seed decides about noise and crashes."""

    def simulate(simulator: SimulatorId, trial: Trial) -> Iterator[Observation | Crashed]:
        del simulator
        chance = random.Random(f"{trial.seed}/{trial.id}")
        settled = 1 / (1 + exp(-trial.parameters["x"]))
        number = 0
        while True:
            number += 1
            if chance.random() < crashes:
                yield Crashed(seconds / 2)
                return
            car = settled + (0.5 - settled) * 0.5**number + chance.gauss(0, noise)
            car = min(max(car, 0.0), 1.0)
            yield Observation(outcome={"car": car, "bus": 1 - car}, sample=sample, seconds=seconds)

    return simulate


def scheduler(
    proposer: Rambler | None = None,
    *,
    simulators: int = 2,
    settings: CalibrationSettings,
    stopper: Stopper | None = None,
    ledger: Ledger | None = None,
    target: Target = TARGET,
) -> Scheduler:
    """Return a scheduler over a fleet of so many simulators."""
    return Scheduler(
        CalibrationId("c"),
        target=target,
        proposer=proposer or Rambler(),
        stopper=stopper,
        simulators=[SimulatorId(f"s{number}") for number in range(simulators)],
        settled=SETTLED,
        settings=settings,
        ledger=ledger,
    )


def rehearsed(decides: Scheduler, simulate: Simulate | None = None, **options: object) -> Rehearsal:
    """Run a calibration to its end."""
    rehearsal = Rehearsal(decides, simulate or toy(), **options)  # type: ignore[arg-type]  # of the fields
    rehearsal.run()
    return rehearsal
