"""Maximum likelihood of a conditional logit, apart from all of the package's own arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from passel.sims.choice.logit import Floats  # noqa: TC001  # hints are read at run time

if TYPE_CHECKING:
    from passel.sims.choice.logit import Booleans, Integers


@dataclass(frozen=True, slots=True)
class Estimate:
    """Coefficients of maximum likelihood, the logarithm of that, and the largest slope there."""

    coefficients: Floats
    log_likelihood: float
    slope: float


def estimated(x: Floats, available: Booleans, chosen: Integers) -> Estimate:
    """Estimate coefficients by BFGS.

    Args:
        x: Attributes: (people, alternatives, coefficients).
        available: Who can choose what: (people, alternatives).
        chosen: What each chose: (people,).
    """
    from scipy.optimize import minimize  # takes a third of a second

    rows = np.arange(len(chosen))

    def lost(beta: Floats) -> tuple[float, Floats]:
        """Return minus the log-likelihood, and its gradient."""
        odds = np.where(available, np.exp(x @ beta), 0.0)
        likely = odds / odds.sum(axis=1, keepdims=True)
        gradient = x[rows, chosen].sum(axis=0) - np.einsum("na,nak->k", likely, x)
        return -float(np.log(likely[rows, chosen]).sum()), -gradient

    found = minimize(
        lost, np.zeros(x.shape[2]), jac=True, method="BFGS", options={"gtol": 1e-6 * len(chosen)}
    )
    _, gradient = lost(found.x)
    return Estimate(found.x, -float(found.fun), float(abs(gradient).max()))
