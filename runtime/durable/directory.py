"""A runtime's state directory: who may write there, and which start of the runtime it is.

It holds a lock, `state.json` and the actors' journals. Epochs are given out here, each larger than
all before, over every start of the runtime: a journal is always the latest incarnation's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final

import msgspec

from ...protocols.control import JournalClaim
from ...protocols.errors import StateError, StateExistsError, StateLockedError

_LOCK: Final = "state.lock"  # not `lock`: by that a run directory is known, and swept
_FACTS: Final = "state.json"
_JOURNALS: Final = "journals"
_SUFFIXES: Final = (".db", ".db-wal", ".db-shm", ".commits")
_START_SHIFT: Final = 32


class _Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What `state.json` says: the format, and how often a runtime was started on it."""

    version: int = 1
    starts: int = 0


class StateDirectory:
    """The state of one runtime, held for as long as it runs.

    Args:
        path: Where it is, or will be.
        resume: Go on from what an earlier run left there.
        discard: Remove what an earlier run left there.

    Raises:
        StateExistsError: There is an earlier run's state, and neither was said.
        StateLockedError: Another runtime works with it.
        StateError: It cannot be made, read or written.
    """

    def __init__(self, path: Path, *, resume: bool = False, discard: bool = False) -> None:
        self.path = path
        self._claims = 0
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _failed(path, error) from None
        try:
            self._starts = self._begin(resume=resume, discard=discard)
        except OSError as error:
            self.close()
            raise _failed(path, error) from None
        except BaseException:
            self.close()
            raise

    def claim(self) -> JournalClaim:
        """Return where journals are, and an epoch larger than all before it."""
        self._claims += 1
        epoch = self._starts << _START_SHIFT | self._claims
        return JournalClaim(place=str(self.path / _JOURNALS), epoch=epoch)

    def close(self) -> None:
        """Give the lock back; called again it does nothing."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _begin(self, *, resume: bool, discard: bool) -> int:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateLockedError(str(self.path)) from None
        journals = self.path / _JOURNALS
        left = (
            [f for f in journals.iterdir() if f.name.endswith(_SUFFIXES)]
            if journals.is_dir()
            else []
        )
        if discard:
            for file in left:
                file.unlink()
        elif left and not resume:
            raise StateExistsError(str(self.path))
        journals.mkdir(mode=0o700, exist_ok=True)
        starts = self._facts().starts + 1
        self._write(_Facts(starts=starts))
        return starts

    def _facts(self) -> _Facts:
        with contextlib.suppress(FileNotFoundError):
            data = (self.path / _FACTS).read_bytes()
            try:
                return msgspec.json.decode(data, type=_Facts)
            except msgspec.MsgspecError as error:
                reason = f"{self.path / _FACTS} is damaged ({error})"
                remedy = "restore the directory from a backup, or remove it whole"
                raise StateError(f"{reason}; {remedy}") from None
        return _Facts()

    def _write(self, facts: _Facts) -> None:
        draft = self.path / f"{_FACTS}.new"
        descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(facts))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self.path / _FACTS)
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def default_state_path(name: str) -> Path:
    """Return where a runtime of this name keeps its state unless it is told otherwise."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "passel" / name


def _failed(path: Path, error: OSError) -> StateError:
    return StateError(
        f"state directory {path}: {error}; make it writable, or choose another (--state)"
    )
