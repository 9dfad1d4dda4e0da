"""Kills and stops the processes of real runtimes at random, and counts what was lost.

Each run: a leader and three nodes with a counter each; numbers are told to them while processes are
killed, stopped and continued, the leader among them, which is then started again. The driver, this
program, keeps its own ledger of what was acknowledged. Examples:

    python benchmarks/chaos.py --runs 100          a table
    python benchmarks/chaos.py --runs 100 --json   one flat JSON object
    python benchmarks/chaos.py --first 17 --runs 1 the run of seed 17 again: the same faults
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from measure import machine, percentile, say

HERE = Path(__file__).resolve().parent
NODES = ("one", "two", "three")
MARK = "PASSEL_CHAOS_RUN"
BITS = (1 << 64) - 1

RUN_SECONDS = 60.0
"""A run that takes longer hangs."""

LEAVE_SECONDS = 10.0
"""Seconds in which every process of a run must be gone when it is over."""

Kind = Literal["kill", "pause", "stop"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to one process, and when.

    Attributes:
        at: How many messages were acknowledged by then.
        target: A node, or `leader`.
        kind: `kill` it; `pause` it for `seconds`; `stop` it until it is declared dead.
        seconds: How long a pause is.
    """

    at: int
    target: str
    kind: Kind
    seconds: float = 0.0


