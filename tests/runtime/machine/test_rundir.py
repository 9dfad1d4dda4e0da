from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from passel import Runtime, SpawnError
from passel.protocols.errors import InsecurePathError
from passel.runtime.machine.rundir import (
    LOCK,
    RunDirectory,
    RuntimeFacts,
    base_directory,
    make_base,
    running,
    sweep,
)

if TYPE_CHECKING:
    from pathlib import Path


def facts(name: str, started: float = 1.0) -> RuntimeFacts:
    """Return what a runtime says of itself."""
    return RuntimeFacts(name=name, pid=os.getpid(), endpoint="ipc://x", cookie="c", started=started)


def mode(path: Path) -> int:
    """Return who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_run_directory_is_for_its_user_alone_and_gone_when_closed(tmp_path: Path) -> None:
    base = tmp_path / "base"
    directory = RunDirectory("demo", base=base)
    directory.publish(facts("demo"))
    assert mode(base) == mode(directory.path) == 0o700
    assert {mode(file) for file in directory.path.iterdir()} == {0o600}
    assert directory.path.name == f"demo-{os.getpid()}"
    directory.close()
    assert not list(base.iterdir())


def test_two_runtimes_of_one_process_have_folders_of_their_own(tmp_path: Path) -> None:
    one, two = RunDirectory("demo", base=tmp_path), RunDirectory("demo", base=tmp_path)
    assert one.path != two.path
    one.publish(facts("demo", 2.0))
    two.publish(facts("demo", 1.0))
    assert [path for path, _ in running(tmp_path)] == [two.path, one.path]
    one.close()
    two.close()
    assert not running(tmp_path)


def test_what_a_killed_runtime_left_is_swept_and_what_lives_is_not(tmp_path: Path) -> None:
    dead = tmp_path / "dead-1"
    dead.mkdir()
    (dead / LOCK).touch()
    (dead / "side.1.log").write_text("last words")
    other = tmp_path / "something else"
    other.mkdir()
    living = RunDirectory("living", base=tmp_path)
    assert not dead.exists()
    assert other.exists()
    assert sweep(tmp_path) == []
    living.close()


def test_a_folder_is_not_swept_before_its_lock_is_held(tmp_path: Path) -> None:
    """The lock gets its name when it is held: nobody sees it free in between."""
    seen: list[Path] = []
    flock = RunDirectory._take_lock

    class Slow(RunDirectory):
        def _take_lock(self) -> int:
            seen.extend(sweep(tmp_path))
            held = flock(self)
            seen.extend(sweep(tmp_path))
            return held

    directory = Slow("demo", base=tmp_path)
    assert seen == []
    assert (directory.path / LOCK).exists()
    directory.close()


def test_a_folder_that_others_may_look_into_is_left_as_it_is(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    base.chmod(0o755)
    directory = RunDirectory("demo", base=base)
    assert mode(base) == 0o755
    assert mode(directory.path) == 0o700
    directory.close()


@pytest.mark.parametrize("bits", [0o770, 0o707, 0o720, 0o1777])
def test_a_folder_that_others_may_write_in_is_refused(tmp_path: Path, bits: int) -> None:
    base = tmp_path / "base"
    base.mkdir()
    base.chmod(bits)
    with pytest.raises(InsecurePathError, match=f"say `chmod go-w {base}`"):
        RunDirectory("demo", base=base)
    with pytest.raises(InsecurePathError):
        running(base)
    assert mode(base) == bits, "it is not ours to change"


def test_a_folder_that_anybody_may_replace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(InsecurePathError, match="put another folder in its place"):
        make_base(tmp_path / "open" / "base")
    (tmp_path / "open").chmod(0o1777)
    make_base(tmp_path / "open" / "base")


def test_a_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(InsecurePathError, match="belongs to another user; set PASSEL_RUN_DIR"):
        make_base(tmp_path)


def test_no_umask_takes_the_folder_from_its_user(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        directory = RunDirectory("demo", base=tmp_path)
        assert mode(directory.path) == 0o700
        directory.close()
    finally:
        os.umask(before)


def test_a_folder_that_somebody_else_laid_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SpawnError, match="symbolic link"):
        make_base(link)
    (tmp_path / "file").touch()
    with pytest.raises(SpawnError, match="file"):
        make_base(tmp_path / "file")


def test_the_environment_chooses_where_run_directories_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PASSEL_RUN_DIR", str(tmp_path / "mine"))
    assert base_directory() == tmp_path / "mine"
    monkeypatch.delenv("PASSEL_RUN_DIR")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert base_directory() == tmp_path / "passel"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "not there"))
    assert base_directory().name == f"passel-{os.getuid()}"


async def test_a_path_too_long_for_a_socket_says_so(tmp_path: Path) -> None:
    base = tmp_path / ("long" * 30)
    with pytest.raises(SpawnError, match="a Unix socket takes 107; choose a shorter"):
        async with Runtime(run_directory=base):
            pass
    assert not os.listdir(base)


@pytest.mark.parametrize("name", ["a/b", "", ".", "..", "a\x00b", "n" * 300])
async def test_a_name_that_makes_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpawnError):
        async with Runtime(name=name, run_directory=tmp_path):
            pass
    assert not os.listdir(tmp_path)
