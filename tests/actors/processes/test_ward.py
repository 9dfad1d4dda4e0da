"""Commands under a warden, and what is left of them when that is killed: nothing in their group."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from passel.actors.processes import Ended, Ward, run_command
from tests.runtime.test_orphans import ended
from tests.runtime.worlds import until

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.process

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def ward_of(*command: str, grace: float = 0.0) -> Ward:
    return Ward(command, environment=ENVIRONMENT, grace=grace)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[1])


@pytest.mark.parametrize(
    ("command", "how"),
    [
        (("sh", "-c", "exit 3"), Ended(exit=3)),
        (("sh", "-c", "kill -SEGV $$"), Ended(signal="SIGSEGV")),
        (("./no-such-program",), Ended(error="./no-such-program: No such file or directory")),
    ],
)
async def test_how_a_command_ended_is_told(command: Sequence[str], how: Ended) -> None:
    ward = ward_of(*command)
    await ward.over.wait()
    ward.bury()
    assert ward.how == how


async def test_a_command_that_is_buried_while_it_runs_is_gone() -> None:
    ward = ward_of("sleep", "600", grace=600.0)
    await until(lambda: ward.pid is not None)
    ward.bury()
    assert ward.how == Ended(signal="SIGKILL")
    assert ward.pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(ward.pid, 0)


async def test_a_group_ends_with_its_warden_and_that_is_said(tmp_path: Path) -> None:
    script = "sleep 600 & echo $$ $! > pids; mv pids born; wait"
    running = asyncio.ensure_future(
        run_command(
            ["sh", "-c", script],
            environment=ENVIRONMENT,
            directory=str(tmp_path),
            max_output=1,
            grace=600.0,
        )
    )
    await until((tmp_path / "born").exists)
    shell, child = map(int, (tmp_path / "born").read_text().split())
    os.kill(parent_of(shell), signal.SIGKILL)
    finished = await running
    assert finished.ended == Ended(error="what watched over it ended first (SIGKILL)")
    await ended(shell)
    await ended(child)
    await asyncio.get_running_loop().shutdown_default_executor()