def plan_of(seed: int, messages: int) -> list[Fault]:
    """Return the faults of one run: the leader is killed once, nodes suffer three times or more."""
    chance = random.Random(seed)
    times = sorted(chance.sample(range(messages // 20, messages * 4 // 5), 3 + chance.randrange(2)))
    faults = [
        Fault(at, chance.choice(NODES), chance.choice(("kill", "kill", "pause", "stop")),
              chance.uniform(0.05, 1.5))
        for at in times
    ]  # fmt: skip
    faults.append(Fault(chance.randrange(messages // 10, messages * 9 // 10), "leader", "kill"))
    if chance.random() < 0.3:
        at = chance.randrange(messages // 10, messages * 9 // 10)
        faults.append(Fault(at, "leader", "pause", chance.uniform(0.1, 1.0)))
    return sorted(faults, key=lambda fault: fault.at)


@dataclass
class Ledger:
    """What one run did and saw.

    Attributes:
        unacknowledged: Numbers that nobody has acknowledged yet.
        died: When a process of a life was killed or stopped for good, in monotonic seconds.
        latencies: How long it took until that was seen, for exits and for silence.
        failures: How many asks ended with an error, by its class; each was tried again.
        violations: What must not happen.
    """

    unacknowledged: dict[int, None]
    died: dict[tuple[str, int], tuple[Kind, float]] = field(default_factory=dict)
    latencies: dict[str, list[float]] = field(default_factory=lambda: {"exit": [], "silence": []})
    failures: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    longest: float = 0.0
    faults: int = 0


class Run:
    """One run: one seed, one folder, as many lives of the leader as it takes."""

    def __init__(self, seed: int, words: argparse.Namespace, folder: Path) -> None:
        self.seed = seed
        self._words = words
        self._folder = folder
        self._mark = f"{os.getpid()}-{seed}-{time.monotonic_ns()}"
        self._name = f"chaos{os.getpid()}x{seed}"
        self._plan = plan_of(seed, words.messages)
        self.ledger = Ledger(dict.fromkeys(range(words.messages)))
        self._pids: dict[str, tuple[int, int]] = {}
        self._leader: asyncio.subprocess.Process | None = None
        self._sums: dict[str, list[int]] | None = None
        self._stopped = False
        self._paused: set[int] = set()
        self._pauses: list[asyncio.Task[None]] = []

    async def carry_out(self) -> None:
        """Run until every message is acknowledged; then check what is left."""
        try:
            async with asyncio.timeout(RUN_SECONDS):
                resume = False
                while self._sums is None:
                    await self._live(resume=resume)
                    resume = True
        except TimeoutError:
            left = len(self.ledger.unacknowledged)
            self._violation(f"hangs: {left} messages unacknowledged after {RUN_SECONDS:g} s")
        finally:
            for pause in self._pauses:
                pause.cancel()
            self._check_left_over()
        self._check_sums()

    async def _live(self, *, resume: bool) -> None:
        """Lead the leader through one life."""
        self._pids.clear()
        words = [
            sys.executable, str(HERE / "chaos_leader.py"), "--name", self._name,
            "--transport", self._words.transport, "--run-directory", str(self._folder / "run"),
            "--state", str(self._folder / "state"), "--nodes", ",".join(NODES),
        ]  # fmt: skip
        with (self._folder / "leader.log").open("ab") as log:
            self._leader = await asyncio.create_subprocess_exec(
                *words,
                *(["--resume"] if resume else []),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, MARK: self._mark, "OMP_NUM_THREADS": "1"},
            )
        leader = self._leader
        assert leader.stdin is not None
        assert leader.stdout is not None
        leader.stdin.write(json.dumps(list(self.ledger.unacknowledged)).encode() + b"\n")
        try:
            await self._listen(leader.stdout)
            code = await leader.wait()
        finally:
            if leader.returncode is None:  # time is up, or a Ctrl-C
                leader.kill()
                await leader.wait()
        if code not in {0, -signal.SIGKILL}:
            self._violation(f"the leader ended with {code}: {self._last_words()}")
            self._sums = {}

    async def _listen(self, said: asyncio.StreamReader) -> None:
        """Hear what the leader says, and do what is due once it is up."""
        up = False
        async for line in said:
            if not line.endswith(b"\n"):
                break  # it was killed in the middle of a word
            facts = json.loads(line)
            up = up or facts["event"] == "up"
            self._hear(facts)
            if up:
                self._strike()

    def _hear(self, facts: dict[str, Any]) -> None:
        event, ledger = facts["event"], self.ledger
        if event == "taken":
            ledger.unacknowledged.pop(facts["number"], None)
            ledger.longest = max(ledger.longest, facts["seconds"])
        elif event == "failed":
            ledger.failures[facts["error"]] = ledger.failures.get(facts["error"], 0) + 1
        elif event == "node":
            self._pids[facts["node"]] = (facts["life"], facts["pid"])
        elif event == "down":
            died = ledger.died.pop((facts["node"], facts["life"]), None)
            if died is not None:
                kind, at = died
                ledger.latencies["exit" if kind == "kill" else "silence"].append(facts["at"] - at)
        elif event == "sums":
            self._sums = facts["sums"]
        elif event == "stopped":
            self._stopped = True

    def _strike(self) -> None:
        """Do what is due."""
        taken = self._words.messages - len(self.ledger.unacknowledged)
        while self._plan and self._plan[0].at <= taken:
            fault = self._plan[0]
            if fault.target != "leader" and self._is_down(fault.target):
                return  # it cannot suffer yet; everything later waits too
            self._plan.pop(0)
            self._do(fault)

    def _is_down(self, node: str) -> bool:
        found = self._pids.get(node)
        return found is None or found[1] in self._paused or (node, found[0]) in self.ledger.died

    def _do(self, fault: Fault) -> None:
        ledger, now = self.ledger, time.monotonic()
        if fault.target == "leader":
            assert self._leader is not None
            pid = self._leader.pid
            ledger.died.clear()  # who dies now is not seen by a leader that is gone or held up
        else:
            life, pid = self._pids[fault.target]
            if fault.kind != "pause":
                ledger.died[fault.target, life] = (fault.kind, now)
        try:
            os.kill(pid, signal.SIGKILL if fault.kind == "kill" else signal.SIGSTOP)
        except ProcessLookupError:
            return  # it has just ended of another fault
        ledger.faults += 1
        if fault.kind == "pause":
            self._paused.add(pid)
            self._pauses.append(asyncio.create_task(self._go_on(pid, fault.seconds)))

    async def _go_on(self, pid: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._paused.discard(pid)
        with contextlib.suppress(ProcessLookupError):  # it was declared dead
            os.kill(pid, signal.SIGCONT)

    def _violation(self, what: str) -> None:
        self.ledger.violations.append(f"seed {self.seed}: {what}")

    def _check_sums(self) -> None:
        """Compare what the counters took with what was acknowledged: all numbers, once each."""
        if not self._sums:
            return
        for index, node in enumerate(NODES):
            numbers = range(index, self._words.messages, len(NODES))
            squares = sum(number * number for number in numbers) & BITS
            wanted = [len(numbers), sum(numbers), squares]
            if self._sums.get(node) != wanted:
                self._violation(f"{node} took {self._sums.get(node)} and not {wanted}")

    def _check_left_over(self) -> None:
        """Make sure that no process, run directory or shared memory is left."""
        until = time.monotonic() + LEAVE_SECONDS
        while (left := self._processes()) and time.monotonic() < until:
            time.sleep(0.02)
        for pid in left:
            self._violation(f"process {pid} is left")
            os.kill(pid, signal.SIGKILL)
        for path in (*(self._folder / "run").glob("*"), *Path("/dev/shm").glob(f"*{self._name}*")):
            self._violation(f"{path} is left")

    def _processes(self) -> list[int]:
        mark, found = f"{MARK}={self._mark}".encode(), []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    if mark in (folder / "environ").read_bytes():
                        found.append(int(folder.name))
                except OSError:
                    continue
        return found

    def _last_words(self) -> str:
        lines = (self._folder / "leader.log").read_text(errors="replace").splitlines()
        return " / ".join(lines[-3:])


def summary(runs: list[Run], words: argparse.Namespace, seconds: float) -> dict[str, Any]:
    """Return the figures of all runs."""
    ledgers = [run.ledger for run in runs]
    found: dict[str, Any] = {
        "runs": len(runs),
        "transport": words.transport,
        "messages_per_run": words.messages,
        "faults": sum(ledger.faults for ledger in ledgers),
        "fewest_faults_in_a_run": min(ledger.faults for ledger in ledgers),
        "asks_that_failed_and_were_sent_again": sum(
            sum(ledger.failures.values()) for ledger in ledgers
        ),
        "longest_message_s": round(max(ledger.longest for ledger in ledgers), 3),
        "seconds_per_run": round(seconds / len(runs), 2),
        "violations": sum(len(ledger.violations) for ledger in ledgers),
    }
    for kind in ("exit", "silence"):
        seen = sorted(value for ledger in ledgers for value in ledger.latencies[kind])
        found[f"{kind}_seen"] = len(seen)
        for percent in (50, 99):
            value = round(percentile(seen, percent), 4) if seen else None
            found[f"{kind}_seen_p{percent}_s"] = value
    return found


async def carry_out(words: argparse.Namespace) -> list[Run]:
    """Carry out all runs, one after the other."""
    runs = []
    for seed in range(words.first, words.first + words.runs):
        folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        run = Run(seed, words, folder)
        start = time.monotonic()
        try:
            await run.carry_out()
        except asyncio.CancelledError:
            shutil.rmtree(folder)
            raise
        runs.append(run)
        say(f"seed {seed}: {run.ledger.faults} faults, {time.monotonic() - start:.1f} s")
        for line in run.ledger.violations:
            print(line, file=sys.stderr)
        if not run.ledger.violations:
            shutil.rmtree(folder)
        else:
            print(f"its files stay in {folder}", file=sys.stderr)
    return runs


def main() -> None:
    """Read the command line, run, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=100, help="how many runs")
    parser.add_argument("--first", type=int, default=0, help="seed of the first run")
    parser.add_argument("--messages", type=int, default=10_000, help="messages in each run")
    parser.add_argument("--transport", default="ipc", choices=("ipc", "tcp", "unix"))
    parser.add_argument("--json", action="store_true", help="print one flat JSON object")
    words = parser.parse_args()
    start = time.monotonic()
    try:
        runs = asyncio.run(carry_out(words))
    except KeyboardInterrupt:
        sys.exit(130)
    found = summary(runs, words, time.monotonic() - start)
    if words.json:
        print(json.dumps({**found, **machine()}))
    else:
        for key, value in {**found, **machine()}.items():
            print(f"{key:38} {value}")
    sys.exit(1 if found["violations"] else 0)


if __name__ == "__main__":
    main()
