"""Calibrations of San Francisco's mode choice: iterations and time until a loss is reached.

The scheduler is the real one, its simulators run in virtual time: an iteration takes about a second
(lognormal), 5 % of the trials crash, 10 % are ten times as slow. Every seed has a target of its own,
made from known constants from which zero constants are at least 60 points away. A level is reached
when a full run's point has a mean loss below it over 8 fresh seeds; what was not reached within 2,000
iterations counts as that, and the share that was reached stands beside it. An iteration counts
wherever it ran, and whatever became of its trial.

    python benchmarks/calibration.py                      a table
    python benchmarks/calibration.py --json               one flat JSON object, medians, p10 and p90
    python benchmarks/calibration.py --peers hpbandster   beside HpBandSter, in an environment from PyPI

`iters_to_LEVEL_METHOD` is with one worker, `timeN_to_LEVEL_METHOD` with N, in seconds of virtual time.
Twenty seeds take about five minutes of one core.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from calibration_city import (
    ITERATIONS,
    SPACE,
    UNREACHABLE,
    WIDE,
    Workers,
    availability,
    settled,
    target,
    true_loss,
    truth,
)
from calibration_peer import HPBANDSTER, hpbandster
from measure import Samples, arguments, report, say
from peers import peers_of

from passel.agents.calibration import Budget, CalibrationSettings, Target
from passel.agents.calibration.floor import floor_of
from passel.agents.calibration.proposers import (
    Bohb,
    LogOddsQN,
    LogRatio,
    OptunaProposer,
    OptunaStopper,
    Random,
)
from passel.agents.calibration.rehearsal import Rehearsal
from passel.agents.calibration.scheduling import (
    CalibrationId,
    Keep,
    Scheduler,
    SimulatorId,
    StartRun,
    TrialReported,
)
from passel.agents.calibration.scheduling.ledger import TrialClosed
from passel.agents.calibration.scheduling.runs import run_of
from passel.agents.calibration.stopping import BeatIncumbent, Extrapolation, Never
from passel.protocols.trial import TrialEnded

if TYPE_CHECKING:
    from collections.abc import Callable

    from passel.agents.calibration import Proposer, Stopper, TrialRecord
    from passel.agents.calibration.scheduling import Effect, Event

    Make = Callable[[Target, np.random.Generator], tuple[Proposer, Stopper | None]]

LEVELS: Final = {25: 25.9, 10: 10.0, 5: 5.0}
"""Losses by the names that keys have; 25.9 is the best of the paper on BEAM."""

BUDGET: Final = 2_000
SEEDS: Final = 20
SEARCH: Final = CalibrationSettings(
    budget=Budget(iterations=BUDGET), confirmations=0, failures=BUDGET, noise=False
)
"""Nothing but the search, to its end."""

_LUCK: Final = 4.0
"""A run whose own loss is so much above a level is not below it on average: it is not looked at."""


def ours(goal: Target, generator: np.random.Generator) -> tuple[Proposer, Stopper | None]:
    """Return the default of Passel."""
    proposer = LogOddsQN(
        SPACE, goal, iterations=ITERATIONS, generator=generator, availability=availability()
    )
    return proposer, BeatIncumbent(Extrapolation(goal, iterations=ITERATIONS))


def unbounded(goal: Target, generator: np.random.Generator) -> tuple[Proposer, Stopper | None]:
    """Return the same in wider bounds."""
    proposer = LogOddsQN(
        WIDE, goal, iterations=ITERATIONS, generator=generator, availability=availability()
    )
    return proposer, BeatIncumbent(Extrapolation(goal, iterations=ITERATIONS))


def blind(goal: Target, generator: np.random.Generator) -> tuple[Proposer, Stopper | None]:
    """Return the same without knowing who has a car."""
    proposer = LogOddsQN(SPACE, goal, iterations=ITERATIONS, generator=generator)
    return proposer, BeatIncumbent(Extrapolation(goal, iterations=ITERATIONS))


def log_ratio(goal: Target, generator: np.random.Generator) -> tuple[Proposer, Stopper | None]:
    """Return the expert's rule: full runs, no damping."""
    return LogRatio(SPACE, goal, iterations=ITERATIONS, generator=generator), None


def short_log_ratio(
    goal: Target, generator: np.random.Generator
) -> tuple[Proposer, Stopper | None]:
    """Return the expert's rule on forecasts after four iterations."""
    proposer = LogRatio(SPACE, goal, iterations=ITERATIONS, generator=generator, probe=4)
    return proposer, Never(Extrapolation(goal, iterations=ITERATIONS))


