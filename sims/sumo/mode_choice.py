"""Travellers choose modes by what these cost, and by how long they have taken."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from ..choice.logit import drawn, gumbel
from ..transport.modes import MODES
from .travellers import offers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..choice.logit import Booleans, Floats, Integers
    from .grid import Grid
    from .settings import SumoSettings
    from .travellers import Traveller
    from .trips import Trip


class Choices:
    """What the travellers of a town can choose: arrays (people, modes).

    Attributes:
        available: Whether each has the mode.
        money: Dollars.
        seconds: How long it is expected to take at first.
        value: Dollars a second of each person: (people, 1).
        names: Of the travellers.
    """

    def __init__(self, people: Sequence[Traveller], grid: Grid, settings: SumoSettings) -> None:
        shape = (len(people), len(MODES))
        self.names = [person.name for person in people]
        self.available: Booleans = np.zeros(shape, dtype=np.bool_)
        self.money: Floats = np.zeros(shape)
        self.seconds: Floats = np.zeros(shape)
        self.value: Floats = np.array([[person.value / 3600] for person in people])
        for row, person in enumerate(people):
            for mode, offer in offers(person, grid, settings).items():
                column = MODES.index(mode)
                self.available[row, column] = True
                self.money[row, column] = offer.money
                self.seconds[row, column] = offer.seconds


class TownModeChoice:
    """One run: who chooses what, and what they have learnt. Knows nothing of SUMO or files.

    Args:
        choices: What can be chosen.
        settings: How many choose again, and how quickly they learn.
        intercepts: The constant of each mode, in dollars, in the order of `MODES`.
        generator: Where its randomness comes from.

    Attributes:
        slowness: How many times as long as expected at first each mode takes, as they have learnt.
        chosen: The column of each traveller's mode; -1 before the first choice.
    """

    def __init__(
        self,
        choices: Choices,
        settings: SumoSettings,
        intercepts: Sequence[float],
        generator: np.random.Generator,
    ) -> None:
        self._choices = choices
        self._settings = settings
        self._intercepts = np.asarray(intercepts, dtype=float)
        self._generator = generator
        self.slowness: Floats = np.ones(len(MODES))
        self.chosen: Integers = np.full(len(choices.names), -1)

    def choose(self) -> dict[str, str]:
        """Let travellers choose, all at first and then some of them; return everybody's mode."""
        people = len(self.chosen)
        again = self._generator.random(people) < self._settings.replanning
        who = np.flatnonzero(again | (self.chosen < 0))
        noise = gumbel(self._generator, len(who), len(MODES))
        self.chosen[who] = drawn(self._utilities()[who], noise)
        modes = (MODES[column] for column in self.chosen)
        return dict(zip(self._choices.names, modes, strict=True))

    def learn(self, trips: Mapping[str, Trip]) -> None:
        """Take note of how long the trips took; a mode that nobody used is expected as before."""
        took: defaultdict[str, float] = defaultdict(float)
        expected: defaultdict[str, float] = defaultdict(float)
        for row, name in enumerate(self._choices.names):
            trip = trips[name]
            took[trip.mode] += trip.seconds
            expected[trip.mode] += self._choices.seconds[row, MODES.index(trip.mode)]
        for column, mode in enumerate(MODES):
            if mode in took:
                there = took[mode] / expected[mode]
                self.slowness[column] += self._settings.smoothing * (there - self.slowness[column])

    def _utilities(self) -> Floats:
        c = self._choices
        utilities = self._intercepts - c.money - c.value * c.seconds * self.slowness
        return np.where(c.available, utilities, -np.inf)
