"""What the kernel counted of processes that it killed for lack of memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from passel.runtime.machine.oom import OutOfMemoryKills


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_kill_in_the_cgroup_is_told_and_an_older_one_is_not(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "1:cpu:/x\n0::/jobs/unit\n")
    events = tmp_path / "sys/fs/cgroup/jobs/unit/memory.events"
    write(events, "low 0\noom 5\noom_kill 3\noom_group_kill 0\n")
    kills = OutOfMemoryKills(tmp_path)
    assert kills.note() == ""
    write(events, "low 0\noom 9\noom_kill 4\noom_group_kill 0\n")
    assert kills.note() == (
        "while it ran, the kernel killed 1 process of cgroup /jobs/unit because memory had run out"
    )


def test_cgroups_of_the_first_version_are_read_too(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "4:memory:/job\n0::/\n")
    control = tmp_path / "sys/fs/cgroup/memory/job/memory.oom_control"
    write(control, "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n")
    kills = OutOfMemoryKills(tmp_path)
    write(control, "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    assert "killed 2 processes of cgroup /job" in kills.note()


def test_the_path_of_another_namespace_is_read_at_the_mount(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/../../elsewhere\n")
    events = tmp_path / "sys/fs/cgroup/memory.events"
    write(events, "oom_kill 0\n")
    kills = OutOfMemoryKills(tmp_path)
    write(events, "oom_kill 1\n")
    assert "of cgroup /" in kills.note()


def test_without_cgroups_the_whole_host_counts(tmp_path: Path) -> None:
    write(tmp_path / "proc/vmstat", "pgfault 7\noom_kill 1\n")
    kills = OutOfMemoryKills(tmp_path)
    write(tmp_path / "proc/vmstat", "pgfault 9\noom_kill 2\n")
    assert "killed 1 process of this host" in kills.note()


def test_where_nothing_is_counted_nothing_is_said(tmp_path: Path) -> None:
    assert OutOfMemoryKills(tmp_path).note() == ""


HUNGRY = """
import os, signal, sys
sys.path[:0] = sys.argv[2:]
from passel.runtime.machine.oom import OutOfMemoryKills
open(sys.argv[1], "w").write(str(os.getpid()))
kills = OutOfMemoryKills()
child = os.fork()
if child == 0:
    open("/proc/self/oom_score_adj", "w").write("1000")
    hoard = [bytearray(1 << 20) for _ in range(512)]
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
print(kills.note())
"""


@pytest.mark.process
def test_a_real_kill_for_lack_of_memory_is_seen() -> None:
    group = Path("/sys/fs/cgroup/memory") / f"passel-test-{uuid4().hex[:8]}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(64 << 20), encoding="utf-8")
    except OSError as error:
        pytest.skip(f"no memory cgroup may be made here: {error}")
    try:
        words = [sys.executable, "-c", HUNGRY, str(group / "cgroup.procs"), *sys.path]
        done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        assert f"killed 1 process of cgroup /{group.name}" in done.stdout
    finally:
        group.rmdir()