def bohb(goal: Target, generator: np.random.Generator) -> tuple[Proposer, Stopper | None]:
    """Return BOHB with budgets that are honoured."""
    return Bohb(SPACE, goal, iterations=ITERATIONS, generator=generator), None


def tpe(goal: Target, generator: np.random.Generator) -> tuple[Proposer, Stopper | None]:
    """Return Optuna's TPE with its HyperBand."""
    proposer = OptunaProposer(
        SPACE, goal, iterations=ITERATIONS, generator=generator, multivariate=True
    )
    return proposer, OptunaStopper(proposer, Extrapolation(goal, iterations=ITERATIONS))


def uniform(goal: Target, generator: np.random.Generator) -> tuple[Proposer, Stopper | None]:
    """Return random search."""
    return Random(SPACE, goal, iterations=ITERATIONS, generator=generator), None


METHODS: Final[dict[str, tuple[Make, tuple[int, ...]]]] = {
    "ours": (ours, (1, 4, 8)),
    "ours_blind": (blind, (1,)),
    "logratio": (log_ratio, (1,)),
    "logratio_short": (short_log_ratio, (1,)),
    "bohb": (bohb, (1, 8)),
    "tpe": (tpe, (1,)),
    "random": (uniform, (1,)),
}
"""Methods, and with how many workers; the log-ratio rule is sequential, so one is all it uses."""


@dataclass
class Course:
    """One calibration in virtual time, and what was seen of it.

    Attributes:
        reached: Iterations and seconds until each level was.
        idle: The part of the workers' time in which they had nothing to run.
        misattributed: Trials whose record is not what its runs showed.
    """

    make: Make
    goal: Target
    seed: int
    workers: int = 1
    settings: CalibrationSettings = SEARCH
    until_reached: bool = True
    reached: dict[int, tuple[int, float]] = field(default_factory=dict)
    idle: float = 0.0
    misattributed: int = 0

    def run(self) -> Course:
        """Run it until all levels are reached, or the budget is spent."""
        proposer, stopper = self.make(self.goal, np.random.default_rng(self.seed))
        self.crew = Workers(self.seed)
        self.scheduler = Scheduler(
            CalibrationId(f"c{self.seed}"),
            target=self.goal,
            proposer=proposer,
            stopper=stopper,
            simulators=[SimulatorId(f"worker{i}") for i in range(self.workers)],
            settled=ITERATIONS,
            settings=self.settings,
            seed=self.seed,
        )
        self.rehearsal = Rehearsal(self.scheduler, self.crew.simulate, observe=self._observe)
        self._busy, self._since, self._idle = 0, 0.0, 0.0
        self.rehearsal.begin()
        while not self.is_over:
            self.rehearsal.step()
        self.idle = self._idle / max(self.workers * self.rehearsal.now, 1e-9)
        self.misattributed = sum(map(self._is_wrong, self.scheduler.ledger.records.values()))
        return self

    @property
    def is_over(self) -> bool:
        """Whether all levels were reached, or the scheduler has ended."""
        done = self.until_reached and len(self.reached) == len(LEVELS)
        return done or self.scheduler.ended is not None

    def until(self, level: int) -> tuple[int, float]:
        """Return iterations and seconds until a level was reached; else all that were spent."""
        return self.reached.get(level, (BUDGET, self.rehearsal.now))

    def _observe(self, happened: Event | Effect) -> None:
        now = self.rehearsal.now
        self._idle += (self.workers - self._busy) * (now - self._since)
        self._since = now
        match happened:
            case StartRun():
                self._busy += 1
            case TrialReported(event=TrialEnded()):
                self._busy -= 1
            case Keep(entry=TrialClosed(trial=name, state="finished")):
                self._look(self.scheduler.ledger.records[name])

    def _look(self, record: TrialRecord) -> None:
        """Note which levels a full run's point has reached."""
        missing = [name for name, level in LEVELS.items() if name not in self.reached]
        if len(record.outcomes) < ITERATIONS or not missing:
            return
        if self.goal.loss(record.outcomes[-1]) < max(LEVELS[n] for n in missing) + _LUCK:
            loss = true_loss(record.point, self.goal)
            now = (self.crew.iterations, self.rehearsal.now)
            self.reached |= {name: now for name in missing if loss < LEVELS[name]}

    def _is_wrong(self, record: TrialRecord) -> bool:
        """Whether a record is not, to the last digit, what its latest run showed at its point."""
        if not record.outcomes:
            return False
        point, shown = self.crew.books[run_of(record.id, record.attempt)]
        return point != record.point or tuple(shown[: len(record.outcomes)]) != record.outcomes


