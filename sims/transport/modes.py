"""The eight modes of travel, named as BEAM names them."""

from __future__ import annotations

from typing import Final

MODES: Final = (
    "bike",
    "car",
    "drive_transit",
    "ride_hail",
    "ride_hail_pooled",
    "ride_hail_transit",
    "walk",
    "walk_transit",
)
"""Names of the modes, in the order in which arrays have them."""

NEED_A_CAR: Final = ("car", "drive_transit")
"""Modes for those only to whom a car is available."""

BOARDED: Final = {
    "drive_transit": "drive_transit",
    "ride_hail_transit": "drive_transit",
    "walk_transit": "walk_transit",
}
"""Modes for those only between whose zones transit runs, and which of a city's tables have it."""

INTERCEPTS: Final = tuple(f"{mode}_intercept" for mode in MODES)
"""Names of the parameters: the alternative-specific constants, in utils, which are dollars."""
