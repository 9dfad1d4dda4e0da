"""What each mode costs each person, in dollars, and what it uses of roads, fleet and transit.

BEAM's form: the generalised cost of a trip is its money and its hours at the person's value of time,
transfers and crowding added. Three conditions make it dearer, each linearly: see `conditions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..choice.logit import Booleans, Floats  # noqa: TC001  # hints are read at run time
from .conditions import CONDITIONS
from .legs import legs_of
from .modes import BOARDED, MODES, NEED_A_CAR

if TYPE_CHECKING:
    from .city import City
    from .settings import TransportSettings

HOURS_A_YEAR = 2_080
"""Working hours by which a yearly income is divided."""


@dataclass(frozen=True, slots=True)
class Costs:
    """All that the choice needs to know, in single precision.

    Attributes:
        fixed: Dollars under the best conditions: (people, modes).
        exposure: Dollars more for one unit of each condition: (conditions, people, modes).
        load: What a choice adds to each: miles, miles, places: (conditions, people, modes).
        available: Whether the person can choose the mode: (people, modes).
        miles: What all people would travel by the shortest ways, together.
    """

    fixed: Floats
    exposure: Floats
    load: Floats
    available: Booleans
    miles: float


def costs_of(city: City, settings: TransportSettings) -> Costs:
    """Work out what the modes cost the people of a city."""
    legs = legs_of(city, settings)
    people = len(city.home)
    value = np.clip(
        settings.value_of_time * city.income / HOURS_A_YEAR,
        settings.least_value,
        settings.greatest_value,
    )
    fixed = np.zeros((people, len(MODES)), dtype=np.float32)
    exposure = np.zeros((len(CONDITIONS), *fixed.shape), dtype=np.float32)
    load = np.zeros_like(exposure)
    for column, mode in enumerate(MODES):
        leg = legs[mode]
        hours = leg.hours + leg.waits * settings.waiting * settings.hail_wait
        fixed[:, column] = leg.money + value * hours + settings.transfer * leg.transfers
        exposure[0, :, column] = value * leg.driven + leg.driven_money
        exposure[1, :, column] = value * leg.waits * settings.waiting * settings.hail_wait
        exposure[2, :, column] = value * leg.ridden
        load[:, :, column] = np.stack(
            [np.broadcast_to(x, people) for x in (leg.car_miles, leg.fleet_miles, leg.places)]
        )
    miles = settings.stretch * float(city.miles[city.home, city.destination].sum())
    return Costs(fixed, exposure, load, _available(city), miles)


def _available(city: City) -> Booleans:
    available = np.ones((len(city.home), len(MODES)), dtype=np.bool_)
    for column, mode in enumerate(MODES):
        if mode in NEED_A_CAR:
            available[:, column] &= city.cars > 0
        if mode in BOARDED:
            minutes = getattr(city, f"{BOARDED[mode]}_minutes")
            available[:, column] &= minutes[city.home, city.destination] > 0
    return available
