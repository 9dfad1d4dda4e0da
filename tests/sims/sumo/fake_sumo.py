"""A program that behaves like `sumo`, as far as whoever runs it can tell.

Everybody travels as the routes say, a minute for each stage. If `misbehaviour` lies beside this file,
what it says is done: `fail` ends with exit code 1, `late` lets somebody not arrive, `lost` leaves
somebody out, `walk` lets somebody walk, `hang` opens the FIFO `gate` beside it and then waits.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, parse

HERE = Path(__file__).parent
VEHICLES = {"taxi:solo": "solo_0", "taxi:pool": "pool_3"}


def main() -> None:
    options = dict(word[2:].split("=", 1) for word in sys.argv[1:] if "=" in word)
    if "grid.number" in options:
        Path(options["output-file"]).write_text("<net/>")
        return
    told = HERE / "misbehaviour"
    how = told.read_text() if told.exists() else ""
    if how == "fail":
        sys.exit("Error: the network has holes")
    if how == "hang":
        (HERE / "gate").write_text("here")
        time.sleep(1000)
    assert Path(options["net-file"]).exists()
    people = sorted(
        parse(options["route-files"]).getroot().iter("person"), key=lambda p: p.get("id", "")
    )
    root = Element("tripinfos")
    for number, person in enumerate(people):
        if number or how != "lost":
            root.append(travelled(person, how if number == 0 else ""))
    ElementTree(root).write(options["tripinfo-output"])


def travelled(person: Element, how: str) -> Element:
    now = float(person.get("depart", ""))
    info = Element("personinfo", id=person.get("id", ""), depart=str(now))
    for stage in person:
        now += 60.0
        lines = stage.get("lines", "")
        vehicle = VEHICLES.get(lines, lines if "_" in lines else f"bus_{lines}_7")
        arrival = {"arrival": "-1" if how == "late" else str(now)}
        if stage.tag == "walk" or how == "walk":
            SubElement(info, "walk", arrival)
        else:
            SubElement(info, "ride", arrival, vehicle=vehicle)
    return info


main()
