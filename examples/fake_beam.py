"""Stands in for BEAM where there is none: reads its configuration, writes its tables.

    python examples/fake_beam.py --config SCENARIO.conf

It needs nothing but Python. Travellers choose between modes by a logit of their constants; a
part of them chooses anew in each iteration, so shares settle as BEAM's do. The values are its own;
the files are those that BEAM writes, in BEAM's order. For tests it can misbehave: the key
`fake.misbehaviour` says how, `fake.at` from which iteration on.
"""

from __future__ import annotations

import json
import math
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

CONSTANT = "beam.agentsim.agents.modalBehaviors.multinomialLogit.params.{}_intercept"
REPLANNING = 0.4
FREIGHT = 30
"""Trips in each iteration that nobody chose."""

UTILITIES = {
    "bike": -1.0,
    "car": 0.5,
    "drive_transit": -1.5,
    "ride_hail": -2.0,
    "walk": -0.5,
    "walk_transit": -0.8,
}
GROUPS = (
    (("bike", "car", "drive_transit", "ride_hail", "walk", "walk_transit"), 5),
    (("bike", "ride_hail", "walk", "walk_transit"), 4),
    (("ride_hail", "walk_transit"), 1),
)
"""Who can choose what, and how many of ten travellers they are."""


def read_config(path: Path) -> dict[str, str]:
    """Return the keys of a configuration, later ones in place of earlier ones."""
    found: dict[str, str] = {}
    for text in path.read_text().splitlines():
        line = text.strip()
        if line.startswith("include "):
            found |= read_config(path.parent / json.loads(line.removeprefix("include ")))
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            value = value.strip()
            found[key.strip()] = json.loads(value) if value.startswith('"') else value
    return found


