"""What is done to a calibration that runs in processes, and what must hold at its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passel.agents.calibration.log import read_log
from tests.agents.calibration.crew import cars

if TYPE_CHECKING:
    from passel.agents.calibration.log import Logged

ROOT = Path(__file__).parents[3]
TOPOLOGY = ROOT / "tests/agents/calibration/killed.yaml"


async def start(
    folder: Path, *words: str, topology: Path = TOPOLOGY, resume: bool = True
) -> asyncio.subprocess.Process:
    """Start a calibration in a process group of its own, or go on with it."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        "PASSEL_RUN_DIR": str(folder / "run"),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "passel", "run", str(topology), *["--resume"] * resume,
        "--state", str(folder / "state"), *_folder(folder, topology), *words,
        env=environment, process_group=0,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


def _folder(folder: Path, topology: Path) -> tuple[str, ...]:
    return ("--set", f"params.folder={folder}") if topology == TOPOLOGY else ()


async def shown(folder: Path, lines: int) -> None:
    """Return once simulators have shown so many iterations."""
    trace = folder / "trace"
    async with asyncio.timeout(30.0):
        while not trace.exists() or trace.read_text().count("\n") < lines:  # noqa: ASYNC110  # of another process
            await asyncio.sleep(0.01)


def nodes_of(folder: Path) -> list[int]:
    """Return the processes of nodes that run below a run directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            environment = (entry / "environ").read_bytes()
        except OSError:  # it has ended, or is somebody else's
            continue
        if b"node" in words and str(folder).encode() in environment:
            found.append(int(entry.name))
    return found


async def all_gone(folder: Path) -> None:
    """Return once no process of a calibration is left."""
    async with asyncio.timeout(20.0):
        while nodes_of(folder):  # noqa: ASYNC110  # of other processes
            await asyncio.sleep(0.02)


def kill(pid: int) -> None:
    """Kill one process."""
    os.kill(pid, signal.SIGKILL)


async def kill_all(process: asyncio.subprocess.Process, folder: Path) -> None:
    """Kill the leader and all its nodes at once."""
    for pid in (process.pid, *nodes_of(folder)):
        try:
            kill(pid)
        except ProcessLookupError:  # it ended by itself
            continue
    await process.communicate()


async def ended(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """Return the report of a calibration that was started with `--json`."""
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    events = [json.loads(line) for line in out.decode().splitlines()]
    report: dict[str, Any] = next(
        event["event"]
        for event in reversed(events)
        if event["kind"] == "event" and isinstance(event["event"], dict)
    )
    return report


def check(folder: Path, trials: int) -> Logged:
    """Make sure that no trial is lost, counted twice, or given another one's results."""
    logged = read_log(folder / "runs.jsonl")
    records = logged.ledger.records
    assert logged.report is not None
    name = logged.head.calibration
    assert [record.id for record in records] == [
        f"{name}-{number}" for number in range(1, len(records) + 1)
    ]
    assert len(records) <= trials
    for record in records:
        assert record.state in {"finished", "stopped", "failed"}
        if record.state == "finished":
            assert len(record.outcomes) == record.limit
        expected = list(islice(cars(-record.point["bus_intercept"], record.seed), record.limit))
        found = [outcome["car"] for outcome in record.outcomes]
        assert found == expected[: len(found)], f"{record.id} has another one's results"
    ran = Counter(line.split()[0] for line in (folder / "trace").read_text().splitlines())
    assert all(count <= 5 for count in ran.values()), "a run was given twice"
    assert logged.ledger.iterations <= ran.total()
    return logged
