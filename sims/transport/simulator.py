"""A city as a simulator: people choose among eight modes, as in BEAM, and get into each other's way."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping  # noqa: TC003  # hints are read at run time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...actors.simulator import Observation
from ..choice.patterns import patterns
from .city import SAN_FRANCISCO, City
from .costs import Costs, costs_of
from .errors import InjectedCrashError
from .mode_choice import ModeChoice
from .mode_simulator import ModeSimulator
from .modes import MODES
from .pace import Pace
from .settings import TransportSettings

if TYPE_CHECKING:
    from ...protocols.trial import Trial
    from ..choice.logit import Floats

ITERATIONS = 20
"""After how many iterations shares count as settled; with a fifth of the people choosing anew in
each, about 1 % of what the first one lacked is then left."""


class TransportSimulator(ModeSimulator):
    """Mode choice of people in a city, by default 10,000 in downtown San Francisco.

    Its parameters are the eight constants, `bike_intercept` to `walk_transit_intercept`, in dollars;
    its outcome is the share of each mode. Only their differences matter: `fixed` holds one of them.
    Equal trials with equal seeds have equal outcomes, wherever they run.

    Args:
        city: An npz file with the arrays of `City`; empty for San Francisco.
        people: How many of the city's people travel; all of them if None.
        fixed: Parameters that trials do not give, and their values, as `{"car_intercept": 0.0}`.
        settings: Prices, speeds, capacities.
        pace: How long iterations take, and which trials fail.
        slots: How many trials it runs at a time.

    Raises:
        UnknownConstantError: A fixed parameter is none of the eight.
        InvalidSimulatorError: There are no slots.
    """

    def __init__(
        self,
        *,
        city: str = "",
        people: int | None = None,
        fixed: Mapping[str, float] | None = None,
        settings: TransportSettings | None = None,
        pace: Pace | None = None,
        slots: int = 1,
    ) -> None:
        super().__init__("mode choice in a city", fixed=fixed, iterations=ITERATIONS, slots=slots)
        self._path = Path(city) if city else SAN_FRANCISCO
        self._people = people
        self._settings = settings or TransportSettings()
        self._pace = pace or Pace()
        self._costs: Costs | None = None

    async def started(self) -> None:
        """Read the city."""
        self._costs = await self.context.run_blocking(self._read)
        self._availability = patterns(MODES, self._costs.available)

    async def simulate(self, trial: Trial) -> AsyncGenerator[Observation]:
        """Yield the shares of the modes, iteration by iteration.

        Raises:
            InjectedCrashError: The pace wants this trial to fail.
        """
        assert self._costs is not None, "it has started"
        pace = self._pace.of(trial)
        generator = np.random.default_rng(trial.seed)
        choice = ModeChoice(self._costs, self._settings, self._intercepts(trial), generator)
        number = 0
        while True:
            number += 1
            shares: Floats = await self.context.run_blocking(choice.iterate)
            if self._pace.seconds:
                await self.context.sleep(next(pace.seconds))
            if number == pace.crash:
                raise InjectedCrashError(trial.id, number)
            outcome = dict(zip(MODES, shares.tolist(), strict=True))
            yield Observation(outcome=outcome, sample=len(choice.chosen))

    def _read(self) -> Costs:
        city = City.load(self._path)
        return costs_of(city if self._people is None else city.first(self._people), self._settings)
