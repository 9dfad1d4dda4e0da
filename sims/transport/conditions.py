"""What people's choices do to roads, to waits for rides and to places in transit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from ..choice.logit import Floats
    from .settings import TransportSettings

CONDITIONS: Final = ("congestion", "waiting", "crowding")
"""What makes travel dearer: by what part times in cars grow, waits for rides grow, and hours in
transit are worse; each is 0 at its best."""


def conditions(load: Floats, miles: float, people: int, settings: TransportSettings) -> Floats:
    """Return the conditions under a load: car miles, ride-hail miles, places in transit.

    Roads slow down as the Bureau of Public Roads' function has it. The wait for a ride grows with the
    inverse square root of the vehicles that are free, as the distance to the nearest of them does
    (R. Arnott, Taxi travel should be subsidized, 1996, section 2). Crowding is linear.
    """
    roads = load[0] / (settings.road_capacity * miles)
    fleet = min(load[1] / (settings.fleet_capacity * miles), settings.busiest)
    seats = load[2] / (settings.transit_capacity * people)
    return np.array(
        [
            settings.congestion * roads**settings.steepness,
            1 / np.sqrt(1 - fleet) - 1,
            settings.crowding * seats,
        ]
    )
