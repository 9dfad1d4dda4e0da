"""Derive the embedded city's data from the example data that ActivitySim's wheel brings.

    pip download --no-deps activitysim==1.6.0
    pip install h5py
    python training/san_francisco.py activitysim-1.6.0-py3-none-any.whl --out sims/transport/data

Writes `san_francisco.npz`: 25 zones of downtown San Francisco, times, distances and fares between
them in the morning peak, and people who each make one trip. Persons are drawn from those of the
synthetic households; each travels from the zone of its household to another one, drawn in
proportion to the jobs there. Beside it goes the licence that the data came under.
"""

from __future__ import annotations

import argparse
import csv
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA = "activitysim/examples/prototype_mtc/data"
LICENCE = "activitysim-1.6.0.dist-info/licenses/LICENSE.txt"
PEOPLE = 10_000

SKIMS = {
    "miles": ("DIST", 1),
    "car_minutes": ("SOV_TIME__AM", 1),
    "walk_transit_minutes": ("WLK_LOC_WLK_TOTIVT__AM", 100),
    "walk_transit_wait": ("WLK_LOC_WLK_WAIT__AM", 100),
    "walk_transit_walk": ("WLK_LOC_WLK_WAUX__AM", 100),
    "walk_transit_access": ("WLK_TRN_WLK_WACC__AM", 100),
    "walk_transit_egress": ("WLK_TRN_WLK_WEGR__AM", 100),
    "walk_transit_boards": ("WLK_LOC_WLK_BOARDS__AM", 1),
    "walk_transit_fare": ("WLK_LOC_WLK_FAR__AM", 100),
    "drive_transit_minutes": ("DRV_LOC_WLK_TOTIVT__AM", 100),
    "drive_transit_wait": ("DRV_LOC_WLK_WAIT__AM", 100),
    "drive_transit_walk": ("DRV_LOC_WLK_WAUX__AM", 100),
    "drive_transit_boards": ("DRV_LOC_WLK_BOARDS__AM", 1),
    "drive_transit_fare": ("DRV_LOC_WLK_FAR__AM", 100),
    "drive_transit_access_minutes": ("DRV_LOC_WLK_DTIM__AM", 100),
    "drive_transit_access_miles": ("DRV_LOC_WLK_DDIST__AM", 100),
}
"""Our name: ActivitySim's, and what its unit is a part of (skims hold hundredths of minutes, miles and
dollars). Transit is the local bus."""

Arrays = dict[str, np.ndarray[Any, Any]]


def skims(omx: bytes) -> Arrays:
    """Return the tables between zones: (from, to)."""
    with h5py.File(io.BytesIO(omx)) as file:
        tables = file["data"]
        return {
            name: (tables[theirs][:] / parts).astype(np.float32)
            for name, (theirs, parts) in SKIMS.items()
        }


def people(tables: Mapping[str, list[dict[str, str]]], seed: int) -> Arrays:
    """Draw people and their trips."""
    generator = np.random.default_rng(seed)
    households = {row["HHID"]: row for row in tables["households"]}
    homes = [households[row["household_id"]] for row in tables["persons"]]
    chosen = [homes[i] for i in generator.integers(len(homes), size=PEOPLE)]
    jobs = np.array([float(row["TOTEMP"]) for row in tables["land_use"]])
    home = np.array([int(row["TAZ"]) - 1 for row in chosen])
    elsewhere = np.where(np.arange(len(jobs)) == home[:, None], 0.0, jobs)
    ends = elsewhere.cumsum(axis=1)
    drawn = generator.random(PEOPLE) * ends[:, -1]
    return {
        "home": home.astype(np.uint8),
        "destination": (ends <= drawn[:, None]).sum(axis=1).astype(np.uint8),
        "income": np.array([int(row["income"]) for row in chosen], dtype=np.int32),
        "cars": np.array([int(row["VEHICL"]) for row in chosen], dtype=np.uint8),
    }


def main() -> None:
    """Read the wheel, write the data and its licence."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    with zipfile.ZipFile(wanted.wheel) as wheel:
        arrays = skims(wheel.read(f"{DATA}/skims.omx"))
        tables = {
            name: list(csv.DictReader(io.StringIO(wheel.read(f"{DATA}/{name}.csv").decode())))
            for name in ("households", "persons", "land_use")
        }
        licence = wheel.read(LICENCE)
    cents = [float(row["PRKCST"]) for row in tables["land_use"]]
    arrays["parking"] = (np.array(cents) / 100).astype(np.float32)  # dollars an hour
    arrays |= people(tables, wanted.seed)
    np.savez_compressed(wanted.out / "san_francisco.npz", **arrays)  # type: ignore[arg-type]
    (wanted.out / "LICENSE.activitysim.txt").write_bytes(licence)
    print({name: array.shape for name, array in arrays.items()})


if __name__ == "__main__":
    main()
