"""A command runner, and a private run directory for runtimes that tests start."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[2] / "examples"


class Commands:
    """Runs `passel` commands in this process."""

    def __call__(self, *words: str) -> Result:
        """Run one command and return what it printed and its exit code."""
        from passel.runtime.cli.app import app

        return CliRunner(env={"COLUMNS": "100"}).invoke(app, list(words))


@pytest.fixture
def passel() -> Iterator[Commands]:
    """The command, in this process, whose signal handlers are given back."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield Commands()
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


class Host:
    """Starts `passel` as a process, and knows what is left over afterwards."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self._mark = f"{uuid.uuid4().hex}"
        self.environment = {
            **os.environ,
            "PASSEL_RUN_DIR": str(base),
            "PASSEL_TEST_MARK": self._mark,
            "OMP_NUM_THREADS": "1",
        }
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command."""
        return self.start_python("-m", "passel", *words)

    def start_python(self, *words: str, cwd: Path = HERE) -> subprocess.Popen[str]:
        """Start the interpreter with these arguments."""
        process = subprocess.Popen(
            [sys.executable, *words],
            env=self.environment,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return self.run_python("-m", "passel", *words)

    def run_python(self, *words: str, cwd: Path = HERE) -> subprocess.CompletedProcess[str]:
        """Run the interpreter with these arguments to its end."""
        process = self.start_python(*words, cwd=cwd)
        stdout, stderr = process.communicate(timeout=40)
        return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)

    def serve(self, *words: str) -> subprocess.Popen[str]:
        """Start `passel run ... --json` and return once it says that it runs."""
        process = self.start("run", *words, "--json")
        assert process.stdout is not None
        for line in process.stdout:
            if '"running"' in line:
                return process
        raise AssertionError(process.communicate()[1])

    def left_over(self) -> list[str]:
        """Return processes, files of the run directory and shared memory that are still there.

        Only what was started here: other runtimes may come and go on the machine meanwhile.
        """
        found = [str(path) for path in self.base.rglob("*")]
        found += sorted(self._shared_memory())
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    marked = self._mark.encode() in (folder / "environ").read_bytes()
                    state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                except OSError:
                    continue
                if marked and state != "Z":
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        return found

    def end(self) -> None:
        """Kill what a failed test left running."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def _shared_memory(self) -> set[str]:
        """Return the shared memory whose names say that a process started here leads its runtime."""
        leaders = "|".join(str(pid) for pid in (os.getpid(), *(p.pid for p in self._started)))
        name = re.compile(rf"\.?passel-{os.getuid()}-.+-({leaders})-[^-]+")
        return {found for found in os.listdir("/dev/shm") if name.fullmatch(found)}


@pytest.fixture
def host() -> Iterator[Host]:
    """Processes with a run directory of their own; its path is short, as sockets want it."""
    base = Path(tempfile.mkdtemp(prefix="p"))
    found = Host(base)
    try:
        yield found
    finally:
        found.end()
        shutil.rmtree(base, ignore_errors=True)
