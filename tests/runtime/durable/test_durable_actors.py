"""Durable actors through the public face, in one process."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from passel import Runtime
from passel.protocols.errors import (
    CorruptJournalError,
    JournalError,
    RemoteError,
    SpawnError,
    StateExistsError,
    StateLockedError,
)
from tests.runtime.crew_durable import EventLedger, Forgetful, Ledger, RefusedError, Relay
from tests.runtime.full_disk import files_no_larger_than

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import Any


@pytest.fixture(params=[False, True], ids=["direct", "isolated"])
def isolate(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@asynccontextmanager
async def runtime_in(path: Path, **options: Any) -> AsyncIterator[Runtime]:
    async with Runtime(
        state=str(path / "state"), run_directory=str(path / "run"), **options
    ) as runtime:
        yield runtime


async def test_a_durable_actor_goes_on_where_the_former_run_ended(
    tmp_path: Path, isolate: bool
) -> None:
    async with runtime_in(tmp_path, isolate=isolate) as rt:
        ledger = await rt.options(name="ledger", durable=True).spawn(Ledger)
        assert await ledger.add(3) == 3
        await ledger.add.tell(4)
    async with runtime_in(tmp_path, isolate=isolate, resume=True) as rt:
        ledger = await rt.options(name="ledger", durable=True).spawn(Ledger)
        assert await ledger.entries() == [3, 4]


async def test_a_handler_that_raises_leaves_no_trace_in_the_state(
    tmp_path: Path, isolate: bool
) -> None:
    """A message takes effect wholly or not at all; else half of one would be saved by the next."""
    async with runtime_in(tmp_path, isolate=isolate) as rt:
        ledger = await rt.options(name="ledger", durable=True).spawn(Ledger)
        await ledger.add(3)
        with pytest.raises(RefusedError):
            await ledger.add(-1)
        assert await ledger.entries() == [3]
        await ledger.add.tell(-1)
        assert await ledger.entries() == [3]


async def test_tells_of_a_handler_leave_when_it_is_written_and_not_if_it_raises(
    tmp_path: Path, isolate: bool
) -> None:
    async with runtime_in(tmp_path, isolate=isolate) as rt:
        one = await rt.options(name="one", durable=True).spawn(Ledger)
        two = await rt.options(name="two", durable=True).spawn(Ledger)
        with pytest.raises(Exception, match="too much"):
            await one.pass_on(101, two)
        await one.pass_on(5, two)
        await rt.stop(one, drain=True)
        while not (entries := await two.entries()):
            pass
        assert entries == [5]


async def test_events_are_kept_between_snapshots(tmp_path: Path, isolate: bool) -> None:
    options: Any = {"name": "ledger", "durable": True, "snapshot_every": 4}
    async with runtime_in(tmp_path, isolate=isolate) as rt:
        ledger = await rt.options(**options).spawn(EventLedger)
        for amount in range(1, 7):
            await ledger.add(amount)
        with pytest.raises(RefusedError):
            await ledger.add(-1)
        assert await ledger.add(7) == 28
        assert await ledger.taken() == 2
    async with runtime_in(tmp_path, isolate=isolate, resume=True) as rt:
        ledger = await rt.options(**options).spawn(EventLedger)
        assert await ledger.add(0) == 28


async def test_a_full_disk_fails_those_who_call_and_the_actor_goes_on_when_there_is_space(
    tmp_path: Path, isolate: bool
) -> None:
    async with runtime_in(tmp_path, isolate=isolate) as rt:
        ledger = await rt.options(name="ledger", durable=True).spawn(Ledger)
        await ledger.add(1)
        with files_no_larger_than(300_000):
            with pytest.raises(JournalError, match=r"ledger\.db: .*; look at the space"):
                await ledger.fill(100_000)
            with pytest.raises(JournalError):
                await ledger.add.options(key="k").tell(2)
        while True:
            try:
                await ledger.add(3)
                break
            except JournalError:
                await asyncio.sleep(0)
        assert await ledger.entries() == [1, 3]
    async with runtime_in(tmp_path, isolate=isolate, resume=True) as rt:
        ledger = await rt.options(name="ledger", durable=True).spawn(Ledger)
        assert await ledger.entries() == [1, 3]


async def test_a_damaged_journal_fails_the_spawn_and_nothing_else(tmp_path: Path) -> None:
    async with runtime_in(tmp_path) as rt:
        for name in ("one", "two"):
            ledger = await rt.options(name=name, durable=True).spawn(Ledger)
            await ledger.add(1)
    file = tmp_path / "state" / "journals" / "one.db"
    file.write_bytes(b"hello" * 1000)
    async with runtime_in(tmp_path, resume=True) as rt:
        with pytest.raises(CorruptJournalError, match=r"restore .* from a backup"):
            await rt.options(name="one", durable=True).spawn(Ledger)
        two = await rt.options(name="two", durable=True).spawn(Ledger)
        assert await two.entries() == [1]


async def test_a_key_is_answered_again_in_the_next_run(tmp_path: Path, isolate: bool) -> None:
    for run in range(2):
        async with runtime_in(tmp_path, isolate=isolate, resume=bool(run)) as rt:
            ledger = await rt.options(name="ledger", durable=True).spawn(Ledger)
            relay = await rt.options(name="relay", durable=True).spawn(Relay)
            with pytest.raises(RemoteError):
                await relay.ask_and_fail.options(key="k")(5, ledger)
            assert await ledger.entries() == [5]


async def test_an_actor_without_name_or_snapshot_cannot_be_durable(tmp_path: Path) -> None:
    async with runtime_in(tmp_path) as rt:
        with pytest.raises(SpawnError, match="give it one"):
            await rt.options(durable=True).spawn(Ledger)
        with pytest.raises(SpawnError, match=r"no snapshot\(\); it needs"):
            await rt.options(name="f", durable=True).spawn(Forgetful)


async def test_state_of_an_earlier_run_is_an_error_that_names_both_ways_out(tmp_path: Path) -> None:
    async with runtime_in(tmp_path) as rt:
        await rt.options(name="ledger", durable=True).spawn(Ledger)
    with pytest.raises(StateExistsError, match=r"--resume .* --discard-state"):
        async with runtime_in(tmp_path):
            pass
    async with runtime_in(tmp_path, discard_state=True) as rt:
        ledger = await rt.options(name="ledger", durable=True).spawn(Ledger)
        assert await ledger.entries() == []


async def test_two_runtimes_do_not_share_a_state_directory(tmp_path: Path) -> None:
    async with runtime_in(tmp_path):
        with pytest.raises(StateLockedError, match="another runtime"):
            async with runtime_in(tmp_path):
                pass
