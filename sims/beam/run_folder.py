"""Where one trial's BEAM writes to, and what is there. Its methods look at the disk."""

from __future__ import annotations

import itertools
import shutil
from typing import TYPE_CHECKING, Final, NamedTuple

from ...actors.processes import LastLines
from .errors import BeamTableError
from .override import file_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ...protocols.trial import TrialId

_LARGEST: Final = 1 << 24
"""Bytes of a table; those of runs with thousands of iterations stay below a hundredth of it."""

_TAIL: Final = 65_536
_LOG: Final = "beamLog.out"


class Look(NamedTuple):
    """What a look at a run found.

    Attributes:
        content: What the table holds; nothing if it is not there.
        settled: How many iterations later files say were written before them.
    """

    content: bytes
    settled: int


class RunFolder:
    """A folder that is one trial's own, so that what BEAM makes in it is its run, whatever its name.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def make(cls, outputs: Path, trial: TrialId) -> RunFolder:
        """Make a folder for a trial; a second one of the same trial gets a number."""
        name = file_name(trial)
        for number in itertools.count(1):
            path = outputs / (name if number == 1 else f"{name}-{number}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return cls(path)
        raise AssertionError("there is always a further number")

    def run(self) -> Path | None:
        """Return the folder that BEAM has made, or None before it has.

        Raises:
            BeamTableError: There are several: something else writes here.
        """
        found = sorted(path for path in self.path.iterdir() if path.is_dir())
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise BeamTableError(self.path, reason=f"several runs write into it: {names}")
        return found[0] if found else None

    def look(self, table: str, done: int, confirming: Callable[[int], Iterable[str]]) -> Look:
        """Return what a table holds, and how many iterations are confirmed.

        Args:
            table: The table, from the folder of the run.
            done: How many iterations are known already.
            confirming: Returns what is there once an iteration's table has been written.

        Raises:
            BeamTableError: The table is too large to be one, or there are several runs.
        """
        run = self.run()
        settled = done
        if run is None:
            return Look(b"", settled)
        while any((run / name).exists() for name in confirming(settled)):
            settled += 1
        try:
            with open(run / table, "rb") as file:  # after the confirming files were looked for
                content = file.read(_LARGEST + 1)
        except FileNotFoundError:
            return Look(b"", settled)
        if len(content) > _LARGEST:
            raise BeamTableError(run / table, reason=f"it has more than {_LARGEST} bytes")
        return Look(content, settled)

    def logged(self, count: int) -> list[str]:
        """Return the last lines of BEAM's own log, as far as there is one."""
        lines = LastLines()
        try:
            run = self.run()
            if run is not None:
                with open(run / _LOG, "rb") as file:
                    file.seek(max(0, (run / _LOG).stat().st_size - _TAIL))
                    lines.feed(file.read(_TAIL))
        except (OSError, BeamTableError):
            return []
        return lines.tail(count)

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
