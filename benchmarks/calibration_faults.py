"""Kills workers and whole calibrations at random moments, and looks at every result afterwards.

A calibration of the embedded city runs on worker nodes of their own. Again and again a worker's
process, or leader and workers at once, get SIGKILL; what was killed as a whole is started again with
`--resume`. What must hold:

- a trial whose end was written down before a kill is there at the end, and the same;
- trials are numbered without a gap, none is there twice, none is left without an end;
- every outcome is, to the last bit, what the model gives for that trial's own point and seed;
- no process of a calibration outlives it.

A worker that is killed while everything starts makes that start fail; it is made again, and counted.

    python benchmarks/calibration_faults.py --json              # 100 kills
    python benchmarks/calibration_faults.py --kills 10 --seed 7
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from measure import arguments, machine

from passel.agents.calibration import LogError, Proposal
from passel.agents.calibration.log import read_log
from passel.sims.transport import INTERCEPTS, MODES, SAN_FRANCISCO, City, ModeChoice, costs_of
from passel.sims.transport import TransportSettings as Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passel.agents.calibration import Forecast, Setting, TrialRecord

HERE = Path(__file__).resolve().parent
PEOPLE = 500
TRIALS = 60
WORKERS = 3

TOPOLOGY = """
name: tormented
nodes: {{workers: {{count: {workers}, cpus: 1}}}}
actors:
  journal: {{class: "passel.agents.calibration:CalibrationJournal", durable: true}}
  simulator:
    class: "passel.sims.transport:TransportSimulator"
    node: workers
    replicas: {workers}
    args: {{people: {people}, pace: {{seconds: 0.02}}}}
    supervise: {{max_restarts: 1000, within: 60}}
  calibrator:
    class: "passel.agents.calibration:Calibrator"
    args:
      simulators: {{refs: simulator}}
      journal: {{ref: journal}}
      log: "{folder}/runs.jsonl"
      target: {{values: {{car: 0.65, walk: 0.1, bike: 0.05, walk_transit: 0.2}}}}
      proposer: "calibration_faults:scatter"
      settings: {{budget: {{trials: {trials}}}, noise: false, confirmations: 2}}
main: {{actor: calibrator, ask: calibrate}}
"""


class Scatter:
    """Proposes points at random, where they are not far from where the city is."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def ask(self, running: Sequence[TrialRecord]) -> Proposal | None:
        """Return a point."""
        del running
        point = {p.name: self._setting.random.gauss(0.0, 1.5) for p in self._setting.space}
        return Proposal(point=point, iterations=self._setting.iterations)

    def tell(self, record: TrialRecord, forecast: Forecast | None) -> None:
        """Learn nothing."""


def scatter(setting: Setting) -> Scatter:
    """Return what the topology's calibrator asks for points."""
    return Scatter(setting)


@dataclass
class Tally:
    """What was done, and what came of it."""

    worker_kills: int = 0
    whole_kills: int = 0
    calibrations: int = 0
    trials: int = 0
    restarted: int = 0
    failed_starts: int = 0
    lost: int = 0
    doubled: int = 0
    misattributed: int = 0
    unended: int = 0
    left_behind: int = 0
    resumes: list[float] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """All of them."""
        return self.worker_kills + self.whole_kills


class Model:
    """What the city gives for a point and a seed."""

    def __init__(self) -> None:
        self._costs = costs_of(City.load(SAN_FRANCISCO).first(PEOPLE), Settings())

    def outcomes(self, record: TrialRecord, fixed: dict[str, float]) -> list[dict[str, float]]:
        """Return what the iterations of a trial have to be."""
        values = {**fixed, **record.point}
        intercepts = [values[name] for name in INTERCEPTS]
        generator = np.random.default_rng(record.seed)
        choice = ModeChoice(self._costs, Settings(), intercepts, generator)
        count = len(record.outcomes)
        return [dict(zip(MODES, choice.iterate().tolist(), strict=True)) for _ in range(count)]


