"""The files that SUMO reads: stops, parking, types of vehicle, buses, taxis and travellers."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element, ElementTree, SubElement

from .stages import hub_edge, parking_name, stages, stop_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .grid import Grid
    from .settings import SumoSettings
    from .travellers import Traveller

NETWORK: Final = "net.xml"
ADDITIONAL: Final = "additional.xml"
ROUTES: Final = "routes.xml"
TRIPS: Final = "tripinfo.xml"

LAST_BUS: Final = 1800.0
"""How long before the end the last buses leave, in seconds."""

_STOP: Final = (20.0, 35.0)
_PARKING: Final = (80.0, 95.0)
"""From where to where on an edge stops and parking areas are, in metres."""

_SEATS: Final = 60


def netgenerate_words(grid: Grid) -> list[str]:
    """Return the arguments of `netgenerate` that make the grid."""
    shape = ["--grid", f"--grid.number={grid.size}", f"--grid.length={grid.block}"]
    return [*shape, "--default.lanenumber=1", "--xml-validation=never", f"--output-file={NETWORK}"]


def sumo_words(settings: SumoSettings, seed: int) -> list[str]:
    """Return the arguments of `sumo` for one iteration."""
    return [
        *(f"--net-file={NETWORK}", f"--additional-files={ADDITIONAL}", f"--route-files={ROUTES}"),
        *(f"--tripinfo-output={TRIPS}", "--tripinfo-output.write-unfinished"),
        *(["--mesosim"] if settings.meso else []),
        "--pedestrian.model=nonInteracting",
        "--device.taxi.dispatch-algorithm=greedyShared",
        *("--time-to-teleport=120", f"--end={settings.end}", f"--seed={seed}"),
        *("--xml-validation=never", "--no-step-log", "--no-warnings", "--duration-log.disable"),
    ]


def write_town(folder: Path, grid: Grid, settings: SumoSettings) -> None:
    """Write what is the same in every iteration."""
    root = Element("additional")
    _types(root)
    for line in grid.lines():
        for edge in line.edges:
            SubElement(
                root,
                "busStop",
                id=stop_name(edge),
                lane=f"{edge}_0",
                startPos=str(_STOP[0]),
                endPos=str(_STOP[1]),
                personCapacity=str(settings.people),
            )
    for hub in grid.hubs():
        SubElement(
            root,
            "parkingArea",
            id=parking_name(hub),
            lane=f"{hub_edge(hub, grid)}_0",
            startPos=str(_PARKING[0]),
            endPos=str(_PARKING[1]),
            roadsideCapacity=str(settings.people),
        )
    ElementTree(root).write(folder / ADDITIONAL)


def write_day(
    folder: Path,
    grid: Grid,
    settings: SumoSettings,
    people: Sequence[Traveller],
    modes: Mapping[str, str],
) -> None:
    """Write buses, taxis, and every traveller's trip by the mode chosen."""
    root = Element("routes")
    _taxis(root, grid, settings)
    found = _buses(grid, settings)
    for person in people:
        for element in stages(person, modes[person.name], grid):
            found.append((person.depart, element))
    root.extend(element for _, element in sorted(found, key=lambda pair: pair[0]))
    ElementTree(root).write(folder / ROUTES)


def _types(root: Element) -> None:
    SubElement(root, "vType", id="car", vClass="passenger")
    SubElement(root, "vType", id="bike", vClass="bicycle")
    SubElement(root, "vType", id="bus", vClass="bus", personCapacity=str(_SEATS))
    for fleet, seats in (("solo", 1), ("pool", 4)):
        kind = SubElement(root, "vType", id=fleet, vClass="taxi", personCapacity=str(seats))
        SubElement(kind, "param", key="has.taxi.device", value="true")


def _taxis(root: Element, grid: Grid, settings: SumoSettings) -> None:
    """Add both fleets, spread over the town, there from the beginning."""
    luck = random.Random(1)  # noqa: S311  # no secret
    edges = [edge for line in grid.lines() for edge in line.edges]
    count = max(1, round(settings.taxis * settings.people / 100))
    for fleet in ("solo", "pool"):
        for number in range(count):
            taxi = SubElement(
                root,
                "vehicle",
                id=f"{fleet}_{number}",
                type=fleet,
                depart="0",
                line=f"taxi:{fleet}",
            )
            SubElement(taxi, "route", edges=luck.choice(edges))


def _buses(grid: Grid, settings: SumoSettings) -> list[tuple[float, Element]]:
    """Return buses for as long as people may wait for them, and still arrive."""
    found: list[tuple[float, Element]] = []
    lines = grid.lines()
    for number, line in enumerate(lines):
        depart = settings.headway * number / len(lines)
        while depart < settings.end - LAST_BUS:
            name = f"bus_{line.name}_{len(found)}"
            bus = Element("vehicle", id=name, type="bus", depart=f"{depart:.1f}", line=line.name)
            SubElement(bus, "route", edges=" ".join(line.edges))
            for edge in line.edges:
                SubElement(bus, "stop", busStop=stop_name(edge), duration="10")
            found.append((depart, bus))
            depart += settings.headway
    return found
