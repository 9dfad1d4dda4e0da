"""A /dev/shm that is really full: a small one of its own, in a mount namespace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from textwrap import dedent
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.runtime.worlds import private_folder

pytestmark = pytest.mark.process

SIZE = 8 << 20
"""Bytes of the whole /dev/shm; each node would take four times as much."""

PROGRAM = dedent("""
    import asyncio, json, os, sys
    from pathlib import Path
    sys.path.append(sys.argv[2])
    import numpy as np
    from passel import Runtime
    from tests.runtime.memory.crew import Reader

    LENGTH = 1 << 17

    async def keep(reader, count):
        for number in range(count):
            await reader.keep(np.full(LENGTH, float(number)))

    async def main():
        full = len(sys.argv) > 3 and Path("/dev/shm/foreign").write_bytes(bytes(int(sys.argv[3])))
        base = Path(sys.argv[1])
        async with Runtime(run_directory=base, shared_memory=32 << 20) as runtime:
            await runtime.start_node("one")
            await runtime.start_node("two")
            readers = [await runtime.options(node=n).spawn(Reader) for n in ("one", "two")]
            memory = lambda: runtime._leader.node.memory.statistics
            found = {"full": bool(full)}
            await keep(readers[0], 12)
            found["first"] = (memory().bytes, memory().slots_used, memory().fallbacks)
            await readers[0].hand_on(LENGTH, 3, readers[1])
            found["sums"] = [await reader.sums() for reader in readers]
            others = {s.node: s.shared_memory for s in await runtime.statistics()}
            found["one"] = (others["one"].slots_used, others["one"].fallbacks)
            for reader in readers:
                await reader.drop()
            async with asyncio.timeout(20.0):
                while memory().slots_used:
                    await asyncio.sleep(0.01)
            before = memory().fallbacks
            found["again"] = [await readers[0].read(np.full(LENGTH, 1.0)) for _ in range(20)]
            found["fallbacks_again"] = memory().fallbacks - before
        found["left"] = [*map(str, base.iterdir()), *os.listdir("/dev/shm")]
        print(json.dumps(found))

    asyncio.run(main())
""")


def run_in_little_memory(*words: str) -> dict[str, Any]:
    """Run the program where /dev/shm is small; skip the test where that cannot be made."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a /dev/shm of its own: needs root and the command `unshare`")
    mount = f"mount -t tmpfs -o size={SIZE} passel /dev/shm"
    alone = ["unshare", "--mount", "sh", "-c"]
    tried = subprocess.run([*alone, mount], check=False, capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"a /dev/shm of its own: not allowed here: {tried.stderr.strip()}")
    with private_folder() as base:
        program = [sys.executable, "-c", PROGRAM, str(base), str(ROOT), *words]
        run = [*alone, f'{mount} && exec "$@"', "sh", *program]
        done = subprocess.run(run, check=False, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])  # the log goes before
    return found


def test_arrays_travel_as_frames_when_shared_memory_is_full_and_in_slots_when_it_is_not() -> None:
    found = run_in_little_memory()
    size, slots, fallbacks = found["first"]
    assert 4 << 20 <= size <= SIZE, "as much as there was"
    assert slots == size >> 20, "and all of it in use"
    assert slots + fallbacks == 12, "the rest went as frames, and each was counted"
    of_one, of_two = found["sums"]
    assert of_one == [float(number << 17) for number in range(12)]
    assert of_two == [float(1 << 17)] * 3
    assert found["one"] in ([0, 2], [0, 3]), (
        "nothing was left; the first may go before all is agreed"
    )
    assert found["again"] == [float(1 << 17)] * 20
    assert found["fallbacks_again"] == 0, "what is free again is used again"
    assert found["left"] == []


def test_a_runtime_starts_and_works_where_others_have_filled_the_shared_memory() -> None:
    found = run_in_little_memory(str(SIZE - (64 << 10)))
    assert found["full"]
    assert found["first"] == [0, 0, 12]
    assert found["sums"][0] == [float(number << 17) for number in range(12)]
    assert found["fallbacks_again"] == 20
    assert found["left"] == ["foreign"]
