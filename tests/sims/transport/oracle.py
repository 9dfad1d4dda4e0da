"""The mode-choice model once more, person by person in plain Python: slow, and written apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from passel.sims.transport import City, TransportSettings

ORDER = [
    *("bike", "car", "drive_transit", "ride_hail"),
    *("ride_hail_pooled", "ride_hail_transit", "walk", "walk_transit"),
]


class Person:
    """One person's trip."""

    def __init__(self, city: City, number: int, settings: TransportSettings) -> None:
        self.s = settings
        self.city = city
        self.way = int(city.home[number]), int(city.destination[number])
        self.has_car = bool(city.cars[number])
        hourly = float(city.income[number]) / 2080
        self.value = min(
            max(settings.value_of_time * hourly, settings.least_value), settings.greatest_value
        )

    def at(self, table: str) -> float:
        """Return what a table of the city has for this trip."""
        return float(getattr(self.city, table)[self.way])

    def can(self, mode: str) -> bool:
        """Whether the person has this mode."""
        if mode in ("car", "drive_transit") and not self.has_car:
            return False
        if mode == "walk_transit":
            return self.at("walk_transit_minutes") > 0
        return not mode.endswith("transit") or self.at("drive_transit_minutes") > 0

    def taxi(self, miles: float, hours: float, wait: float) -> float:
        """Return dollars of a ride of one's own."""
        fare = self.s.hail_base + self.s.hail_mile * miles + self.s.hail_minute * 60 * hours
        return fare + self.value * (hours + self.s.waiting * wait)

    def transit(self, kind: str, crowding: float) -> float:
        """Return dollars from the stop to the destination."""
        riding = self.s.stretch * self.at(f"{kind}_minutes") / 60 * (1 + crowding)
        waiting = self.s.waiting * self.at(f"{kind}_wait") / 60
        walking = self.s.walking * (self.at(f"{kind}_walk") + self.at("walk_transit_egress")) / 60
        changes = max(self.at(f"{kind}_boards") - 1, 0)
        hours = riding + waiting + walking
        return self.at(f"{kind}_fare") + self.value * hours + self.s.transfer * changes

    def cost(self, mode: str, congestion: float, waiting: float, crowding: float) -> float:
        """Return the generalised cost of a mode, in dollars, under some conditions."""
        s, value = self.s, self.value
        miles = s.stretch * self.at("miles")
        hours = s.stretch * self.at("car_minutes") / 60 * (1 + congestion)
        stop_miles = s.stretch * self.at("drive_transit_access_miles")
        stop_hours = s.stretch * self.at("drive_transit_access_minutes") / 60 * (1 + congestion)
        wait = s.hail_wait * (1 + waiting)
        if mode == "bike":
            return value * s.cycling * miles / s.cycling_speed
        if mode == "walk":
            return value * s.walking * miles / s.walking_speed
        if mode == "car":
            parking = s.parking_hours * float(self.city.parking[self.way[1]])
            return s.car_mile * miles + parking + value * hours
        if mode == "ride_hail":
            return self.taxi(miles, hours, wait)
        if mode == "ride_hail_pooled":
            fare = s.hail_base + s.hail_mile * miles + s.hail_minute * 60 * hours
            time = s.pooled_detour * hours + s.waiting * s.pooled_wait * wait
            return s.pooled_price * fare + value * time
        if mode == "walk_transit":
            access = s.walking * self.at("walk_transit_access") / 60
            return value * access + self.transit("walk_transit", crowding)
        onward = self.transit("drive_transit", crowding)
        if mode == "ride_hail_transit":
            return self.taxi(stop_miles, stop_hours, wait) + onward
        return s.car_mile * stop_miles + value * stop_hours + onward

    def uses(self, mode: str) -> tuple[float, float, float]:
        """Return what a mode asks of roads and fleet, in miles, and of transit, in places."""
        s = self.s
        miles = s.stretch * self.at("miles")
        to_stop = s.stretch * self.at("drive_transit_access_miles")
        hail = 1 + s.empty_miles
        pooled = hail * s.pooled_detour * miles / s.pooled_riders
        roads = {
            "car": miles,
            "drive_transit": to_stop,
            "ride_hail": hail * miles,
            "ride_hail_pooled": pooled,
            "ride_hail_transit": hail * to_stop,
        }.get(mode, 0.0)
        fleet = roads if mode.startswith("ride_hail") else 0.0
        return roads, fleet, float(mode.endswith("transit"))


def shares_of(
    city: City,
    settings: TransportSettings,
    intercepts: list[float],
    generator: np.random.Generator,
    iterations: int,
) -> list[list[float]]:
    """Return the shares after each iteration, drawing in the same order as the model."""
    people = [Person(city, number, settings) for number in range(len(city.home))]
    all_miles = sum(settings.stretch * person.at("miles") for person in people)
    expected = [0.0, 0.0, 0.0]
    chosen: list[str] = []
    shares = []
    for iteration in range(iterations):
        who = list(range(len(people)))
        if iteration:
            coins = generator.random(len(people))
            who = [i for i in who if coins[i] < settings.replanning]
        waits = generator.standard_exponential((len(who), len(ORDER)), dtype="float32")
        for row, i in enumerate(who):
            found = {
                mode: intercepts[column]
                - people[i].cost(mode, *expected)
                - math.log(float(waits[row, column]))
                for column, mode in enumerate(ORDER)
                if people[i].can(mode)
            }
            best = max(found, key=found.__getitem__)
            chosen[i : i + 1] = [best]
        expected = learnt(people, chosen, settings, all_miles, expected)
        shares.append([chosen.count(mode) / len(people) for mode in ORDER])
    return shares


def learnt(
    people: list[Person],
    chosen: list[str],
    s: TransportSettings,
    all_miles: float,
    expected: list[float],
) -> list[float]:
    """Return the conditions that people expect after an iteration."""
    roads, fleet, places = 0.0, 0.0, 0.0
    for person, mode in zip(people, chosen, strict=True):
        used = person.uses(mode)
        roads, fleet, places = roads + used[0], fleet + used[1], places + used[2]
    busy = min(fleet / (s.fleet_capacity * all_miles), s.busiest)
    now = [
        s.congestion * (roads / (s.road_capacity * all_miles)) ** s.steepness,
        (1 - busy) ** -0.5 - 1,
        s.crowding * places / (s.transit_capacity * len(people)),
    ]
    return [
        before + s.smoothing * (there - before) for before, there in zip(expected, now, strict=True)
    ]
