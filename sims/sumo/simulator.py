"""Eclipse SUMO as a simulator: our people choose modes, SUMO says how long their trips take."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Mapping  # noqa: TC003  # hints are read at run time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...actors.simulator import Observation
from ..choice.patterns import patterns
from ..transport.city import City
from ..transport.mode_simulator import ModeSimulator
from ..transport.modes import MODES
from .grid import Grid
from .mode_choice import Choices, TownModeChoice
from .programs import program, run_program
from .scenario import TRIPS, netgenerate_words, sumo_words, write_day, write_town
from .settings import SumoSettings
from .travellers import travellers
from .trips import trips

if TYPE_CHECKING:
    from ...protocols.trial import Trial
    from .travellers import Traveller
    from .trips import Trip

ITERATIONS = 10
"""After how many iterations shares count as settled: eight of nine have chosen again by then."""


class SumoSimulator(ModeSimulator):
    """Mode choice in a generated town, with travel times that SUMO simulates.

    One run of SUMO is one iteration. Its parameters are the eight constants, in dollars, and its
    outcome is the share of each mode among the trips that were made. Incomes and cars are those of
    the embedded city's people; streets, buses and trips are made up.

    Each trial runs in a temporary folder of its own, and the programs of a trial that is stopped, or
    whose node dies, end with it.

    Args:
        settings: The town.
        fixed: Parameters that trials do not give, and their values, as `{"car_intercept": 0.0}`.
        programs: The folder of SUMO's programs; if empty they are looked for, see `program`.
        timeout: Seconds that one run of SUMO may take.
        slots: How many trials it runs at a time; each keeps one core busy.
        seed: What people and their trips are drawn from, the same in all trials.

    Raises:
        SumoTownError: The grid is too small or too large.
        UnknownConstantError: A fixed parameter is none of the eight.
        InvalidSimulatorError: There are no slots.
        SumoMissingError: SUMO is not on this machine.
    """

    def __init__(
        self,
        *,
        settings: SumoSettings | None = None,
        fixed: Mapping[str, float] | None = None,
        programs: str = "",
        timeout: float = 600.0,
        slots: int = 1,
        seed: int = 1,
    ) -> None:
        super().__init__("mode choice with SUMO", fixed=fixed, iterations=ITERATIONS, slots=slots)
        self._settings = settings or SumoSettings()
        self._sumo = program("sumo", programs)
        self._netgenerate = program("netgenerate", programs)
        self._timeout = timeout
        self._seed = seed
        self._grid = Grid(self._settings.size, self._settings.block)
        self._people: list[Traveller] = []
        self._choices: Choices | None = None

    async def started(self) -> None:
        """Draw people and their trips."""
        self._people, choices = await self.context.run_blocking(self._populate)
        self._choices, self._availability = choices, patterns(MODES, choices.available)

    async def simulate(self, trial: Trial) -> AsyncGenerator[Observation]:
        """Yield the shares of the modes that were travelled by, one run of SUMO after the other.

        Raises:
            SumoRunError: SUMO failed, or took too long.
            SumoTripError: Somebody has not arrived, or not as chosen.
        """
        assert self._choices is not None, "it has started"
        generator = np.random.default_rng(trial.seed)
        choice = TownModeChoice(self._choices, self._settings, self._intercepts(trial), generator)
        folder = Path(tempfile.mkdtemp(prefix="passel-sumo-"))
        try:
            await self._found(folder)
            while True:
                made = await self._day(folder, choice.choose(), int(generator.integers(1 << 31)))
                choice.learn(made)
                counted = Counter(trip.mode for trip in made.values())
                outcome = {mode: counted[mode] / len(made) for mode in MODES}
                yield Observation(outcome=outcome, sample=len(made))
        finally:  # in the thread that may still be writing there
            await self.context.run_blocking(shutil.rmtree, folder, ignore_errors=True)

    async def _found(self, folder: Path) -> None:
        """Build the town in a folder."""
        words = netgenerate_words(self._grid)
        await run_program(self._netgenerate, words, folder=folder, timeout=self._timeout)
        await self.context.run_blocking(write_town, folder, self._grid, self._settings)

    async def _day(self, folder: Path, modes: dict[str, str], seed: int) -> dict[str, Trip]:
        """Have SUMO simulate everybody's trip, by the modes chosen."""
        people, town = self._people, (self._grid, self._settings)
        await self.context.run_blocking(write_day, folder, *town, people, modes)
        words = sumo_words(self._settings, seed)
        await run_program(self._sumo, words, folder=folder, timeout=self._timeout)
        return await self.context.run_blocking(trips, folder / TRIPS, modes)

    def _populate(self) -> tuple[list[Traveller], Choices]:
        city, settings = City.load(), self._settings
        who = np.arange(settings.people) % len(city.home)
        households = list(zip(city.income[who].tolist(), city.cars[who] > 0, strict=True))
        people = travellers(self._grid, settings, households, self._seed)
        return people, Choices(people, self._grid, settings)
