"""Segments of shared memory: the seam, and the files in /dev/shm behind it."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from ...protocols.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # the system's, entered through private folders
"""Where the system keeps files that are memory."""

_DRAFT_SECONDS: Final = 60.0
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class SegmentStore(Protocol):
    """What a node's shared memory is made of; segments are known by writer and serial number."""

    @property
    def key(self) -> str:
        """Equal for two nodes exactly if each can read the other's segments."""
        ...

    @property
    def capacity(self) -> int:
        """Bytes that there are for everybody together."""
        ...

    def create(self, writer: str, serial: int, size: int) -> memoryview:
        """Return the writable memory of a new segment, reserved down to its last page.

        Raises:
            OSError: There is no room.
        """
        ...

    def attach(self, writer: str, serial: int) -> memoryview:
        """Return the memory of somebody's segment, to be read only.

        Raises:
            ProtocolError: There is none that may be read.
        """
        ...

    def remove(self, writer: str, serial: int) -> None:
        """Remove the name of a segment; who has it attached keeps the memory."""
        ...

    def discard(self, writer: str, serial: int) -> None:
        """Remove a segment that nobody reads; its memory is free at once, attached or not."""
        ...

    def sweep(self, writer: str) -> None:
        """Remove the names of all segments of a writer that is gone."""
        ...


class SegmentFolder:
    """Segments as files of a folder in /dev/shm that only its user may enter.

    Args:
        path: The folder; a `SharedFolder` made it, and removes it.

    Raises:
        OSError: It cannot be used from here: another host, user or container.
    """

    def __init__(self, path: Path) -> None:
        facts = path.stat()
        if facts.st_uid != os.getuid() or not stat.S_ISDIR(facts.st_mode):
            raise PermissionError(f"{path} is not this user's folder")
        self._path = path
        boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
        self._key = f"{boot}/{facts.st_dev}/{facts.st_ino}"

    @property
    def key(self) -> str:
        """The boot, the file system and the folder: all three are one and the same for peers."""
        return self._key

    @property
    def capacity(self) -> int:
        """Size of the file system."""
        facts = os.statvfs(self._path)
        return facts.f_blocks * facts.f_frsize

    def create(self, writer: str, serial: int, size: int) -> memoryview:
        """Return the writable memory of a new segment.

        Its pages are reserved: the first write to one that a full file system cannot give
        would else end the process (SIGBUS).

        Raises:
            OSError: There is no room.
        """
        path = self._file(writer, serial)
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path, flags, 0o600)
        try:
            _reserve(descriptor, size)
            mapped = mmap.mmap(descriptor, size, flags=mmap.MAP_SHARED | _POPULATE)
        except BaseException:
            path.unlink()
            raise
        finally:
            os.close(descriptor)
        return memoryview(mapped)

    def attach(self, writer: str, serial: int) -> memoryview:
        """Return the memory of somebody's segment, to be read only.

        Raises:
            ProtocolError: There is none that may be read.
        """
        path = self._file(writer, serial)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                facts = os.fstat(descriptor)
                if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.getuid():
                    raise ProtocolError(f"segment {path.name} is no file of this user's")
                flags = mmap.MAP_SHARED | _POPULATE
                mapped = mmap.mmap(descriptor, facts.st_size, flags=flags, prot=mmap.PROT_READ)
            finally:
                os.close(descriptor)
        except (OSError, ValueError) as error:
            raise ProtocolError(f"segment {path.name} cannot be read: {error}") from None
        return memoryview(mapped)

    def remove(self, writer: str, serial: int) -> None:
        """Remove the name of a segment; who has it attached keeps the memory."""
        self._file(writer, serial).unlink(missing_ok=True)

    def discard(self, writer: str, serial: int) -> None:
        """Remove a segment that nobody reads; its memory is free at once, attached or not."""
        path = self._file(writer, serial)
        with contextlib.suppress(FileNotFoundError):
            os.truncate(path, 0)
            path.unlink()

    def sweep(self, writer: str) -> None:
        """Remove the names of all segments of a writer that is gone."""
        prefix = f"{_name(writer)}."
        with contextlib.suppress(FileNotFoundError):  # the folder is gone: so are they
            for path in sorted(self._path.iterdir()):
                if path.name.startswith(prefix) and path.name.removeprefix(prefix).isdigit():
                    path.unlink(missing_ok=True)

    def _file(self, writer: str, serial: int) -> Path:
        """Return the path of a segment: made from who its writer is, never from a path of theirs.

        Raises:
            ProtocolError: The writer's name could lead elsewhere.
        """
        return self._path / f"{_name(writer)}.{serial:d}"


class SharedFolder:
    """The folder of one runtime's segments; its leader holds a lock on it while it lives.

    Its name says whose it is: `passel-UID-RUNTIME-...`. Unlocked, it is what a killed runtime
    left behind, and swept by the next runtime of this user that starts.

    Args:
        runtime: Name that the runtime's run directory has.
        base: Where it lies; /dev/shm.

    Raises:
        OSError: It cannot be made here.
    """

    def __init__(self, runtime: str, *, base: Path = SHARED_MEMORY) -> None:
        sweep(base)
        draft = Path(tempfile.mkdtemp(prefix=f"{_draft_prefix()}{runtime}-", dir=base))
        self._lock = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = draft.rename(base / draft.name.removeprefix("."))

    def remove(self) -> None:
        """Remove the folder with every segment in it; who has one attached keeps its memory."""
        shutil.rmtree(self.path, ignore_errors=True)

    def close(self) -> None:
        """Remove the folder and give the lock back; called again it does nothing."""
        if self._lock >= 0:
            self.remove()
            os.close(self._lock)
            self._lock = -1


def sweep(base: Path = SHARED_MEMORY) -> list[Path]:
    """Remove the segments that killed runtimes of this user left behind; return their folders."""
    swept: list[Path] = []
    for path in _folders(base):
        with contextlib.suppress(OSError):  # somebody else swept it meanwhile
            facts = path.lstat()
            if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
                continue
            young = time.time() - facts.st_mtime < _DRAFT_SECONDS
            if (path.name.startswith(".") and young) or _locked(path):
                continue
            shutil.rmtree(path)
            swept.append(path)
    return swept


def _folders(base: Path) -> Iterator[Path]:
    prefixes = (_draft_prefix(), _draft_prefix().removeprefix("."))
    with contextlib.suppress(OSError):
        yield from (path for path in sorted(base.iterdir()) if path.name.startswith(prefixes))


def _draft_prefix() -> str:
    """Return how the name of a folder begins until its lock is held."""
    return f".passel-{os.getuid()}-"


def _locked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _name(writer: str) -> str:
    """Return a writer's name as part of a file's name.

    Raises:
        ProtocolError: It could lead out of the folder.
    """
    if not writer or writer.startswith(".") or "/" in writer or "\x00" in writer:
        raise ProtocolError(f"{writer!r} cannot have segments")
    return writer


def _reserve(descriptor: int, size: int) -> None:
    """Give a file all its pages, or raise; macOS can only give it its length."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.ftruncate(descriptor, size)


_POPULATE: Final[int] = getattr(mmap, "MAP_POPULATE", 0)
"""Map all pages at once: one fault after the other would cost more than the copy."""
