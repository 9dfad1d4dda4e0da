"""The methods that are compared: what proposes, with what stops early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from calibration_city import ITERATIONS, SPACE, WIDE, availability

from passel.agents.calibration.proposers import (
    Bohb,
    LogOddsQN,
    LogRatio,
    OptunaProposer,
    OptunaStopper,
    Random,
)
from passel.agents.calibration.stopping import BeatIncumbent, Extrapolation, Never

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from passel.agents.calibration import Proposer, Stopper, Target

    Make = Callable[[Target, np.random.Generator], tuple[Proposer, Stopper | None]]


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


METHODS: Final[dict[str, Make]] = {
    "ours": ours,
    "ours_blind": blind,
    "logratio": log_ratio,
    "logratio_short": short_log_ratio,
    "bohb": bohb,
    "tpe": tpe,
    "random": uniform,
}
"""The methods, by what the keys of their figures end with."""