class Torment:
    """One calibration, from its beginning to its end."""

    def __init__(self, folder: Path, chance: random.Random, tally: Tally, kills: int) -> None:
        self._folder = folder
        self._chance = chance
        self._tally = tally
        self._kills = kills
        self._words = folder / "words"
        self._ended_before: dict[str, TrialRecord] = {}
        text = TOPOLOGY.format(folder=folder, people=PEOPLE, trials=TRIALS, workers=WORKERS)
        (folder / "tormented.yaml").write_text(text, encoding="utf-8")

    async def run(self, model: Model) -> None:
        """Start it, kill it, start it again, until it is over or enough was killed; then check."""
        process = await self._start()
        while True:
            try:
                async with asyncio.timeout(self._chance.uniform(0.0, 2.5)):
                    await process.wait()
                if self._is_over():
                    break
                self._tally.failed_starts += 1
                print(self._last_words(), file=sys.stderr)
                process = await self._resumed()
                continue
            except TimeoutError:
                if self._tally.kills >= self._kills:
                    continue
            if self._chance.random() < 0.5:
                self._kill_worker(process)
                continue
            await self._kill_all(process)
            if self._is_over():
                break
            process = await self._resumed()
        await self._look_for_leftovers()
        self._check(model)

    async def _start(self) -> asyncio.subprocess.Process:
        environment = {
            **os.environ,
            "PASSEL_RUN_DIR": str(self._folder / "run"),
            "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]),
        }
        self._words = self._folder / f"words-{self._tally.kills}"
        with self._words.open("ab") as words:
            return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "passel", "run", str(self._folder / "tormented.yaml"),
            "--state", str(self._folder / "state"), "--resume",
            env=environment, process_group=0,
            stdout=words, stderr=words,
        )  # fmt: skip

    def _last_words(self) -> str:
        lines = self._words.read_text(encoding="utf-8", errors="replace").splitlines()
        return "ended by itself: " + " | ".join(lines[-4:])

    def _kill_worker(self, leader: asyncio.subprocess.Process) -> None:
        workers = [pid for pid in self._processes() if pid != leader.pid]
        if workers:
            _kill(self._chance.choice(workers))
            self._tally.worker_kills += 1

    async def _kill_all(self, leader: asyncio.subprocess.Process) -> None:
        for pid in {leader.pid, *self._processes()}:
            _kill(pid)
        self._tally.whole_kills += 1
        await leader.wait()
        await self._look_for_leftovers()
        self._remember()

    async def _resumed(self) -> asyncio.subprocess.Process:
        """Start it again; mostly wait until it goes on, so that not only starts are killed."""
        log = self._folder / "runs.jsonl"
        before = log.stat().st_ino if log.exists() else 0
        began = time.perf_counter()
        process = await self._start()
        if self._chance.random() < 0.8:
            while process.returncode is None and (not log.exists() or log.stat().st_ino == before):  # noqa: ASYNC110
                await asyncio.sleep(0.02)  # no event crosses from another process
            self._tally.resumes.append(time.perf_counter() - began)
        return process

    def _is_over(self) -> bool:
        """Whether it had ended when it was killed; asked again, it would begin anew."""
        try:
            return read_log(self._folder / "runs.jsonl").report is not None
        except LogError:
            return False

    def _remember(self) -> None:
        """Keep what had ended when it was killed."""
        try:
            records = read_log(self._folder / "runs.jsonl").ledger.records
        except LogError:  # it has yet to begin
            return
        self._ended_before |= {record.id: record for record in records if record.state != "running"}

    def _processes(self) -> list[int]:
        """Return the processes of this calibration."""
        mark = f"PASSEL_RUN_DIR={self._folder / 'run'}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:  # it has ended, or is somebody else's
                continue
        return found

    async def _look_for_leftovers(self) -> None:
        """Give processes ten seconds to be gone; count those that are not."""
        until = time.monotonic() + 10.0
        while self._processes() and time.monotonic() < until:  # noqa: ASYNC110  # of other processes
            await asyncio.sleep(0.02)
        self._tally.left_behind += len(self._processes())

    def _check(self, model: Model) -> None:
        tally = self._tally
        logged = read_log(self._folder / "runs.jsonl")
        records = logged.ledger.records
        names = [f"{logged.head.calibration}-{number}" for number in range(1, TRIALS + 1)]
        found = {str(record.id): record for record in records}
        tally.calibrations += 1
        tally.trials += len(records)
        tally.restarted += sum(record.attempt > 1 for record in records)
        changed = [n for n, known in self._ended_before.items() if found.get(n) != known]
        tally.lost += sum(name not in found for name in names) + len(changed)
        for name in changed[:3]:
            print(f"was {self._ended_before[name]}\nis {found.get(name)}", file=sys.stderr)
        tally.doubled += len(records) - len(found)
        tally.doubled += sum(len(record.outcomes) > record.limit for record in records)
        tally.unended += sum(record.state == "running" for record in records)
        tally.unended += logged.report is None
        for record in records:
            expected = model.outcomes(record, logged.head.fixed)
            tally.misattributed += list(record.outcomes) != expected


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended by itself
        os.kill(pid, signal.SIGKILL)


async def torment(kills: int, seed: int) -> Tally:
    """Kill so often, over as many calibrations as that takes."""
    chance, tally, model = random.Random(seed), Tally(), Model()
    while tally.kills < kills:
        with tempfile.TemporaryDirectory(prefix="p", ignore_cleanup_errors=True) as folder:
            await Torment(Path(folder), chance, tally, kills).run(model)
        print(
            f"{tally.kills} kills, {tally.calibrations} calibrations, {tally.lost} trials lost, "
            f"{tally.doubled} doubled, {tally.misattributed} misattributed, {tally.left_behind} "
            "processes left",
            file=sys.stderr,
        )
    return tally


def main() -> None:
    """Torment, and print the tally."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tally = asyncio.run(torment(options.kills, options.seed))
    facts: dict[str, Any] = {key: value for key, value in vars(tally).items() if key != "resumes"}
    resumes = sorted(tally.resumes)
    if resumes:
        facts["resume_seconds"] = round(resumes[len(resumes) // 2], 2)
        facts["resume_seconds_most"] = round(resumes[-1], 2)
    facts |= machine()
    if options.json:
        print(json.dumps(facts))
    else:
        for key, value in facts.items():
            print(f"{key}: {value}")
    faults = ("lost", "doubled", "misattributed", "unended", "left_behind")
    sys.exit(any(getattr(tally, fault) for fault in faults))


if __name__ == "__main__":
    main()
