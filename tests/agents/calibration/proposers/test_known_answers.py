"""Published constants from published shares, and constants of a city from its own."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest

from passel.actors.simulator import Observation
from passel.agents.calibration import Budget, CalibrationSettings, Parameter, Target, TrialRecord
from passel.agents.calibration.proposers import LogOddsQN
from passel.agents.calibration.rehearsal import Crashed, Rehearsal
from passel.agents.calibration.scheduling import CalibrationId, Scheduler, SimulatorId
from passel.agents.calibration.stopping import BeatIncumbent, Extrapolation
from passel.protocols.trial import Trial, TrialId
from passel.sims.choice import patterns
from passel.sims.transport import MODES, Pace
from tests.agents.calibration.city import ITERATIONS, costs, shares
from tests.sims.known_answers import greene, mtc_work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sims.known_answers import KnownAnswer

PEOPLE = 2_000


@pytest.mark.parametrize("data", [mtc_work, greene])
def test_observed_shares_give_back_the_constants_of_maximum_likelihood(
    data: Callable[[], KnownAnswer],
) -> None:
    """Within 1e-3, in 15 runs from constants of 0."""
    known = data()
    target = Target(values=known.shares)
    free = [name for name in known.table.alternatives if name != known.reference]
    space = tuple(Parameter(name=name, constant_of=name) for name in free)
    proposer = LogOddsQN(
        space,
        target,
        iterations=1,
        generator=np.random.default_rng(0),
        availability=patterns(known.table.alternatives, known.table.available),
    )
    best, least = None, float("inf")
    for number in range(15):
        proposal = proposer.ask([])
        assert proposal is not None
        outcome = known.table.shares({**proposal.point, known.reference: 0.0})
        record = TrialRecord(
            id=TrialId(str(number)), point=proposal.point, limit=1, outcomes=(outcome,),
            samples=(0,), state="finished",
        )  # fmt: skip
        proposer.tell(record, None)
        if target.loss(outcome) < least:
            best, least = proposal.point, target.loss(outcome)

    assert best is not None
    for name in free:
        assert best[name] == pytest.approx(known.constants[name], abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_a_city_comes_within_ten_points_in_three_hundred_iterations_of_four_workers(
    seed: int,
) -> None:
    """One worker in ten is ten times as slow, one trial in twenty crashes."""
    draw = np.random.default_rng(seed)
    truth = {mode: draw.uniform(-5.0, 0.0) for mode in MODES if mode != "car"}
    goal = Target(values=list(islice(shares(truth, 10**6), ITERATIONS))[-1])
    pace = Pace(seconds=1.0, crash_rate=0.05, straggler_rate=0.1, seed=seed)

    def simulate(_: SimulatorId, trial: Trial) -> Iterator[Observation | Crashed]:
        own = pace.of(trial)
        for number, outcome in enumerate(shares(trial.parameters, trial.seed), 1):
            if number == own.crash:
                yield Crashed(next(own.seconds))
                return
            yield Observation(outcome=outcome, sample=PEOPLE, seconds=next(own.seconds))

    space = tuple(
        Parameter(name=mode, low=-10.0, high=2.0, start=0.0, constant_of=mode) for mode in truth
    )
    scheduler = Scheduler(
        CalibrationId("city"),
        target=goal,
        proposer=LogOddsQN(
            space,
            goal,
            iterations=ITERATIONS,
            generator=draw,
            availability=patterns(MODES, costs(PEOPLE).available),
        ),
        stopper=BeatIncumbent(Extrapolation(goal, iterations=ITERATIONS)),
        simulators=[SimulatorId(f"worker{i}") for i in range(4)],
        settled=ITERATIONS,
        settings=CalibrationSettings(budget=Budget(iterations=300), confirmations=1, noise=False),
    )
    Rehearsal(scheduler, simulate).run()

    claimed = scheduler.candidates.claimed
    assert claimed is not None
    losses = [
        goal.loss(list(islice(shares(claimed.point, 10**7 + i), ITERATIONS))[-1]) for i in range(4)
    ]
    assert sum(losses) / 4 < 10