class City:
    """Travellers, and what each of them has chosen last."""

    def __init__(self, config: dict[str, str]) -> None:
        """Read the constants, and let everybody choose once without looking at them."""
        seed = config.get("matsim.modules.global.randomSeed", "0")
        self.random = random.Random(int(seed))  # noqa: S311  # travellers are no secret
        count = int(config.get("fake.travellers", "1000"))
        self.weights = {
            mode: math.exp(utility + float(config.get(CONSTANT.format(mode), "0")))
            for mode, utility in UTILITIES.items()
        }
        self.groups = [modes for modes, part in GROUPS for _ in range(count * part // 10)]
        self.chosen = [self.random.choice(modes) for modes in self.groups]

    def iterate(self) -> None:
        """Let a part of the travellers choose anew."""
        for index, modes in enumerate(self.groups):
            if self.random.random() < REPLANNING:
                weights = [self.weights[mode] for mode in modes]
                self.chosen[index] = self.random.choices(modes, weights)[0]

    def alternatives(self) -> Counter[tuple[str, tuple[str, ...]]]:
        """Return how often each mode was chosen among which."""
        return Counter(zip(self.chosen, self.groups, strict=True))


class Fake:
    """One run: its folder, its tables, and how it misbehaves."""

    def __init__(self, config: dict[str, str]) -> None:
        """Make the folder of the run, as BEAM does."""
        self.config = config
        self.city = City(config)
        self.misbehaviour = config.get("fake.misbehaviour", "")
        self.at = int(config.get("fake.at", "1"))
        self.seconds = float(config.get("fake.seconds", "0"))
        self.history: list[Counter[str]] = []
        base = Path(config["beam.outputs.baseOutputDirectory"])
        name = config.get("beam.agentsim.simulationName", "fake")
        self.run = base / f"{name}__2026-01-01_00-00-00_abc"
        self.due = False

    def main(self) -> None:
        """Run all iterations."""
        if self.misbehaviour == "silent":
            return
        self.run.mkdir(parents=True)
        if self.misbehaviour == "two runs":
            self.run.with_name("another").mkdir()
        with (self.run / "beamLog.out").open("w") as log:
            for iteration in range(int(self.config["beam.agentsim.lastIteration"]) + 1):
                print(f"iteration {iteration} begins", file=log, flush=True)
                print(f"fake BEAM: iteration {iteration}", flush=True)
                time.sleep(self.seconds)
                self.due = iteration >= self.at
                self.city.iterate()
                self.history.append(Counter([*self.city.chosen, *["freight"] * FREIGHT]))
                self.misbehave(iteration)
                self.write_tables(iteration)

    def misbehave(self, iteration: int) -> None:
        """Do what ends a run, or keeps it from its end, if that is wanted now."""
        if iteration != self.at:
            return
        if self.misbehaviour == "crash":
            sys.exit("java.lang.OutOfMemoryError: Java heap space")
        if self.misbehaviour == "orphan" and os.fork() == 0:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            (self.run.parent / "orphan.pid").write_text(str(os.getpid()))
            time.sleep(600)
        if self.misbehaviour == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            (self.run.parent / "stubborn.pid").write_text(str(os.getpid()))
        if self.misbehaviour in {"hang", "stubborn"}:
            time.sleep(600)

    def write_tables(self, iteration: int) -> None:
        """Write what BEAM writes at the end of an iteration, in its order."""
        folder = self.run / "ITERS" / f"it.{iteration}"
        folder.mkdir(parents=True)
        now = self.history[-1]
        down = "".join(f"{mode},{n // 2},{n - n // 2},\n" for mode, n in sorted(now.items()))
        for ending in ("", "_commute"):
            self.write(
                folder / f"{iteration}.modeChoice{ending}.csv", f"Modes,Bin_0,Bin_1,\n{down}"
            )
            self.write(self.run / f"modeChoice{ending}.csv", self.trips())
            self.write(self.run / f"referenceModeChoice{ending}.csv", self.percentages())
            counts = "".join(
                f"{mode}, {':'.join(modes)}, {n}\n"
                for (mode, modes), n in self.city.alternatives().items()
            )
            header = "modeChosen, alternativesAvailable, numberOfTimes\n"
            name = f"{iteration}.modeChosenAvailableAlternativesCount{ending}.csv"
            self.write(folder / name, header + counts)
            self.write(self.run / f"realizedModeChoice{ending}.csv", self.trips())
            self.write(folder / f"{iteration}.realizedMode{ending}.csv", self.hours())
            self.write(self.run / f"referenceRealizedModeChoice{ending}.csv", self.percentages())
            name = f"{iteration}.replanningEventReason{ending}.csv"
            self.write(folder / name, "ReplanningReason,Count\n")

    def modes(self) -> list[str]:
        """Return the columns of a table: the modes that were ever used."""
        found = sorted(set().union(*self.history))
        if self.misbehaviour == "absent mode" or (
            self.misbehaviour == "missing column" and self.due
        ):
            found.remove("bike")
        return found

    def trips(self) -> str:
        """Return the table of trips: a row an iteration."""
        modes = self.modes()
        rows = [f"iterations,{','.join(modes)}"]
        rows += [
            ",".join([str(i), *(f"{float(now[mode])}" for mode in modes)])
            for i, now in enumerate(self.history)
        ]
        if self.misbehaviour == "short row" and self.due:
            rows[-1] = rows[-1].rpartition(",")[0]
        return "\n".join(rows) + "\n"

    def percentages(self) -> str:
        """Return the table of percentages, below the benchmark."""
        modes = self.modes()
        wanted = ("0.0" if self.misbehaviour == "zero benchmark" else "16.0" for _ in modes)
        rows = [f"iterations,{','.join(modes)}", ",".join(["benchmark", *wanted])]
        for i, now in enumerate(self.history):
            total = sum(now[mode] for mode in modes)
            rows.append(",".join([str(i), *(f"{now[mode] * 100 / total}" for mode in modes)]))
        return "\n".join(rows) + "\n"

    def hours(self) -> str:
        """Return one iteration's trips by the hour."""
        modes, now = self.modes(), self.history[-1]
        rows = [f"hours,{','.join(modes)}"]
        rows.append(",".join(["1", *(f"{now[mode] / 4}" for mode in modes)]))
        rows.append(",".join(["2", *(f"{now[mode] * 3 / 4}" for mode in modes)]))
        return "\n".join(rows) + "\n"

    def write(self, path: Path, text: str) -> None:
        """Write a file anew, in the way that is wanted."""
        pieces = [text]
        table = path.name.removesuffix(".csv").endswith(("odeChoice", "realizedMode"))
        if table and self.misbehaviour == "slow":
            pieces = [text[i : i + 50] for i in range(0, len(text), 50)]
        elif table and self.misbehaviour in {"half-written", "rewritten"} and self.due:
            cut = 0 if self.misbehaviour == "rewritten" else len(text) - 4
            pieces = [text[:cut], text[cut:]]
        with path.open("wb") as file:
            for piece in pieces:
                content = piece.encode()
                if table and self.misbehaviour == "garbage" and self.due:
                    content = content[:-6] + b"\xff\0\xfe,\0\n"
                file.write(content)
                file.flush()
                if len(pieces) > 1:
                    time.sleep(0.004)


if __name__ == "__main__":
    words = sys.argv[1:]
    Fake(read_config(Path(words[words.index("--config") + 1]))).main()
