"""What a trip by each mode is made of: money, hours, and what it uses."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from ..choice.logit import Floats  # noqa: TC001  # hints are read at run time

if TYPE_CHECKING:
    from .city import City
    from .settings import TransportSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A part of a trip, for every person: arrays (people,), or one number for all.

    Attributes:
        money: Dollars, on free roads.
        hours: Hours as if in a vehicle, on free roads: walking, cycling and waiting weighted.
        driven: Hours in a car, which congestion makes longer.
        driven_money: Dollars that grow with those hours.
        waits: Waits for a ride, each as a multiple of that for a vehicle of one's own.
        ridden: Hours in transit, which crowding makes worse.
        transfers: Changes between transit vehicles.
        car_miles: Miles that one more traveller adds on the roads.
        fleet_miles: Miles that one more traveller asks of the ride-hail fleet.
        places: Places in transit.
    """

    money: Floats | float = 0.0
    hours: Floats | float = 0.0
    driven: Floats | float = 0.0
    driven_money: Floats | float = 0.0
    waits: float = 0.0
    ridden: Floats | float = 0.0
    transfers: Floats | float = 0.0
    car_miles: Floats | float = 0.0
    fleet_miles: Floats | float = 0.0
    places: float = 0.0

    def __add__(self, other: Leg) -> Leg:
        """Return both, one after the other."""
        names = [field.name for field in fields(self)]
        return Leg(**{name: getattr(self, name) + getattr(other, name) for name in names})


def legs_of(city: City, settings: TransportSettings) -> dict[str, Leg]:
    """Return what a trip by each mode is made of, for every person of a city."""
    s, way = settings, (city.home, city.destination)
    miles = s.stretch * city.miles[way]
    driven = s.stretch * city.car_minutes[way] / 60
    to_stop = s.stretch * city.drive_transit_access_miles[way]
    driven_to_stop = s.stretch * city.drive_transit_access_minutes[way] / 60
    by_car = _transit(city, "drive_transit", s)
    parking = Leg(money=s.parking_hours * city.parking[city.destination])
    return {
        "bike": Leg(hours=s.cycling * miles / s.cycling_speed),
        "car": _drive(miles, driven, s) + parking,
        "drive_transit": _drive(to_stop, driven_to_stop, s) + by_car,
        "ride_hail": _ride(miles, driven, s),
        "ride_hail_pooled": _pooled(miles, driven, s),
        "ride_hail_transit": _ride(to_stop, driven_to_stop, s) + by_car,
        "walk": Leg(hours=s.walking * miles / s.walking_speed),
        "walk_transit": _on_foot(city, s) + _transit(city, "walk_transit", s),
    }


def _drive(miles: Floats, hours: Floats, s: TransportSettings) -> Leg:
    return Leg(money=s.car_mile * miles, hours=hours, driven=hours, car_miles=miles)


def _ride(miles: Floats, hours: Floats, s: TransportSettings) -> Leg:
    by_the_minute = 60 * s.hail_minute * hours
    used = (1 + s.empty_miles) * miles
    return Leg(
        money=s.hail_base + s.hail_mile * miles + by_the_minute,
        hours=hours,
        driven=hours,
        driven_money=by_the_minute,
        waits=1.0,
        car_miles=used,
        fleet_miles=used,
    )


def _pooled(miles: Floats, hours: Floats, s: TransportSettings) -> Leg:
    """Return rides that are shared: cheaper, longer, waited for longer, in fewer vehicles."""
    by_the_minute = s.pooled_price * 60 * s.hail_minute * hours
    used = (1 + s.empty_miles) * s.pooled_detour * miles / s.pooled_riders
    return Leg(
        money=s.pooled_price * (s.hail_base + s.hail_mile * miles) + by_the_minute,
        hours=s.pooled_detour * hours,
        driven=s.pooled_detour * hours,
        driven_money=by_the_minute,
        waits=s.pooled_wait,
        car_miles=used,
        fleet_miles=used,
    )


def _on_foot(city: City, s: TransportSettings) -> Leg:
    """Return the way to the stop."""
    return Leg(hours=s.walking * city.walk_transit_access[city.home, city.destination] / 60)


def _transit(city: City, boarded: str, s: TransportSettings) -> Leg:
    """Return the way from stop to destination, by transit that is boarded on foot or by car."""
    way = (city.home, city.destination)
    minutes, wait, walk, boards, fare = (
        getattr(city, f"{boarded}_{part}")[way]
        for part in ("minutes", "wait", "walk", "boards", "fare")
    )
    ridden = s.stretch * minutes / 60
    walked = (walk + city.walk_transit_egress[way]) / 60
    return Leg(
        money=fare,
        hours=ridden + s.waiting * wait / 60 + s.walking * walked,
        ridden=ridden,
        transfers=(boards - 1).clip(min=0),
        places=1.0,
    )
