"""The numbers of the town that SUMO simulates."""

from __future__ import annotations

import msgspec


class SumoSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A town, its fleets and prices. Round numbers of the right size; none is an estimate.

    Attributes:
        size: Crossings along each side of the grid, from 6 to 26.
        block: Metres between them, 120 or more.
        people: How many travel, each once.
        departures: Seconds within which they leave.
        end: The second by which all have to be there; buses leave until half an hour before.
        headway: Seconds between two buses of a line.
        taxis: Vehicles in each of the two fleets, solo and pooled, for 100 people.
        meso: Whether SUMO moves queues instead of vehicles, which is faster.
        replanning: The part of the people who choose anew in each iteration.
        smoothing: The weight of the latest iteration in the times that people expect.
        value_of_time: Part of its hourly income at which a household values an hour.
        least_value: The least value of an hour, in dollars.
        greatest_value: The greatest.
        car_km: Dollars for driving a kilometre.
        parking: Dollars for parking at the destination; at a hub it is free.
        bus_fare: Dollars for a trip by bus, however many of them.
        hail_base: Dollars for getting into a taxi.
        hail_km: Dollars for a kilometre in it.
        pooled_price: A pooled ride's price, as a part of that.
    """

    size: int = 8
    block: float = 300.0
    people: int = 300
    departures: float = 1800.0
    end: float = 10_800.0
    headway: float = 600.0
    taxis: int = 4
    meso: bool = True
    replanning: float = 0.2
    smoothing: float = 0.5
    value_of_time: float = 0.5
    least_value: float = 3.0
    greatest_value: float = 50.0
    car_km: float = 0.2
    parking: float = 2.0
    bus_fare: float = 1.5
    hail_base: float = 2.0
    hail_km: float = 1.0
    pooled_price: float = 0.6
