"""Who travels in the town, from where to where, and what each mode is expected to take."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .grid import Node, blocks, edge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .grid import Grid
    from .settings import SumoSettings

WALK_SPEED: Final = 1.2
BIKE_SPEED: Final = 4.5
CAR_SPEED: Final = 9.0
BUS_SPEED: Final = 7.0
"""Metres a second that people expect at first; SUMO then shows them how it is."""

TAXI_WAIT: Final = 120.0
POOLED_WAIT: Final = 180.0
"""Seconds of waiting that they expect at first."""

POOLED_DETOUR: Final = 1.3
"""How much longer than the direct way they expect a pooled ride to be."""

STOP_METRES: Final = 200.0
"""How far they expect to walk to and from stops, for each bus."""

_HOURS_A_YEAR: Final = 2_080


@dataclass(frozen=True, slots=True, kw_only=True)
class Traveller:
    """One person and the trip.

    Attributes:
        name: What SUMO calls the person.
        home: The crossing nearest to where the trip begins.
        work: The one nearest to where it ends.
        start: The edge on which it begins, leading away from `home`.
        end: The edge on which it ends, leading to `work`.
        depart: When, in seconds.
        value: Dollars that an hour is worth.
        has_car: Whether a car is available.
    """

    name: str
    home: Node
    work: Node
    start: str
    end: str
    depart: float
    value: float
    has_car: bool


def travellers(
    grid: Grid, settings: SumoSettings, households: Sequence[tuple[float, bool]], seed: int
) -> list[Traveller]:
    """Draw people and their trips; at least two blocks, so that nobody is there already.

    Args:
        grid: Where they live.
        settings: How many they are, and when they leave.
        households: Yearly income and whether there is a car, of as many people.
        seed: What is drawn from.
    """
    luck = random.Random(seed)  # noqa: S311  # no secret
    nodes = grid.nodes()
    found = []
    for number, (income, has_car) in enumerate(households):
        home = luck.choice(nodes)
        work = luck.choice([node for node in nodes if blocks(home, node) > 1])
        value = settings.value_of_time * income / _HOURS_A_YEAR
        found.append(
            Traveller(
                name=f"p{number}",
                home=home,
                work=work,
                start=edge(home, luck.choice(grid.neighbours(home))),
                end=edge(luck.choice(grid.neighbours(work)), work),
                depart=round(luck.uniform(0, settings.departures), 1),
                value=min(max(value, settings.least_value), settings.greatest_value),
                has_car=has_car,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Offer:
    """What a mode is to a traveller: dollars, and seconds from door to door as expected at first."""

    money: float
    seconds: float


def offers(person: Traveller, grid: Grid, settings: SumoSettings) -> dict[str, Offer]:
    """Return the modes that a traveller has. Transit needs somewhere to ride to; some modes a car."""
    metres = grid.block * blocks(person.home, person.work)
    hub = grid.nearest_hub(person.home)
    to_hub = grid.block * blocks(person.home, hub)
    by_bus = _bus(grid, person.home, person.work, settings)
    from_hub = _bus(grid, hub, person.work, settings)
    fare = settings.hail_base + settings.hail_km * metres / 1000
    found = {
        "bike": Offer(0.0, metres / BIKE_SPEED),
        "walk": Offer(0.0, metres / WALK_SPEED),
        "ride_hail": Offer(fare, TAXI_WAIT + metres / CAR_SPEED),
        "ride_hail_pooled": Offer(
            settings.pooled_price * fare, POOLED_WAIT + POOLED_DETOUR * metres / CAR_SPEED
        ),
    }
    if person.has_car:
        driving = settings.car_km * metres / 1000
        found["car"] = Offer(driving + settings.parking, metres / CAR_SPEED)
    if by_bus is not None:
        found["walk_transit"] = by_bus
    if from_hub is not None:
        fare = settings.hail_base + settings.hail_km * to_hub / 1000
        drive = to_hub / CAR_SPEED
        found["ride_hail_transit"] = Offer(
            from_hub.money + fare, from_hub.seconds + TAXI_WAIT + drive
        )
        if person.has_car:
            driving = settings.car_km * to_hub / 1000
            found["drive_transit"] = Offer(from_hub.money + driving, from_hub.seconds + drive)
    return found


def _bus(grid: Grid, start: Node, end: Node, settings: SumoSettings) -> Offer | None:
    rides = grid.bus_rides(start, end)
    if not rides:
        return None
    ridden = sum(ride.blocks for ride in rides)
    walked = STOP_METRES * len(rides) + grid.block * (blocks(start, end) - ridden)
    waited = settings.headway / 2 * len(rides)
    return Offer(settings.bus_fare, waited + walked / WALK_SPEED + grid.block * ridden / BUS_SPEED)
