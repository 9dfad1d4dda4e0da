"""The store on a disk: order, groups, fencing, and what it does when the disk fails it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from passel.protocols.errors import CorruptJournalError, JournalError, StaleEpochError
from passel.runtime.durable.sqlite import SQLiteStore
from passel.runtime.durable.store import Change, Record, RecordId
from tests.runtime.full_disk import files_no_larger_than

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@asynccontextmanager
async def store_in(path: Path) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(path)
    try:
        yield store
    finally:
        await store.aclose()


def put(key: str, value: bytes = b"", kind: str = "inbox") -> Change:
    return Change(put=(Record(RecordId(kind, key), value),))


def drop(key: str, kind: str = "inbox") -> Change:
    return Change(drop=(RecordId(kind, key),))


async def contents(path: Path, epoch: int = 9) -> dict[str, bytes]:
    async with store_in(path) as store:
        return {r.id.key: r.value for r in (await store.open("ledger", epoch)).records}


def transactions(path: Path) -> int:
    with sqlite3.connect(path / "ledger.db") as database:
        (count,) = database.execute("SELECT value FROM facts WHERE name = 'commits'").fetchone()
    database.close()
    return int(count)


def names(path: Path) -> set[str]:
    return {file.name for file in path.iterdir()}


def modes(path: Path) -> set[int]:
    return {file.stat().st_mode & 0o777 for file in path.iterdir()}


def image(source: Path, to: Path) -> Path:
    """Copy the files of an open journal, as a killed process would leave them."""
    shutil.copytree(source, to, ignore=shutil.ignore_patterns("*-shm"))
    return to


async def test_what_was_committed_is_there_when_the_journal_is_opened_again(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        journal = await store.open("ledger", 1)
        assert journal.records == []
        await journal.commit(put("b", b"2"))
        await journal.commit(put("a", b"1"))
        await journal.commit(put("b", b"3"))
        await journal.commit(put("c"))
        await journal.commit(drop("c"))
    assert await contents(tmp_path) == {"a": b"1", "b": b"3"}


async def test_changes_that_wait_together_share_one_transaction(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        journal = await store.open("ledger", 1)
        before = transactions(tmp_path)
        first = journal.commit(put("first"))
        await asyncio.gather(first, *(journal.commit(put(str(n))) for n in range(99)))
        assert transactions(tmp_path) == before + 1


def _note(done: list[int], number: int, _: object) -> None:
    done.append(number)


async def test_changes_take_effect_in_the_order_of_the_calls(tmp_path: Path) -> None:
    done: list[int] = []
    async with store_in(tmp_path) as store:
        journal = await store.open("ledger", 1)
        for number in range(20):
            future = journal.commit(put("state", b"%d" % number))
            future.add_done_callback(partial(_note, done, number))
            if number % 3 == 0:
                await asyncio.sleep(0)
        await future
    assert done == list(range(20))
    assert await contents(tmp_path) == {"state": b"19"}


async def test_closing_finishes_what_was_handed_in(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        future = (await store.open("ledger", 1)).commit(put("a"))
    assert future.done()
    assert await contents(tmp_path) == {"a": b""}


async def test_a_closed_journal_refuses_changes(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        journal = await store.open("ledger", 1)
    with pytest.raises(JournalError, match="closed"):
        await journal.commit(put("a"))


async def test_an_older_incarnation_is_refused_once_a_later_one_has_opened(tmp_path: Path) -> None:
    """Two stores stand for two nodes of one host."""
    async with store_in(tmp_path) as old_node, store_in(tmp_path) as new_node:
        old = await old_node.open("ledger", 1)
        await old.commit(put("a", b"old"))
        new = await new_node.open("ledger", 2)
        assert [r.value for r in new.records] == [b"old"]
        with pytest.raises(StaleEpochError, match="incarnation 1 was refused, 2 has taken over"):
            await old.commit(put("a", b"ghost"))
        await new.commit(put("a", b"new"))
        with pytest.raises(StaleEpochError):
            await old_node.open("ledger", 1)
    assert await contents(tmp_path) == {"a": b"new"}


async def test_the_same_incarnation_may_open_its_journal_again(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        first = await store.open("ledger", 1)
        await first.commit(put("a"))
        second = await store.open("ledger", 1)
        assert [r.id.key for r in second.records] == ["a"]
        await second.commit(put("b"))


async def test_each_actor_has_a_file_of_its_own(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        await (await store.open("ledger", 1)).commit(put("a"))
        other = await store.open("stöck:1%", 1)
        assert other.records == []
    assert {"ledger.db", "st%C3%B6ck%3A1%25.db"} < names(tmp_path)


async def test_files_are_private_to_the_user(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        await (await store.open("ledger", 1)).commit(put("a"))
        assert modes(tmp_path) == {0o600}


# A disk that fails.


async def test_a_full_disk_loses_nothing_acknowledged_and_says_what_mends_it(
    tmp_path: Path,
) -> None:
    async with store_in(tmp_path) as store:
        journal = await store.open("ledger", 1)
        await journal.commit(put("a", b"kept"))
        with files_no_larger_than(200_000):
            big = journal.commit(put("b", bytes(400_000)))
            later = journal.commit(put("c"))
            with pytest.raises(JournalError, match=r"ledger\.db: .*; look at the space"):
                await big
            with pytest.raises(JournalError):
                await later
            with pytest.raises(JournalError):  # none may build on what is not there
                await journal.commit(put("d"))
        journal = await store.open("ledger", 1)
        assert [r.id.key for r in journal.records] == ["a"]
        await journal.commit(put("e"))
    assert set(await contents(tmp_path)) == {"a", "e"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_read_only_directory_is_named_with_what_mends_it(tmp_path: Path) -> None:
    place = tmp_path / "state"
    place.mkdir(mode=0o500)
    async with store_in(place) as store:
        with pytest.raises(JournalError, match=r"state/ledger\.db: .*; look at the permissions"):
            await store.open("ledger", 1)


async def test_a_directory_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    async with store_in(tmp_path / "state") as store:
        with pytest.raises(JournalError, match=r"state/ledger\.db: .*; look at the permissions"):
            await store.open("ledger", 1)


async def _crash_image(tmp_path: Path) -> Path:
    async with store_in(tmp_path / "run") as store:
        (tmp_path / "run").mkdir()
        journal = await store.open("ledger", 1)
        for number in range(20):
            await journal.commit(put(f"{number:02}", bytes([number + 1]) * 500))
        return image(tmp_path / "run", tmp_path / "crashed")


async def test_a_killed_process_leaves_what_it_acknowledged(tmp_path: Path) -> None:
    crashed = await _crash_image(tmp_path)
    assert (crashed / "ledger.db-wal").stat().st_size > 0
    assert len(await contents(crashed)) == 20


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
async def test_a_flipped_byte_in_the_log_is_found_and_the_files_are_left(
    tmp_path: Path, share: float
) -> None:
    """SQLite alone takes the log for one that ends there, and forgets what stood behind."""
    crashed = await _crash_image(tmp_path)
    log = crashed / "ledger.db-wal"
    damaged = bytearray(log.read_bytes())
    damaged[int(len(damaged) * share)] ^= 0xFF
    log.write_bytes(damaged)
    with pytest.raises(CorruptJournalError, match=r"commits are missing.*|it is empty"):
        await contents(crashed)
    assert log.read_bytes() == damaged


async def test_a_log_cut_short_is_found(tmp_path: Path) -> None:
    crashed = await _crash_image(tmp_path)
    log = crashed / "ledger.db-wal"
    log.write_bytes(log.read_bytes()[: log.stat().st_size * 2 // 3])
    with pytest.raises(CorruptJournalError, match="acknowledged commits are missing"):
        await contents(crashed)


async def test_a_log_that_is_gone_is_found(tmp_path: Path) -> None:
    crashed = await _crash_image(tmp_path)
    (crashed / "ledger.db-wal").unlink()
    with pytest.raises(CorruptJournalError, match=r"restore .*ledger.* from a backup"):
        await contents(crashed)


async def test_a_database_that_is_gone_is_found(tmp_path: Path) -> None:
    await _crash_image(tmp_path)
    (tmp_path / "run" / "ledger.db").unlink()
    with pytest.raises(CorruptJournalError, match="only its count of commits is left"):
        await contents(tmp_path / "run")


async def test_a_flipped_byte_of_any_record_is_found(tmp_path: Path) -> None:
    await _crash_image(tmp_path)
    file = tmp_path / "run" / "ledger.db"
    intact = file.read_bytes()
    for number in (0, 7, 19):
        place = intact.index(bytes([number + 1]) * 500)
        file.write_bytes(intact[: place + 100] + b"\xff" + intact[place + 101 :])
        with pytest.raises(CorruptJournalError, match=f"record inbox/{number:02} is wrong"):
            await contents(tmp_path / "run")


async def test_a_database_cut_short_or_overwritten_is_found(tmp_path: Path) -> None:
    await _crash_image(tmp_path)
    file = tmp_path / "run" / "ledger.db"
    intact = file.read_bytes()
    for damaged in (intact[: len(intact) // 2], bytes(len(intact)), b"", b"hello" * 1000):
        file.write_bytes(damaged)
        with pytest.raises(CorruptJournalError):
            await contents(tmp_path / "run")


async def test_a_torn_count_is_no_reason_to_refuse(tmp_path: Path) -> None:
    crashed = await _crash_image(tmp_path)
    (crashed / "ledger.commits").write_bytes(b"0000000000")
    assert len(await contents(crashed)) == 20


async def test_a_first_opening_that_was_cut_short_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").touch()
    assert await contents(tmp_path) == {}
