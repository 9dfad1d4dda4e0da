"""What is left when the leader's process is killed: nothing, in the end."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from passel import Runtime
from passel.runtime.machine.rundir import running
from tests.conftest import ROOT
from tests.runtime.worlds import private_folder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

LEADER = dedent("""
    import asyncio, sys
    from pathlib import Path
    sys.path.append(sys.argv[2])
    from passel import Runtime
    from tests.runtime.crew import Counter, Parent

    async def main():
        async with Runtime(name="lost", run_directory=Path(sys.argv[1])) as runtime:
            await runtime.start_node("one")
            await runtime.start_node("two")
            named = await runtime.options(name="c", node="one").spawn(Counter)
            parent = await runtime.options(name="p", node="two").spawn(Parent)
            assert await parent.ask(named, 1) == 1
            print(runtime.pid_of("one"), runtime.pid_of("two"), flush=True)
            await asyncio.Event().wait()

    asyncio.run(main())
""")


async def ended(pid: int) -> None:
    """Return once the process `pid`, which is no child of ours, has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        await asyncio.to_thread(select.select, [descriptor], [], [], 20.0)
    finally:
        os.close(descriptor)


def start_leader(base: Path) -> subprocess.Popen[str]:
    """Start a program that leads a runtime in `base`; it prints its nodes' process ids."""
    words = [sys.executable, "-c", LEADER, str(base), str(ROOT)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


async def test_the_nodes_of_a_leader_that_is_killed_leave_and_are_swept() -> None:
    with private_folder() as base:
        with start_leader(base) as leader:
            assert leader.stdout is not None
            pids = [int(word) for word in leader.stdout.readline().split()]
            assert [facts.name for _, facts in running(base)] == ["lost"]
            leader.send_signal(signal.SIGKILL)
        async with asyncio.timeout(4.0):
            for pid in pids:
                await ended(pid)
        assert [path.name.split("-")[0] for path in base.iterdir()] == ["lost"]
        assert not running(base)
        async with Runtime(run_directory=base):
            assert [path.name.split("-")[0] for path in base.iterdir()] == ["passel"]
        assert not list(base.iterdir())
    await asyncio.get_running_loop().shutdown_default_executor()
