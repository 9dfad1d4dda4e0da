"""What SUMO is told of each traveller: every stage of the trip, so that no router changes the mode.

SUMO's own router would take `car public` for all-car and `taxi public` for all-taxi where that is
quicker. Each fleet's line is named (`taxi:solo`, `taxi:pool`), as `taxi` alone stands for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element, SubElement

if TYPE_CHECKING:
    from .grid import Grid, Node
    from .travellers import Traveller

FLEETS: Final = {"ride_hail": "solo", "ride_hail_pooled": "pool", "ride_hail_transit": "solo"}
"""Which of the two fleets serves a mode."""


def stop_name(edge: str) -> str:
    """Return the name of the bus stop on an edge."""
    return f"stop_{edge}"


def parking_name(hub: Node) -> str:
    """Return the name of a hub's parking area."""
    return f"park_{hub.name}"


def stages(person: Traveller, mode: str, grid: Grid) -> list[Element]:
    """Return a person's elements: a vehicle of its own, if it needs one, and the trip by a mode."""
    depart = f"{person.depart:.1f}"
    trip = Element("person", id=person.name, depart=depart)
    hub = grid.nearest_hub(person.home)
    if mode == "walk":
        _walk(trip, start=person.start, to=person.end)
    elif mode in ("bike", "car"):
        vehicle = f"{mode}_{person.name}"
        _ride(trip, vehicle, start=person.start, to=person.end)
        return [_vehicle(vehicle, mode, person.start, person.end), trip]
    elif mode in ("ride_hail", "ride_hail_pooled"):
        _ride(trip, f"taxi:{FLEETS[mode]}", start=person.start, to=person.end)
    elif mode == "walk_transit":
        _by_bus(trip, person.home, person, grid, start=person.start)
    elif mode == "ride_hail_transit":
        _ride(trip, f"taxi:{FLEETS[mode]}", start=person.start, to=hub_edge(hub, grid))
        _by_bus(trip, hub, person, grid, start=None)
    else:
        vehicle = f"car_{person.name}"
        car = _vehicle(vehicle, "car", person.start, hub_edge(hub, grid))
        SubElement(car, "stop", parkingArea=parking_name(hub), duration="60")
        SubElement(
            trip, "ride", {"from": person.start}, parkingArea=parking_name(hub), lines=vehicle
        )
        _by_bus(trip, hub, person, grid, start=None)
        return [car, trip]
    return [trip]


def hub_edge(hub: Node, grid: Grid) -> str:
    """Return the edge of a hub's parking area; it leads to the hub."""
    return grid.neighbours(hub)[0].name + hub.name


def _vehicle(name: str, kind: str, start: str, end: str) -> Element:
    return Element(
        "trip", {"id": name, "type": kind, "depart": "triggered", "from": start, "to": end}
    )


def _walk(trip: Element, *, start: str | None = None, **to: str) -> None:
    SubElement(trip, "walk", {} if start is None else {"from": start}, **to)


def _ride(trip: Element, lines: str, *, start: str | None = None, **to: str) -> None:
    SubElement(trip, "ride", {} if start is None else {"from": start}, lines=lines, **to)


def _by_bus(
    trip: Element, board: Node, person: Traveller, grid: Grid, *, start: str | None
) -> None:
    """Add the way by bus: walk to each stop, ride, and walk on from the last."""
    for ride in grid.bus_rides(board, person.work):
        _walk(trip, start=start, busStop=stop_name(ride.board))
        _ride(trip, ride.line, busStop=stop_name(ride.alight))
        start = None
    _walk(trip, to=person.end)
