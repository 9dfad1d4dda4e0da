"""Arrays between processes: they travel in slots, and every slot is free again in the end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import numpy as np
import pytest

from passel import DeadActorError, NodeDeadError, Runtime
from passel.protocols.errors import CodecError, SharedMemoryError
from passel.runtime.machine.local import MEMORY
from tests.conftest import ROOT
from tests.runtime.memory.crew import Reader
from tests.runtime.worlds import open_runtime, private_folder, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from passel import ActorRef
    from passel.protocols.control import MemoryStatistics

pytestmark = pytest.mark.process

LARGE = 50_000
"""Items of a float64 array that travels in a slot."""


def memory(runtime: Runtime) -> MemoryStatistics:
    """Return what the leader lends."""
    found = runtime._leader.node.memory
    assert found is not None
    return found.statistics


async def settled(runtime: Runtime) -> None:
    """Return once no slot of the leader is in use."""
    await until(lambda: memory(runtime).slots_used == 0)


async def opened(runtime: Runtime, node: str = "side") -> ActorRef[Reader]:
    """Start a node with a reader."""
    await runtime.start_node(node)
    return await runtime.options(node=node).spawn(Reader)


def segments(runtime: Runtime) -> list[str]:
    """Return the names of all segments of a runtime."""
    return sorted(path.name for path in (runtime.directory / MEMORY).iterdir())


@pytest.mark.parametrize("transport", ["ipc", "tcp"])
async def test_a_large_array_travels_in_a_slot_both_ways(transport: str) -> None:
    async with open_runtime(transport=transport, plain_tcp=transport == "tcp") as runtime:
        reader = await opened(runtime)
        assert await reader.read(np.ones(LARGE)) == LARGE
        assert not await reader.writable(np.ones(LARGE))
        given = await reader.give(2.0, LARGE)
        assert given.sum() == 2 * LARGE
        assert not given.flags.writeable
        assert segments(runtime) == ["leader.1.1", "side.1.1"]
        await settled(runtime)
        assert memory(runtime).fallbacks == 0


async def test_a_slot_is_in_use_for_as_long_as_its_array_is_kept() -> None:
    async with open_runtime() as runtime:
        reader = await opened(runtime)
        for number in range(5):
            await reader.keep(np.full(LARGE, float(number)))
        assert memory(runtime).slots_used == 5
        assert await reader.sums() == [float(LARGE * n) for n in range(5)]
        await reader.drop()
        await settled(runtime)


async def test_the_items_of_a_stream_travel_in_slots() -> None:
    async with open_runtime() as runtime:
        reader = await opened(runtime)
        sums = [float(item.sum()) async for item in reader.stream(20, LARGE)]
        assert sums == [float(LARGE * n) for n in range(20)]
        for node in await runtime.statistics():
            assert node.shared_memory.fallbacks == 0


async def test_beyond_the_limit_arrays_travel_as_frames() -> None:
    async with open_runtime(shared_memory=1 << 20) as runtime:
        reader = await opened(runtime)
        for number in range(4):
            await reader.keep(np.full(LARGE, float(number)))
        assert await reader.sums() == [float(LARGE * n) for n in range(4)]
        assert memory(runtime).slots_used == 2
        assert memory(runtime).fallbacks == 2


async def test_a_runtime_can_do_without_shared_memory() -> None:
    async with open_runtime(shared_memory=0) as runtime:
        reader = await opened(runtime)
        assert await reader.read(np.ones(LARGE)) == LARGE
        assert segments(runtime) == []


async def test_actors_of_one_node_use_slots_when_messages_are_isolated() -> None:
    async with open_runtime(isolate=True) as runtime:
        reader = await runtime.spawn(Reader)
        await reader.count([])  # now the node has said hello to itself
        await reader.keep(np.ones(LARGE))
        await reader.keep(np.ones(LARGE))
        assert memory(runtime).slots_used == 2
        await reader.drop()
        await settled(runtime)


async def test_a_shared_array_travels_any_number_of_times_without_a_copy() -> None:
    async with open_runtime() as runtime:
        one, two = await opened(runtime, "one"), await opened(runtime, "two")
        near = await runtime.spawn(Reader)
        shared = await runtime.share(np.arange(float(LARGE)))
        for reader in (one, two, near):
            for _ in range(3):
                await reader.keep(shared)
            assert await reader.read(shared[10:20]) == sum(range(10, 20))
        assert memory(runtime).slots_used == 1
        del shared
        await near.drop()
        await one.drop()
        os.kill(runtime.pid_of("two"), signal.SIGKILL)
        await settled(runtime)


async def test_an_actor_can_share_what_it_passes_on() -> None:
    async with open_runtime() as runtime:
        one, two = await opened(runtime, "one"), await opened(runtime, "two")
        await one.hand_out(LARGE, [two, two, two])
        assert await two.sums() == [float(LARGE)] * 3
        assert await used(runtime, "one") == 1


async def test_without_shared_memory_sharing_says_so() -> None:
    async with open_runtime(shared_memory=0) as runtime:
        with pytest.raises(SharedMemoryError, match="has no shared memory"):
            await runtime.share(np.ones(LARGE))


# Whatever becomes of a message, its slot is free in the end.


async def test_a_killed_reader_frees_what_it_kept() -> None:
    async with open_runtime() as runtime:
        reader = await opened(runtime)
        await reader.keep(np.ones(LARGE))
        os.kill(runtime.pid_of("side"), signal.SIGKILL)
        await settled(runtime)


async def test_a_node_that_leaves_in_order_frees_what_it_kept_everywhere() -> None:
    async with open_runtime() as runtime:
        one, two = await opened(runtime, "one"), await opened(runtime, "two")
        await one.read(np.ones(10))
        for _ in range(3):
            await one.pass_on(np.ones(LARGE), two)
        await runtime.stop_node("two")
        await settled(runtime)
        async with asyncio.timeout(5.0):
            while await used(runtime, "one"):
                pass


async def used(runtime: Runtime, node: str) -> int:
    """Return how many slots of a node are in use."""
    found = {entry.node: entry.shared_memory.slots_used for entry in await runtime.statistics()}
    return found[node]


async def test_the_arrays_of_a_killed_writer_stay_and_its_segments_go() -> None:
    async with open_runtime() as runtime:
        reader = await opened(runtime)
        given = await reader.give(3.0, LARGE)
        assert "side.1.1" in segments(runtime)
        os.kill(runtime.pid_of("side"), signal.SIGKILL)
        await until(lambda: "side.1.1" not in segments(runtime))
        assert (given == 3.0).all()


async def test_messages_to_an_actor_that_is_gone_free_their_slots() -> None:
    async with open_runtime() as runtime:
        reader = await opened(runtime)
        keeper = await runtime.options(node="side").spawn(Reader)
        await reader.read(np.ones(LARGE))
        await runtime.stop(keeper)
        for _ in range(3):
            with pytest.raises(DeadActorError):
                await keeper.read(np.ones(LARGE))
        await settled(runtime)


async def test_messages_that_do_not_fit_the_handler_free_their_slots() -> None:
    async with open_runtime() as runtime:
        reader = await opened(runtime)
        with pytest.raises(CodecError):
            await reader.count(np.ones(LARGE))  # type: ignore[arg-type]
        await reader.count.tell(np.ones(LARGE))  # type: ignore[arg-type]
        await settled(runtime)


async def test_asks_that_are_cancelled_free_their_slots() -> None:
    async with open_runtime() as runtime:
        reader = await opened(runtime)
        await reader.read(np.ones(LARGE))
        for _ in range(3):
            asking = asyncio.ensure_future(reader.read(np.ones(LARGE)))
            await asyncio.sleep(0)  # it is sent
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        giving = asyncio.ensure_future(reader.give(1.0, LARGE))
        await asyncio.sleep(0)
        giving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await giving
        await settled(runtime)
        async with asyncio.timeout(5.0):
            while await used(runtime, "side"):
                pass


async def test_an_ask_in_flight_to_a_dying_node_frees_its_slot() -> None:
    async with open_runtime() as runtime:
        reader = await opened(runtime)
        await reader.read(np.ones(LARGE))
        os.kill(runtime.pid_of("side"), signal.SIGSTOP)
        asking = [asyncio.ensure_future(reader.read(np.ones(LARGE))) for _ in range(5)]
        await until(lambda: memory(runtime).slots_used >= 5)
        os.kill(runtime.pid_of("side"), signal.SIGKILL)
        for ask in asking:
            with pytest.raises(NodeDeadError):
                await ask
        await settled(runtime)


async def test_a_stream_that_is_left_frees_its_slots() -> None:
    async with open_runtime() as runtime:
        reader = await opened(runtime)
        stream: AsyncIterator[np.ndarray] = reader.stream(100, LARGE)
        async for item in stream:
            assert item.shape == (LARGE,)
            break
        del item, stream
        async with asyncio.timeout(5.0):
            while await used(runtime, "side"):
                pass


# Nothing is left in /dev/shm.


async def test_nothing_is_left_when_the_runtime_ends() -> None:
    async with open_runtime() as runtime:
        reader = await opened(runtime)
        kept = await reader.give(1.0, LARGE)
        folder = (runtime.directory / MEMORY).readlink()
        assert folder.is_dir()
    assert not folder.exists()
    assert kept.sum() == LARGE


LEADER = dedent("""
    import asyncio, sys
    from pathlib import Path
    sys.path.append(sys.argv[2])
    import numpy as np
    from passel import Runtime
    from tests.runtime.memory.crew import Reader

    async def main():
        async with Runtime(name="lost", run_directory=Path(sys.argv[1])) as runtime:
            await runtime.start_node("one")
            reader = await runtime.options(node="one").spawn(Reader)
            await reader.keep(np.ones(100_000))
            memory = (runtime.directory / "memory").readlink()
            print(runtime.pid_of("one"), memory, flush=True)
            await asyncio.Event().wait()

    asyncio.run(main())
""")


def left_by_killing_all(base: Path) -> str:
    """Run a runtime, kill its leader and its node, and return the folder of its segments."""
    command = [sys.executable, "-c", LEADER, str(base), str(ROOT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as leader:
        assert leader.stdout is not None
        pid, folder = leader.stdout.readline().split()
        os.kill(int(pid), signal.SIGSTOP)  # it shall not see that its leader is gone
        leader.kill()
        os.kill(int(pid), signal.SIGKILL)
    return folder


async def test_what_was_left_when_all_were_killed_is_swept_by_the_next_start() -> None:
    with private_folder() as base, private_folder() as other:
        folder = await asyncio.to_thread(left_by_killing_all, base)
        assert sorted(os.listdir(folder)) == ["leader.1.1"]
        async with Runtime(run_directory=other):
            with pytest.raises(FileNotFoundError):
                os.listdir(folder)
