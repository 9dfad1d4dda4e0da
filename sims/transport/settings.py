"""The numbers of the mode-choice model that are not data."""

from __future__ import annotations

import msgspec


class TransportSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What travel costs, how crowded things get, and how people react.

    Prices and speeds are round numbers of the right size, chosen for this model; none is an estimate.

    Attributes:
        stretch: By what distances, and times in vehicles, of the city are multiplied.
        value_of_time: Part of its hourly income (a year has 2,080 hours) at which a household values
            an hour; half is what the US Department of Transportation's guidance says for local
            personal travel.
        least_value: The least value of an hour, in dollars.
        greatest_value: The greatest.
        walking: How much worse an hour on foot is than one in a vehicle.
        cycling: The same for one on a bicycle.
        waiting: The same for one of waiting.
        walking_speed: Miles an hour.
        cycling_speed: Miles an hour.
        car_mile: Dollars for driving a mile.
        parking_hours: Hours of parking that are paid on this trip.
        hail_base: Dollars for getting in.
        hail_mile: Dollars for a mile.
        hail_minute: Dollars for a minute.
        hail_wait: Hours until a ride comes when all vehicles are free.
        pooled_price: A pooled ride's price, as a part of a ride's.
        pooled_detour: A pooled ride's way, as a multiple of the direct one.
        pooled_riders: Riders that share a pooled ride's way.
        pooled_wait: A pooled ride's wait, as a multiple of a ride's.
        empty_miles: Miles that a ride-hail vehicle drives empty for each with riders.
        transfer: Dollars that a change of transit vehicles is worth avoiding.
        road_capacity: Miles driven at which roads are full, as a part of all miles travelled.
        fleet_capacity: Ride-hail miles that the fleet can drive, as a part of all miles travelled.
        transit_capacity: Seats in transit, as a part of all people.
        congestion: By what part times in cars grow on full roads.
        steepness: The power of road use with which they grow.
        busiest: The use of the fleet beyond which the wait grows no more.
        crowding: By what part time in a full transit vehicle is worse than in an empty one.
        replanning: The part of the people who choose anew in each iteration.
        smoothing: The weight of the latest iteration in the conditions that people expect.
    """

    stretch: float = 3.0
    value_of_time: float = 0.5
    least_value: float = 3.0
    greatest_value: float = 50.0
    walking: float = 2.0
    cycling: float = 1.5
    waiting: float = 2.0
    walking_speed: float = 3.0
    cycling_speed: float = 9.0
    car_mile: float = 0.3
    parking_hours: float = 1.0
    hail_base: float = 2.0
    hail_mile: float = 1.0
    hail_minute: float = 0.3
    hail_wait: float = 0.05
    pooled_price: float = 0.6
    pooled_detour: float = 1.3
    pooled_riders: float = 1.6
    pooled_wait: float = 1.5
    empty_miles: float = 0.4
    transfer: float = 1.0
    road_capacity: float = 0.4
    fleet_capacity: float = 0.3
    transit_capacity: float = 0.3
    congestion: float = 0.5
    steepness: float = 2.0
    busiest: float = 0.96
    crowding: float = 0.5
    replanning: float = 0.2
    smoothing: float = 0.5
