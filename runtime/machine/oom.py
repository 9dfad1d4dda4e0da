"""How many processes the kernel has killed because memory ran out.

A process that is killed so ends by SIGKILL like any other; only the kernel's counters tell more.
What is counted is said as it is: it need not have been this process.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_ROOT: Final = Path("/")


class OutOfMemoryKills:
    """The nearest counter of such kills: of this process's memory cgroup, else of the whole host.

    Children begin in the cgroup of their parent. Reads cgroup v2 (`memory.events`), cgroup v1
    (`memory.oom_control`) and `/proc/vmstat`, in this order.

    Args:
        root: Where `/proc` and `/sys` are; tests have their own.
    """

    def __init__(self, root: Path = _ROOT) -> None:
        self._file, self._where = _counter(root)
        self._before = self._count()

    def note(self) -> str:
        """Return what was counted since this was made, or an empty text."""
        before, now = self._before, self._count()
        if before is None or now is None or now <= before:
            return ""
        kills = now - before
        what = "1 process" if kills == 1 else f"{kills} processes"
        return f"while it ran, the kernel killed {what} {self._where} because memory had run out"

    def _count(self) -> int | None:
        return None if self._file is None else _count_in(self._file)


def _counter(root: Path) -> tuple[Path | None, str]:
    for file, cgroup in _cgroup_files(root):
        if _count_in(file) is not None:
            return file, f"of cgroup {cgroup}"
    host = root / "proc/vmstat"
    return (host, "of this host") if _count_in(host) is not None else (None, "")


def _cgroup_files(root: Path) -> list[tuple[Path, str]]:
    """Return the counters of this process's memory cgroup, the likeliest first.

    In a cgroup namespace the path in /proc may be one of the host's; the mount is then our own.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found: list[tuple[Path, str]] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            mount, name = root / "sys/fs/cgroup", "memory.events"
        elif "memory" in controllers.split(","):
            mount, name = root / "sys/fs/cgroup/memory", "memory.oom_control"
        else:
            continue
        found += [(mount / path.lstrip("/") / name, path), (mount / name, "/")]
    return found


def _count_in(file: Path) -> int | None:
    """Return the `oom_kill` line of a file of counters, or None when there is none."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        key, _, value = line.partition(" ")
        if key == "oom_kill":
            return int(value)
    return None