def compare(seeds: range) -> tuple[Samples, dict[str, float]]:
    """Return figures of every method over all seeds, and which part of them reached each level."""
    samples: Samples = {"worker_idle": [], "misattributed": []}
    shares: dict[str, float] = {}
    for method, (make, crews) in METHODS.items():
        for workers in crews:
            courses = []
            for seed in seeds:
                say(f"{method}, {workers} workers, seed {seed}")
                courses.append(Course(make, target(seed), seed, workers).run())
            enter(samples, shares, method, workers, courses)
            samples["misattributed"] += [course.misattributed for course in courses]
            if method == "ours" and workers > 1:
                samples["worker_idle"] += [course.idle for course in courses]
    return samples, shares


def enter(
    samples: Samples, shares: dict[str, float], method: str, workers: int, courses: list[Course]
) -> None:
    """Enter the figures of one method with so many workers."""
    named = method if workers == 1 else f"{method}{workers}"
    for level in LEVELS:
        spent = [course.until(level) for course in courses]
        samples[f"iters_to_{level}_{named}"] = [float(iterations) for iterations, _ in spent]
        samples[f"time{workers}_to_{level}_{method}"] = [seconds for _, seconds in spent]
        if method == "logratio":  # however many there are, it uses one
            samples[f"time8_to_{level}_{method}"] = [seconds for _, seconds in spent]
        reached = sum(level in course.reached for course in courses)
        shares[f"reached_{level}_{named}"] = reached / len(courses)


def recovery(seeds: range) -> Samples:
    """Return how near known constants are found within 1,000 iterations of one worker.

    `recovery_ratio` is the true loss of the claimed point over the distance between runs of the true
    constants.
    """
    settings = CalibrationSettings(budget=Budget(iterations=1_000), failures=BUDGET)
    samples: Samples = {"recovery_loss": [], "recovery_ratio": [], "recovery_iterations": []}
    for seed in seeds:
        say(f"known constants, seed {seed}")
        goal = target(seed)
        course = Course(ours, goal, seed, settings=settings, until_reached=False).run()
        best = course.scheduler.candidates.claimed
        assert best is not None, "a thousand iterations hold full runs"
        runs = [settled(truth(seed), 2**29 + i) for i in range(16)]
        apart = [Target(values=a).loss(b) for a, b in zip(runs[::2], runs[1::2], strict=True)]
        loss = true_loss(best.point, goal)
        samples["recovery_loss"].append(loss)
        samples["recovery_ratio"].append(loss / (sum(apart) / len(apart)))
        samples["recovery_iterations"].append(float(course.crew.iterations))
    return samples


def unreachable(seeds: range) -> tuple[Samples, dict[str, float]]:
    """Return the floor of a target that nobody can reach, and the best true loss of the whole budget."""
    floor = floor_of(UNREACHABLE, availability())
    samples: Samples = {"unreachable_best": []}
    for seed in seeds:
        say(f"a target out of reach, seed {seed}")
        course = Course(unbounded, UNREACHABLE, seed, until_reached=False).run()
        best = course.scheduler.candidates.best
        assert best is not None, "two thousand iterations hold full runs"
        samples["unreachable_best"].append(true_loss(best.point, UNREACHABLE))
    return samples, {"unreachable_floor": round(floor.loss, 2)}


def main() -> None:
    """Measure, report."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--peers", default="", help="of: hpbandster")
    parser.add_argument("--peer-venvs", type=Path, default=None, help="where environments are kept")
    options = parser.parse_args()
    seeds = range(options.rounds or SEEDS)
    peers = peers_of(options.peers, options.peer_venvs, HPBANDSTER)
    samples, facts = compare(seeds)
    for peer in peers:
        found, reached = hpbandster(peer, seeds, LEVELS, BUDGET)
        samples |= found
        facts |= reached
    samples |= recovery(seeds)
    found, floor = unreachable(range(min(3, len(seeds))))
    samples |= found
    facts |= floor
    facts["recovered"] = float(np.mean([ratio <= 1.5 for ratio in samples["recovery_ratio"]]))
    report(samples, {**facts, "n": len(seeds)}, as_json=options.json)


if __name__ == "__main__":
    main()
