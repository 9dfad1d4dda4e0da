"""One calibration of the city in virtual time, and what is seen of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from calibration_city import ITERATIONS, Workers, true_loss

from passel.agents.calibration import Budget, CalibrationSettings, Proposer, Stopper, Target
from passel.agents.calibration.rehearsal import Rehearsal
from passel.agents.calibration.scheduling import CalibrationId, Keep, Scheduler, SimulatorId
from passel.agents.calibration.scheduling.ledger import TrialClosed
from passel.agents.calibration.scheduling.runs import run_of

if TYPE_CHECKING:
    from passel.agents.calibration import TrialRecord
    from passel.agents.calibration.scheduling import Effect, Event

LEVELS: Final = {25: 25.9, 10: 10.0, 5: 5.0}
"""Losses by the names that keys have; 25.9 is the best of the paper on BEAM."""

BUDGET: Final = 2_000
SEARCH: Final = CalibrationSettings(
    budget=Budget(iterations=BUDGET), confirmations=0, failures=BUDGET, noise=False
)
"""Nothing but the search, to its end."""

_LUCK: Final = 4.0
"""A run whose own loss is so much above a level is not below it on average: it is not looked at."""


@dataclass(frozen=True)
class Seen:
    """What was seen of a calibration.

    Attributes:
        reached: Iterations and seconds until each level that was reached.
        spent: Iterations and seconds until it was over.
        idle: The part of the workers' time in which nothing that was wanted ran.
        misattributed: Trials whose record is not what its runs showed.
    """

    reached: dict[int, tuple[int, float]]
    spent: tuple[int, float]
    idle: float
    misattributed: int

    def until(self, level: int) -> tuple[int, float]:
        """Return iterations and seconds until a level.

        If it was not reached that is the whole budget, and how long that takes at the pace until the
        end: a method that ended early, because it wanted nothing more, gains nothing by that.
        """
        if level in self.reached:
            return self.reached[level]
        iterations, seconds = self.spent
        return BUDGET, seconds * BUDGET / iterations


@dataclass
class Course:
    """One calibration in virtual time.

    Attributes:
        proposer: Chooses points.
        stopper: Ends trials early, or None.
        goal: What is aimed at.
        seed: What workers and trials draw from.
        workers: How many there are.
        settings: How the scheduler works.
        until_reached: Whether it is over when all levels were reached.
    """

    proposer: Proposer
    stopper: Stopper | None
    goal: Target
    seed: int
    workers: int = 1
    settings: CalibrationSettings = SEARCH
    until_reached: bool = True
    _reached: dict[int, tuple[int, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.crew = Workers(self.seed)
        self.scheduler = Scheduler(
            CalibrationId(f"c{self.seed}"),
            target=self.goal,
            proposer=self.proposer,
            stopper=self.stopper,
            simulators=[SimulatorId(f"worker{i}") for i in range(self.workers)],
            settled=ITERATIONS,
            settings=self.settings,
            seed=self.seed,
        )
        self._rehearsal = Rehearsal(self.scheduler, self.crew.simulate, observe=self._observe)

    def run(self) -> Seen:
        """Run it until all levels are reached, or the budget is spent."""
        self._rehearsal.begin()
        while not self._is_over:
            self._rehearsal.step()
        return Seen(
            reached=self._reached,
            spent=self._spent,
            idle=1.0 - self.scheduler.fleet.use,
            misattributed=sum(map(self._is_wrong, self.scheduler.ledger.records.values())),
        )

    @property
    def _is_over(self) -> bool:
        """Whether all levels were reached, the budget is spent, or the scheduler has ended.

        The scheduler counts iterations that came to something; the budget is of all that were begun.
        """
        done = self.until_reached and len(self._reached) == len(LEVELS)
        return done or self.crew.iterations >= BUDGET or self.scheduler.ended is not None

    @property
    def _spent(self) -> tuple[int, float]:
        """Iterations and seconds until now."""
        return self.crew.iterations, self._rehearsal.now

    def _observe(self, happened: Event | Effect) -> None:
        match happened:
            case Keep(entry=TrialClosed(trial=name, state="finished")):
                self._look(self.scheduler.ledger.records[name])

    def _look(self, record: TrialRecord) -> None:
        """Note which levels a full run's point has reached."""
        missing = [name for name in LEVELS if name not in self._reached]
        if len(record.outcomes) < ITERATIONS or not missing:
            return
        if self.goal.loss(record.outcomes[-1]) < max(LEVELS[n] for n in missing) + _LUCK:
            loss = true_loss(record.point, self.goal)
            self._reached |= {name: self._spent for name in missing if loss < LEVELS[name]}

    def _is_wrong(self, record: TrialRecord) -> bool:
        """Whether a record is not, to the last digit, what its latest run showed at its point."""
        if not record.outcomes:
            return False
        point, shown = self.crew.books[run_of(record.id, record.attempt)]
        return point != record.point or tuple(shown[: len(record.outcomes)]) != record.outcomes
