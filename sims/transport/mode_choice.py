"""People choose modes, learn how crowded these have become, and some choose again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..choice.logit import drawn, gumbel
from .conditions import CONDITIONS, conditions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..choice.logit import Floats, Integers
    from .costs import Costs
    from .settings import TransportSettings


class ModeChoice:
    """One run of the model. Knows nothing of time, processes or messages.

    In the first iteration everybody chooses under the best conditions; in each further one a part of
    the people, drawn anew, chooses under those that they have come to expect.

    Args:
        costs: What the modes cost people.
        settings: How conditions follow from choices, and how people react.
        intercepts: The constant of each mode, in dollars, in the order of `MODES`.
        generator: Where its randomness comes from.

    Attributes:
        expected: The conditions that people expect, in the order of `CONDITIONS`.
        chosen: The column of each person's mode; -1 before the first iteration.
    """

    def __init__(
        self,
        costs: Costs,
        settings: TransportSettings,
        intercepts: Sequence[float],
        generator: np.random.Generator,
    ) -> None:
        self._costs = costs
        self._settings = settings
        self._generator = generator
        constants = np.asarray(intercepts, dtype=np.float32) - costs.fixed
        self._utilities = np.where(costs.available, constants, np.float32(-np.inf))
        self._rows = np.arange(len(costs.fixed))
        self.expected: Floats = np.zeros(len(CONDITIONS), dtype=np.float32)
        self.chosen: Integers = np.full(len(costs.fixed), -1)

    def iterate(self) -> Floats:
        """Let people choose once; return the share of each mode, of 1, in the order of `MODES`."""
        people, modes = self._costs.fixed.shape
        if self.chosen[0] < 0:
            self.chosen = drawn(self._utilities, gumbel(self._generator, people, modes))
        else:
            again = self._generator.random(people) < self._settings.replanning
            who = np.flatnonzero(again)
            noise = gumbel(self._generator, len(who), modes)
            self.chosen[who] = drawn(self.utilities(who), noise)
        self._learn()
        return np.asarray(np.bincount(self.chosen, minlength=modes) / people)

    def utilities(self, who: Integers) -> Floats:
        """Return the utilities of some people under the conditions that they expect: (who, modes)."""
        found = self._utilities[who]
        for condition, exposure in zip(self.expected, self._costs.exposure, strict=True):
            found -= condition * exposure[who]
        return found

    def _learn(self) -> None:
        """Move what people expect towards what their choices have made of it."""
        load = self._costs.load[:, self._rows, self.chosen].sum(axis=1)
        there = conditions(load, self._costs.miles, len(self._rows), self._settings)
        weight = self._settings.smoothing
        self.expected = ((1 - weight) * self.expected + weight * there).astype(np.float32)
