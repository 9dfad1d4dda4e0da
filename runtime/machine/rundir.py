"""The private run directory of a runtime: sockets, logs and the facts others find it by.

`$XDG_RUNTIME_DIR/passel/` (or `/tmp/passel-UID/`) holds one folder per running runtime, named
`NAME-PID`. A locked file in it says that its leader lives; a folder without that lock is the
remains of a runtime that was killed, and is swept by the next one that starts.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from ...protocols.confidential import Confidential
from ...protocols.errors import InsecurePathError, SpawnError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK: Final = "lock"
FACTS: Final = "runtime.json"


class RuntimeFacts(Confidential, msgspec.Struct, frozen=True, kw_only=True):
    """What a run directory says of its runtime.

    Attributes:
        name: Its name.
        pid: The leader's process.
        endpoint: Where the leader is reached.
        cookie: The secret that a guest must know; the folder is private to its user.
        started: Unix time of its start, in seconds.
        topology: Path of its topology file, or empty.
        guest_key: Private key of its guests in hexadecimal digits, or empty.
    """

    secrets = frozenset({"cookie", "guest_key"})

    name: str
    pid: int
    endpoint: str
    cookie: str
    started: float
    topology: str = ""
    guest_key: str = ""


class RunDirectory:
    """The folder of one running runtime; its leader holds the lock for as long as it lives."""

    def __init__(self, name: str, *, base: Path | None = None) -> None:
        self._base = base or base_directory()
        make_base(self._base)
        sweep(self._base)
        self.path = self._create(name)
        self._lock = self._take_lock()

    def _create(self, name: str) -> Path:
        if not name or name.startswith(".") or "/" in name or "\x00" in name:
            raise SpawnError(
                f"runtime {name!r}", "its name becomes a folder's: no '/', no '.' first"
            )
        path = self._base / f"{name}-{os.getpid()}"
        try:
            path.mkdir(mode=0o700)
            path.chmod(0o700)  # whatever the umask took away
        except FileExistsError:
            path = Path(tempfile.mkdtemp(prefix=f"{name}-{os.getpid()}-", dir=self._base))
        except OSError as error:
            raise SpawnError(f"run directory {path}", str(error)) from None
        return path

    def _take_lock(self) -> int:
        """Return the descriptor of the held lock; it gets its name when it is held.

        Whoever sweeps would else take a folder for a dead runtime's between the two steps.
        """
        draft = self.path / f"{LOCK}.new"
        descriptor = os.open(draft, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        draft.rename(self.path / LOCK)
        return descriptor

    def publish(self, facts: RuntimeFacts) -> None:
        """Write down what others need to find the runtime."""
        draft = self.path / f"{FACTS}.new"
        descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(facts))
        draft.rename(self.path / FACTS)

    def log_of(self, node: str, life: int) -> Path:
        """Return the file that a node's standard output and error go to."""
        return self.path / f"{node}.{life}.log"

    def remove(self) -> None:
        """Remove the folder with everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def close(self) -> None:
        """Remove the folder and give the lock back."""
        self.remove()
        os.close(self._lock)


def base_directory() -> Path:
    """Return the folder that holds all run directories of this user."""
    chosen = os.environ.get("PASSEL_RUN_DIR")
    if chosen:
        return Path(chosen)
    session = os.environ.get("XDG_RUNTIME_DIR")
    if session and os.access(session, os.W_OK):
        return Path(session) / "passel"
    return Path(tempfile.gettempdir()) / f"passel-{os.getuid()}"


def make_base(path: Path) -> None:
    """Create the folder that run directories go to, for its user alone; one that is there may stay.

    Raises:
        SpawnError: It cannot be made.
        InsecurePathError: Somebody else could tamper with what is in it.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SpawnError(f"run directory {path}", f"{error}; set PASSEL_RUN_DIR") from None
    check_base(path)


def check_base(path: Path) -> None:
    """Make sure that nobody but its user can put anything into a folder, or put another in its place.

    That others may look into it does no harm: what is secret lies in folders of mode 0700 within.

    Raises:
        InsecurePathError: Somebody else could.
    """
    facts = path.lstat()
    if stat.S_ISLNK(facts.st_mode):
        raise InsecurePathError(path, "it is a symbolic link; set PASSEL_RUN_DIR to where it leads")
    if facts.st_uid != os.getuid():
        raise InsecurePathError(
            path, "it belongs to another user; set PASSEL_RUN_DIR to a folder of yours"
        )
    if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise InsecurePathError(
            path, f"others may write in it; say `chmod go-w {path}`, or set PASSEL_RUN_DIR"
        )
    above = path.parent.stat()
    if above.st_mode & stat.S_IWOTH and not above.st_mode & stat.S_ISVTX:
        reason = (
            f"anybody may put another folder in its place, since {path.parent} is for all to write"
        )
        raise InsecurePathError(path, f"{reason}; set PASSEL_RUN_DIR")


def running(base: Path | None = None) -> list[tuple[Path, RuntimeFacts]]:
    """Return the run directories whose runtimes live, oldest first.

    Raises:
        InsecurePathError: Somebody else could have laid them there.
    """
    base = base or base_directory()
    if base.is_dir():
        check_base(base)
    found = [
        (path, facts)
        for path in _folders(base)
        if _locked(path) and (facts := _facts(path)) is not None
    ]
    return sorted(found, key=lambda entry: entry[1].started)


def sweep(base: Path) -> list[Path]:
    """Remove what killed runtimes left behind; return the folders that were removed."""
    swept = [path for path in _folders(base) if (path / LOCK).exists() and not _locked(path)]
    for path in swept:
        shutil.rmtree(path, ignore_errors=True)
    return swept


def _folders(base: Path) -> Iterator[Path]:
    if base.is_dir():
        yield from (path for path in sorted(base.iterdir()) if path.is_dir())


def _locked(path: Path) -> bool:
    """Return whether some process holds the folder's lock."""
    try:
        descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _facts(path: Path) -> RuntimeFacts | None:
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((path / FACTS).read_bytes(), type=RuntimeFacts)
    return None
