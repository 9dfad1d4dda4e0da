"""Durable actors while processes are killed: acknowledged messages take effect exactly once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from passel import Runtime
from tests.runtime.crew_durable import EventLedger, Ledger

pytestmark = pytest.mark.process

ROOT = Path(__file__).parent.parent.parent.parent


class Kills:
    """Kills a node's process each time that so many further calls were answered."""

    def __init__(self, runtime: Runtime, node: str, seed: int, *, times: int) -> None:
        self._runtime, self._node = runtime, node
        self._random = random.Random(seed)
        self._left = times
        self._next = self._random.randint(3, 15)
        self.answered = 0

    def note(self) -> None:
        self.answered += 1
        if self._left and self.answered >= self._next:
            self._left -= 1
            self._next += self._random.randint(5, 20)
            os.kill(self._runtime.pid_of(self._node), signal.SIGKILL)


@pytest.mark.parametrize("seed", range(2))
async def test_a_counter_survives_kills_of_its_node_without_losing_or_doubling(
    tmp_path: Path, seed: int
) -> None:
    async with Runtime(state=tmp_path / "state", run_directory=tmp_path) as rt:
        await rt.start_node("side", max_restarts=10)
        ledger = await rt.options(name="ledger", node="side", durable=True, max_restarts=10).spawn(
            Ledger
        )
        kills = Kills(rt, "side", seed, times=2)

        async def call(caller: int) -> None:
            for number in range(15):
                amount = caller * 100 + number
                if number % 3 == 2:
                    await ledger.add.options(key=f"{amount}").tell(amount)
                else:
                    await ledger.add.options(key=f"{amount}")(amount)
                kills.note()

        async with asyncio.TaskGroup() as group:
            for caller in range(4):
                group.create_task(call(caller))
        entries = await ledger.entries()
        assert sorted(entries) == sorted(c * 100 + n for c in range(4) for n in range(15))


async def test_what_a_killed_actor_sent_arrives_exactly_once(tmp_path: Path) -> None:
    """Both ends are killed while tells are on their way from one to the other."""
    async with Runtime(state=tmp_path / "state", run_directory=tmp_path) as rt:
        for node in ("from", "to"):
            await rt.start_node(node, max_restarts=10)
        options: dict[str, Any] = {"durable": True, "max_restarts": 10}
        source = await rt.options(name="source", node="from", **options).spawn(Ledger)
        target = await rt.options(name="target", node="to", **options).spawn(Ledger)
        kills = [Kills(rt, node, 7, times=1) for node in ("from", "to")]

        async def call(amount: int) -> None:
            await source.pass_on.options(key=f"{amount}")(amount, target)
            for kill in kills:
                kill.note()

        for first in range(1, 25, 4):
            async with asyncio.TaskGroup() as group:
                for amount in range(first, first + 4):
                    group.create_task(call(amount))
        assert sorted(await target.when(24)) == list(range(1, 25))
        assert sorted(-amount for amount in await source.entries()) == list(range(1, 25))


SCRIPT = """
import asyncio, sys
from pathlib import Path
from passel import Runtime
from tests.runtime.crew_durable import EventLedger

async def main(place: str) -> None:
    async with Runtime(state=Path(place, "state"), run_directory=Path(place), resume=True) as rt:
        await rt.start_node("side")
        ledger = await rt.options(name="ledger", node="side", durable=True).spawn(EventLedger)
        for amount in range(1, 1_000_000):
            await ledger.add.options(key=str(amount))(1)
            print(amount, flush=True)

asyncio.run(main(sys.argv[1]))
"""


async def acknowledged(place: Path, count: int) -> int:
    """Run the script until it has printed `count` numbers, kill it; return the last number."""
    path = os.pathsep.join([str(ROOT), *sys.path])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SCRIPT,
        str(place),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        process_group=0,
    )
    assert process.stdout is not None
    last = 0
    for _ in range(count):
        last = int(await process.stdout.readline())
    os.killpg(process.pid, signal.SIGKILL)
    rest = await process.stdout.read()
    await process.wait()
    return int(rest.split()[-1]) if rest.split() else last


async def test_a_runtime_that_was_killed_is_resumed_with_all_it_acknowledged(
    tmp_path: Path,
) -> None:
    """The leader dies of SIGKILL; its node notices and leaves; a new runtime goes on."""
    last = await acknowledged(tmp_path, 20)
    async with Runtime(state=tmp_path / "state", run_directory=tmp_path, resume=True) as rt:
        ledger = await rt.options(name="ledger", durable=True).spawn(EventLedger)
        total = await ledger.add(0)
        assert last <= total <= last + 1, "the last call may have been made and not heard of"
