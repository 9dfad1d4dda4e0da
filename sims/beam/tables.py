"""The tables in which BEAM tells the mode split, and how they are read while it writes them."""

from __future__ import annotations

from typing import Final, Literal, Protocol

from .errors import BeamTableError
from .keys import FREIGHT
from .rows import Shares, fields_of, modes_of, numbers_of, shares_of, whole_lines

Source = Literal[
    "realizedModeChoice",
    "referenceRealizedModeChoice",
    "modeChoice",
    "referenceModeChoice",
    "ITERS/realizedMode",
    "ITERS/modeChoice",
]
"""Which table is read: what was travelled, or chosen; of the run, or of each iteration."""

_BENCHMARK: Final = "benchmark"


class Table(Protocol):
    """A table that is read again and again while it grows. Knows nothing of files or time.

    Attributes:
        done: How many iterations it has returned.
        by_rows: Whether a row that is whole stays what it is even if its writer died after it.
    """

    done: int
    by_rows: bool

    def path(self) -> str:
        """Return the file that the next iteration is in, from the folder of the run."""
        ...

    def read(self, content: bytes, *, settled: int, final: bool = False) -> list[Shares]:
        """Return the iterations that are whole, settled, and were not returned before, in order.

        Args:
            content: All that the file holds now.
            settled: How many iterations later files say were written before them.
            final: Whether nothing will be written any more.

        Raises:
            BeamTableError: What should be an iteration, and will not change, is none.
        """
        ...


class RunTable:
    """A table of the whole run: one row an iteration, written anew at the end of each.

    An iteration is returned once its row ends in a newline and has as many fields as the header,
    and once a later file confirms it, two looks found it the same, or nothing is written any more.
    A mode that has been seen stays an outcome when its column is gone.

    Args:
        file: Its name.
        counts: Whether it holds numbers of trips, and not percentages.
    """

    by_rows = True

    def __init__(self, file: str, *, counts: bool) -> None:
        self._file = file
        self._counts = counts
        self._before: list[bytes] = []
        self._modes: set[str] = set()
        self.done = 0

    def path(self) -> str:
        """Return the file."""
        return self._file

    def read(self, content: bytes, *, settled: int, final: bool = False) -> list[Shares]:
        """Return the iterations that are whole, settled, and were not returned before, in order.

        Raises:
            BeamTableError: What should be an iteration, and will not change, is none.
        """
        header, *lines = whole_lines(content) or [b""]
        first = 1 if lines and lines[0].startswith(_BENCHMARK.encode()) else 0
        now = [header + b"\n" + line for line in lines[first:]]
        found = []
        while self.done < len(now):
            same = self._before[self.done : self.done + 1] == [now[self.done]]
            if not (same or final or self.done < settled):
                break
            try:
                found.append(self._shares(header, lines[first + self.done], 2 + first + self.done))
            except BeamTableError:
                if found or not (same or final):  # it may be another one at the next look
                    break
                raise
            self.done += 1
        self._before = now
        return found

    def _shares(self, header: bytes, line: bytes, number: int) -> Shares:
        modes = modes_of(self._file, fields_of(self._file, header, 1))
        iteration, *fields = fields_of(self._file, line, number)
        if iteration != str(self.done) or len(fields) != len(modes):
            reason = (
                f"{len(fields)} numbers of {iteration!r}, where {len(modes)} of iteration "
                f"{self.done} should be"
            )
            raise BeamTableError(self._file, line=number, reason=reason)
        amounts = numbers_of(self._file, fields, number)
        shares = shares_of(self._file, modes, amounts, number=number)
        self._modes |= shares.keys()
        outcome = {mode: shares.get(mode, 0.0) for mode in sorted(self._modes)}
        trips = sum(n for mode, n in zip(modes, amounts, strict=True) if mode != FREIGHT)
        return Shares(outcome, round(trips) if self._counts else 0)


class IterationTable:
    """Tables of single iterations, each written once: trips by the hour.

    A table may be cut between two rows, and nothing in it says how many there should be. So it
    counts only when a later file is there, or BEAM has ended well.

    Args:
        file: The end of its name, which begins with the number of the iteration.
        across: Whether hours go across and modes down.
    """

    by_rows = False

    def __init__(self, file: str, *, across: bool) -> None:
        self._name = file
        self._across = across
        self._modes: set[str] = set()
        self.done = 0

    def path(self) -> str:
        """Return the file of the next iteration."""
        return iteration_file(self.done, self._name)

    def read(self, content: bytes, *, settled: int, final: bool = False) -> list[Shares]:
        """Return the next iteration if it is settled.

        Raises:
            BeamTableError: What should be an iteration, and will not change, is none.
        """
        if not content or not (final or self.done < settled):
            return []
        trips = self._trips(content)
        shares = shares_of(self.path(), trips, trips.values())
        self._modes |= shares.keys()
        sample = round(sum(n for mode, n in trips.items() if mode != FREIGHT))
        self.done += 1
        return [Shares({mode: shares.get(mode, 0.0) for mode in sorted(self._modes)}, sample)]

    def _trips(self, content: bytes) -> dict[str, float]:
        file = self.path()
        lines = whole_lines(content)
        if not content.endswith(b"\n"):
            raise BeamTableError(file, line=len(lines) + 1, reason="its last row is cut")
        rows = [fields_of(file, line, number) for number, line in enumerate(lines, 1)]
        if self._across:  # each line of these ends in a comma
            rows = [row[:-1] if row[-1] == "" else row for row in rows]
        for number, row in enumerate(rows, 1):
            if len(row) != len(rows[0]):
                reason = f"{len(row)} fields, where the header has {len(rows[0])}"
                raise BeamTableError(file, line=number, reason=reason)
        amounts = [numbers_of(file, row[1:], number) for number, row in enumerate(rows[1:], 2)]
        if self._across:
            modes = modes_of(file, ["", *(row[0] for row in rows[1:])])
            return dict(zip(modes, map(sum, amounts), strict=True))
        modes = modes_of(file, rows[0])
        columns = zip(*amounts, strict=True) if amounts else ([0.0] for _ in modes)
        return dict(zip(modes, map(sum, columns), strict=True))


def iteration_file(iteration: int, name: str) -> str:
    """Return where a file of one iteration lies, from the folder of the run."""
    return f"ITERS/it.{iteration}/{iteration}.{name}"


def table_of(source: Source, *, commute: bool = False) -> Table:
    """Return a reader of a table, from its first iteration on.

    Args:
        source: Which table.
        commute: Whether of the trips to work alone.
    """
    folder, _, name = source.rpartition("/")
    file = f"{name}{'_commute' if commute else ''}.csv"
    if folder:
        return IterationTable(file, across=name == "modeChoice")
    return RunTable(file, counts=not name.startswith("reference"))


def confirming(source: Source, iteration: int, *, commute: bool = False) -> tuple[str, str]:
    """Return what BEAM makes once the table has been written for an iteration: any of it will do.

    Within the same turn it writes a further file, and later the folder of the next iteration.
    """
    chosen = source.rpartition("/")[2] in {"modeChoice", "referenceModeChoice"}
    name = "modeChosenAvailableAlternativesCount" if chosen else "replanningEventReason"
    further = iteration_file(iteration, f"{name}{'_commute' if commute else ''}.csv")
    return further, f"ITERS/it.{iteration + 1}"
