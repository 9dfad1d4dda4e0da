"""With SUMO itself, out of `.venv-sumo`: `make sumo` puts it there."""

from __future__ import annotations

from collections import defaultdict
from itertools import permutations
from typing import TYPE_CHECKING
from xml.etree.ElementTree import parse

import pytest

from passel import Runtime
from passel.protocols.trial import Iteration, Trial, TrialEnded, TrialId
from passel.sims.sumo import SumoSettings, SumoSimulator
from passel.sims.sumo.grid import Grid
from passel.sims.sumo.programs import program, run_program
from passel.sims.sumo.scenario import TRIPS, netgenerate_words, sumo_words, write_day, write_town
from passel.sims.sumo.travellers import travellers
from passel.sims.transport import INTERCEPTS, MODES
from tests.source import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = str(ROOT / ".venv-sumo" / "bin")
CONSTANTS = [-1.0, 1.5, 2.0, 3.0, 2.0, 4.5, 1.0, 2.0]

pytestmark = [pytest.mark.sumo, pytest.mark.timeout(180)]


def trial(iterations: int) -> Trial:
    parameters = dict(zip(INTERCEPTS, CONSTANTS, strict=True))
    return Trial(id=TrialId("one"), parameters=parameters, iterations=iterations, seed=1)


@pytest.mark.parametrize("meso", [True, False], ids=["meso", "micro"])
async def test_every_mode_travels_as_chosen_and_everyone_arrives(meso: bool) -> None:
    """A trip that was not made as chosen, or not at all, would fail the trial."""
    async with Runtime() as runtime:
        settings = SumoSettings(people=300, meso=meso)
        simulator = await runtime.spawn(SumoSimulator, settings=settings, programs=PROGRAMS)
        events = [event async for event in simulator.start(trial(3))]

    assert events[-1] == TrialEnded(trial=TrialId("one"), ending="finished", iterations=3)
    for event in events[:-1]:
        assert isinstance(event, Iteration)
        assert event.sample == 300
        assert all(event.outcome[mode] > 0.01 for mode in MODES), event.outcome
        assert sum(event.outcome.values()) == pytest.approx(1.0)


async def test_pooled_rides_are_shared_and_others_are_not(tmp_path: Path) -> None:
    """Both fleets are asked for at once; a taxi that answered for the other one would show here."""
    grid, settings = Grid(), SumoSettings(people=200)
    people = travellers(grid, settings, [(30_000.0, True)] * 200, 1)
    halves = ("ride_hail", "ride_hail_pooled")
    modes = {person.name: halves[number % 2] for number, person in enumerate(people)}
    write_town(tmp_path, grid, settings)
    write_day(tmp_path, grid, settings, people, modes)
    for name, words in (
        ("netgenerate", netgenerate_words(grid)),
        ("sumo", sumo_words(settings, 1)),
    ):
        await run_program(program(name, PROGRAMS), words, folder=tmp_path, timeout=100.0)

    rides: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for person in parse(tmp_path / TRIPS).getroot().iter("personinfo"):
        (ride,) = person
        times = float(ride.get("depart", "")), float(ride.get("arrival", ""))
        rides[ride.get("vehicle", "")].append(times)
        fleet = {"ride_hail": "solo", "ride_hail_pooled": "pool"}[modes[person.get("id", "")]]
        assert ride.get("vehicle", "").startswith(f"{fleet}_")
    together = {
        vehicle[:4]
        for vehicle, times in rides.items()
        for one, other in permutations(times, 2)
        if one[0] <= other[0] < one[1]
    }
    assert together == {"pool"}
