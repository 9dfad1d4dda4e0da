"""Segments as files: reserved, private, read-only for readers, swept when their runtime is dead."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from passel.protocols.errors import ProtocolError
from passel.runtime.memory.segments import SegmentFolder, SharedFolder, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE = 64 << 10


@contextmanager
def shared(base: Path) -> Iterator[SharedFolder]:
    """Make a runtime's folder below `base`."""
    folder = SharedFolder("test-1", base=base)
    try:
        yield folder
    finally:
        folder.close()


def test_a_reader_sees_what_the_writer_wrote_and_cannot_write(tmp_path: Path) -> None:
    with shared(tmp_path) as folder:
        store = SegmentFolder(folder.path)
        written, read = store.create("a.1", 1, SIZE), store.attach("a.1", 1)
        written[:5] = b"hello"
        assert bytes(read[:5]) == b"hello"
        assert read.readonly
        assert read.nbytes == SIZE


def test_segments_and_their_folder_are_private(tmp_path: Path) -> None:
    with shared(tmp_path) as folder:
        store = SegmentFolder(folder.path)
        store.create("a.1", 1, SIZE)
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
        assert [stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir()] == [0o600]


def test_who_has_a_segment_attached_keeps_its_memory(tmp_path: Path) -> None:
    with shared(tmp_path) as folder:
        store = SegmentFolder(folder.path)
        store.create("a.1", 1, SIZE)[:5] = b"hello"
        read = store.attach("a.1", 1)
        store.sweep("a.1")
        assert list(folder.path.iterdir()) == []
        assert bytes(read[:5]) == b"hello"


def test_a_sweep_takes_the_segments_of_one_writer_alone(tmp_path: Path) -> None:
    with shared(tmp_path) as folder:
        store = SegmentFolder(folder.path)
        for writer in ("a.1", "a.12", "a.1.1", "b.1"):
            store.create(writer, 1, SIZE)
        store.sweep("a.1")
        left = {path.name for path in folder.path.iterdir()}
        assert left == {"a.12.1", "a.1.1.1", "b.1.1"}


@pytest.mark.parametrize("writer", ["", ".", "..", "../a.1", "a/b.1", "a\x00.1"])
def test_a_writers_name_leads_nowhere_else(tmp_path: Path, writer: str) -> None:
    with shared(tmp_path) as folder, pytest.raises(ProtocolError):
        SegmentFolder(folder.path).attach(writer, 1)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(SIZE))
    with shared(tmp_path) as folder:
        (folder.path / "a.1.1").symlink_to(secret)
        with pytest.raises(ProtocolError, match=r"a\.1\.1 cannot be read"):
            SegmentFolder(folder.path).attach("a.1", 1)


def test_a_segment_that_is_not_there_or_empty_is_an_error(tmp_path: Path) -> None:
    with shared(tmp_path) as folder:
        store = SegmentFolder(folder.path)
        with pytest.raises(ProtocolError):
            store.attach("a.1", 1)
        (folder.path / "a.1.2").touch()
        with pytest.raises(ProtocolError):
            store.attach("a.1", 2)


def test_two_nodes_of_one_folder_have_one_key_and_others_another(tmp_path: Path) -> None:
    with shared(tmp_path) as one, shared(tmp_path) as two:
        assert SegmentFolder(one.path).key == SegmentFolder(one.path).key
        assert SegmentFolder(one.path).key != SegmentFolder(two.path).key


def test_a_sweep_removes_what_nobody_holds_the_lock_of(tmp_path: Path) -> None:
    uid = os.getuid()
    dead = tmp_path / f"passel-{uid}-dead-1-x"
    dead.mkdir()
    (dead / "a.1.1").write_bytes(b"x")
    (tmp_path / f"passel-{uid + 1}-other").mkdir()
    (tmp_path / f".passel-{uid}-begun-1-x").mkdir()
    old = tmp_path / f".passel-{uid}-forgotten-1-x"
    old.mkdir()
    os.utime(old, (0, 0))
    with shared(tmp_path) as folder:
        assert not dead.exists()
        assert not old.exists()
        assert sweep(tmp_path) == []
        left = {path.name for path in tmp_path.iterdir()}
        assert left == {folder.path.name, f"passel-{uid + 1}-other", f".passel-{uid}-begun-1-x"}
    assert not folder.path.exists()
