"""A city: zones, what lies between them, and people who each make one trip."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Self

import numpy as np

from ..choice.logit import Floats, Integers  # noqa: TC001  # hints are read at run time

SAN_FRANCISCO: Final = Path(__file__).parent / "data" / "san_francisco.npz"
"""25 zones of downtown San Francisco and 10,000 people, derived from ActivitySim's example data
(BSD 3-clause, its notice lies beside it) by `training/san_francisco.py`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """Level of service between zones, and people.

    Tables are (from, to), in minutes, miles and dollars, as measured: no distance is stretched. Where
    no transit runs, its minutes are 0. What begins with `walk_transit` is boarded on foot, with
    `drive_transit` by car.

    Attributes:
        parking: Dollars an hour at the destination: (zones,).
        home: Where each person's trip begins: (people,).
        destination: Where it ends: (people,).
        income: Dollars a year of the person's household: (people,).
        cars: How many its household has: (people,).
    """

    miles: Floats
    car_minutes: Floats
    walk_transit_minutes: Floats
    walk_transit_wait: Floats
    walk_transit_walk: Floats
    walk_transit_access: Floats
    walk_transit_egress: Floats
    walk_transit_boards: Floats
    walk_transit_fare: Floats
    drive_transit_minutes: Floats
    drive_transit_wait: Floats
    drive_transit_walk: Floats
    drive_transit_boards: Floats
    drive_transit_fare: Floats
    drive_transit_access_minutes: Floats
    drive_transit_access_miles: Floats
    parking: Floats
    home: Integers
    destination: Integers
    income: Integers
    cars: Integers

    @classmethod
    def load(cls, path: Path = SAN_FRANCISCO) -> Self:
        """Read a city from an npz file that has an array for each attribute.

        Raises:
            OSError: The file cannot be read.
            KeyError: An array is missing in it.
        """
        with np.load(path) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})

    def first(self, people: int) -> Self:
        """Return the same city with its first `people` people only."""
        kept = {name: getattr(self, name)[:people] for name in _OF_PEOPLE}
        rest = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self)(**(rest | kept))


_OF_PEOPLE: Final = ("home", "destination", "income", "cars")
