"""A leader that is stopped: nodes over tcp, which might be on other hosts, leave after a while."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
from tests.runtime.test_orphans import ended
from tests.runtime.worlds import private_folder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

LEADER = dedent("""
    import asyncio, sys
    from pathlib import Path
    sys.path.append(sys.argv[2])
    from passel import Runtime
    from tests.runtime.crew import Counter

    async def main():
        runtime = Runtime(run_directory=Path(sys.argv[1]), transport="tcp", leader_grace=1.0)
        async with runtime:
            await runtime.start_node("side")
            counter = await runtime.options(node="side").spawn(Counter)
            assert await counter.add(1) == 1  # so it knows that it has joined
            print(runtime.pid_of("side"), flush=True)
            await asyncio.Event().wait()

    asyncio.run(main())
""")


def start_leader(base: Path) -> subprocess.Popen[str]:
    """Start a program that leads a runtime over tcp; it prints its node's process id."""
    words = [sys.executable, "-c", LEADER, str(base), str(ROOT)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


async def test_a_node_over_tcp_leaves_when_its_leader_is_silent_for_too_long() -> None:
    with private_folder() as base, start_leader(base) as leader:
        assert leader.stdout is not None
        pid = int(leader.stdout.readline())
        leader.send_signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(8.0):
                await ended(pid)
        finally:
            leader.send_signal(signal.SIGKILL)
    await asyncio.get_running_loop().shutdown_default_executor()
