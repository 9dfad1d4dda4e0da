"""The pure parts: streets, buses, what travellers have, what SUMO is told and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import parse

import numpy as np
import pytest

from passel.sims.sumo import SumoRunError, SumoSettings, SumoTownError, SumoTripError
from passel.sims.sumo.grid import Grid, Node, blocks
from passel.sims.sumo.mode_choice import Choices, TownModeChoice
from passel.sims.sumo.scenario import write_day, write_town
from passel.sims.sumo.stages import stages, stop_name
from passel.sims.sumo.travellers import offers, travellers
from passel.sims.sumo.trips import Trip, trips
from passel.sims.transport import MODES

if TYPE_CHECKING:
    from pathlib import Path

GRID = Grid()
SETTINGS = SumoSettings(people=60)
PEOPLE = travellers(GRID, SETTINGS, [(1000.0 * n, n % 2 == 0) for n in range(60)], 1)
LINES = {line.name: line for line in GRID.lines()}


def test_every_bus_runs_from_the_first_stop_to_the_last_and_is_worth_boarding() -> None:
    for start in GRID.nodes():
        for end in GRID.nodes():
            rides = GRID.bus_rides(start, end)
            for ride in rides:
                edges = LINES[ride.line].edges
                assert edges.index(ride.alight) - edges.index(ride.board) == ride.blocks - 1 > 0
            walked = blocks(start, end) - sum(ride.blocks for ride in rides)
            assert 0 <= walked <= 2
            if len(rides) == 2:
                corner = Node(end.x, start.y)
                assert rides[0].alight.endswith(corner.name)
                assert rides[1].board.startswith(corner.name)


@pytest.mark.parametrize(("size", "block"), [(5, 300.0), (27, 300.0), (8, 100.0)])
def test_a_grid_that_cannot_be_a_town_is_refused(size: int, block: float) -> None:
    with pytest.raises(SumoTownError, match="6 to 26 of them, and 120 metres or more"):
        Grid(size, block)


def test_people_have_the_modes_that_they_can_travel_by() -> None:
    for person in PEOPLE:
        has = offers(person, GRID, SETTINGS)
        hub = GRID.nearest_hub(person.home)
        assert ("car" in has) == person.has_car
        assert ("walk_transit" in has) == bool(GRID.bus_rides(person.home, person.work))
        assert ("ride_hail_transit" in has) == bool(GRID.bus_rides(hub, person.work))
        assert ("drive_transit" in has) == (person.has_car and "ride_hail_transit" in has)
        assert {"bike", "walk", "ride_hail", "ride_hail_pooled"} <= has.keys()
        assert all(offer.seconds > 0 for offer in has.values())
    assert len({frozenset(offers(person, GRID, SETTINGS)) for person in PEOPLE}) > 2


FIRST_RIDE = {
    "bike": "bike_{}",
    "car": "car_{}",
    "drive_transit": "car_{}",
    "ride_hail": "taxi:solo",
    "ride_hail_pooled": "taxi:pool",
    "ride_hail_transit": "taxi:solo",
}


@pytest.mark.parametrize("mode", MODES)
def test_every_stage_of_a_mode_is_spelt_out(mode: str) -> None:
    for person in (p for p in PEOPLE if mode in offers(p, GRID, SETTINGS)):
        *vehicles, trip = stages(person, mode, GRID)
        board = person.home if mode == "walk_transit" else GRID.nearest_hub(person.home)
        buses = GRID.bus_rides(board, person.work) if mode.endswith("transit") else ()
        first = [FIRST_RIDE[mode].format(person.name)] if mode in FIRST_RIDE else []
        rides = list(trip.iter("ride"))

        assert [ride.get("lines") for ride in rides] == first + [bus.line for bus in buses]
        for ride, bus in zip(rides[len(first) :], buses, strict=True):
            assert ride.get("busStop") == stop_name(bus.alight)
        assert [vehicle.get("id") for vehicle in vehicles] == [x for x in first if ":" not in x]
        assert trip[0].get("from") == person.start
        assert trip[-1].get("to") == person.end


def test_what_trips_refer_to_is_there(tmp_path: Path) -> None:
    modes = {p.name: sorted(offers(p, GRID, SETTINGS))[n % 4] for n, p in enumerate(PEOPLE)}
    write_town(tmp_path, GRID, SETTINGS)
    write_day(tmp_path, GRID, SETTINGS, PEOPLE, modes)
    town = parse(tmp_path / "additional.xml").getroot()
    day = parse(tmp_path / "routes.xml").getroot()
    there = {element.get("id") for element in town}
    lines = {element.get("line") for element in day} | {e.get("id") for e in day.iter("trip")}
    departs = [float(e.get("depart", "")) for e in day if e.tag in ("person", "vehicle")]
    edges = {edge for line in GRID.lines() for edge in line.edges}

    for name in ("busStop", "parkingArea"):
        assert {e.get(name) for e in day.iter() if e.get(name)} <= there
    assert {ride.get("lines") for ride in day.iter("ride")} <= lines
    assert {e.get("id") for e in day.iter("person")} == {person.name for person in PEOPLE}
    assert {e.get(end) for e in day.iter() for end in ("from", "to") if e.get(end)} <= edges
    assert departs == sorted(departs)


def info(name: str, *stages: str, last: str = "400") -> str:
    """Return what SUMO says of a person who left at 100: vehicles, or `-` for a way on foot."""
    arrivals = ["200"] * (len(stages) - 1) + [last]
    made = [
        f'<walk arrival="{at}"/>' if kind == "-" else f'<ride vehicle="{kind}" arrival="{at}"/>'
        for kind, at in zip(stages, arrivals, strict=True)
    ]
    return f'<personinfo id="{name}" depart="100.0">{"".join(made)}</personinfo>'


def read(folder: Path, infos: list[str], chosen: dict[str, str]) -> dict[str, Trip]:
    (folder / "tripinfo.xml").write_text(f"<tripinfos>{''.join(infos)}</tripinfos>")
    return trips(folder / "tripinfo.xml", chosen)


def test_the_vehicles_of_a_trip_tell_its_mode(tmp_path: Path) -> None:
    made = {
        "walk": ["-"],
        "bike": ["bike_walk"],
        "car": ["car_a"],
        "ride_hail": ["solo_1"],
        "ride_hail_pooled": ["pool_1"],
        "walk_transit": ["-", "bus_east1_7", "-", "bus_north2_9", "-"],
        "drive_transit": ["car_b", "-", "bus_east1_7", "-"],
        "ride_hail_transit": ["solo_2", "-", "bus_east1_7", "-", "bus_south3_1", "-"],
    }
    infos = [info(mode, *stages) for mode, stages in made.items()]

    found = read(tmp_path, infos, {mode: mode for mode in made})
    assert found == {mode: Trip(mode, 300.0) for mode in MODES}


@pytest.mark.parametrize(
    ("infos", "what"),
    [
        ([], "a, who chose car, never left"),
        ([info("a", "car_a", last="-1.00")], "had not arrived"),
        ([info("a", "-")], "travelled by walk"),
        ([info("a", "bike_a", "bus_east1_7")], "used bike, bus, which is no mode"),
        ([info("a", "car_a").replace("depart=", "left=")], "has no time of leaving"),
    ],
)
def test_a_trip_that_was_not_made_as_chosen_is_an_error(
    tmp_path: Path, infos: list[str], what: str
) -> None:
    with pytest.raises(SumoTripError, match=what):
        read(tmp_path, infos, {"a": "car"})


def test_a_file_of_trips_that_was_cut_short_or_is_not_there_is_sumos_error(tmp_path: Path) -> None:
    with pytest.raises(SumoRunError, match=r"wrote no trips that can be read .*No such file"):
        trips(tmp_path / "tripinfo.xml", {})
    (tmp_path / "tripinfo.xml").write_text("<tripinfos><personinfo")
    with pytest.raises(SumoRunError, match=r"wrote no trips that can be read .*line 1"):
        trips(tmp_path / "tripinfo.xml", {})


def choice(constants: list[float], seed: int = 1) -> TownModeChoice:
    choices = Choices(PEOPLE, GRID, SETTINGS)
    return TownModeChoice(choices, SETTINGS, constants, np.random.default_rng(seed))


def test_people_choose_what_they_have_and_some_choose_again() -> None:
    town = choice([0.0, 30.0, 30.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    first = town.choose()
    people = {person.name: person for person in PEOPLE}
    assert all((first[name] in ("car", "drive_transit")) == people[name].has_car for name in people)

    indifferent = choice([0.0] * 8, seed=2)
    before = indifferent.choose()
    changed = sum(before[name] != mode for name, mode in indifferent.choose().items())
    assert 1 <= changed <= 24  # of 60, a fifth of whom choose again


def test_people_learn_what_is_slow_and_avoid_it() -> None:
    town = choice([0.0] * 8)
    modes = town.choose()
    asked = {p.name: offers(p, GRID, SETTINGS)[modes[p.name]].seconds for p in PEOPLE}
    slow = {
        name: Trip(mode, asked[name] * (20.0 if mode == "bike" else 1.0))
        for name, mode in modes.items()
    }
    before = list(modes.values()).count("bike")
    town.learn(slow)
    assert town.slowness.tolist() == pytest.approx([10.5, *[1.0] * 7])

    for _ in range(15):
        modes = town.choose()
    assert list(modes.values()).count("bike") < before / 2
