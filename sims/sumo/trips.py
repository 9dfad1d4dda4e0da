"""What SUMO says of trips: how long they took, and in what."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from xml.etree.ElementTree import ParseError, parse

from .errors import SumoRunError, SumoTripError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from xml.etree.ElementTree import Element


class Trip(NamedTuple):
    """A trip that was made: its mode, by the vehicles used, and seconds from door to door."""

    mode: str
    seconds: float


_BY_VEHICLES = {
    (): "walk",
    ("bike",): "bike",
    ("car",): "car",
    ("solo",): "ride_hail",
    ("pool",): "ride_hail_pooled",
    ("bus",): "walk_transit",
    ("car", "bus"): "drive_transit",
    ("solo", "bus"): "ride_hail_transit",
}


def trips(path: Path, chosen: Mapping[str, str]) -> dict[str, Trip]:
    """Return everybody's trip.

    Args:
        path: SUMO's `tripinfo` output.
        chosen: The mode that each traveller chose, by name.

    Raises:
        SumoTripError: Somebody has not arrived, or travelled by another mode than the one chosen.
        SumoRunError: SUMO has written no such file.
    """
    try:
        root = parse(path).getroot()  # noqa: S314  # SUMO has just written it for us
    except (OSError, ParseError) as error:
        raise SumoRunError("sumo", how=f"wrote no trips that can be read ({error})") from error
    found = {element.get("id"): element for element in root.iter("personinfo")}
    made = {}
    for name, mode in chosen.items():
        if name not in found:
            raise SumoTripError(name, mode, what="never left; raise `end`, or look at the town")
        made[name] = trip = _trip(name, mode, found[name])
        if trip.mode != mode:
            raise SumoTripError(name, mode, what=f"travelled by {trip.mode}")
    return made


def _trip(name: str, mode: str, person: Element) -> Trip:
    depart = person.get("depart")
    if depart is None:
        raise SumoTripError(name, mode, what="has no time of leaving in what SUMO wrote")
    used: list[str] = []
    arrival = -1.0
    for stage in person:
        arrival = float(stage.get("arrival", "-1"))
        if arrival < 0:
            raise SumoTripError(
                name, mode, what="had not arrived at the end; raise `end`, or add taxis"
            )
        kind = (stage.get("vehicle") or "").partition("_")[0]
        if stage.tag == "ride" and kind not in used[-1:]:
            used.append(kind)
    by = _BY_VEHICLES.get(tuple(used))
    if by is None:
        raise SumoTripError(name, mode, what=f"used {', '.join(used)}, which is no mode")
    return Trip(by, arrival - float(depart))
