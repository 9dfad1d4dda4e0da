"""A calibration as a file of JSON lines: what reports are made of, and later ones can learn from."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from .errors import LogError
from .locked_file import LockedFile
from .messages import CalibrationReport
from .scheduling import CalibrationId, Entry, Ledger, LedgerState
from .space import Parameter, Point
from .target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORMAT: Final = "passel calibration 1"
"""What the first line says of itself."""


class LogHead(msgspec.Struct, frozen=True, kw_only=True, tag="head"):
    """The first line.

    Attributes:
        format: Always `FORMAT`.
        calibration: Its name.
        simulator: What is simulated.
        target: What outcomes should be.
        space: The parameters that are calibrated.
        fixed: Those that are not.
        settled: After how many iterations an outcome counts.
        goal: The loss that is to be reached, or None.
        floor: The reachable floor, or None.
        state: What had happened before.
    """

    calibration: CalibrationId
    simulator: str
    target: Target
    space: tuple[Parameter, ...]
    fixed: dict[str, float]
    settled: int
    goal: float | None = None
    floor: float | None = None
    state: LedgerState = LedgerState()
    format: str = FORMAT

    @property
    def held(self) -> Point:
        """The parameters that stay where they are, those without room between their bounds included."""
        return {p.name: p.low for p in self.space if p.low == p.high} | self.fixed


class LogEntry(msgspec.Struct, frozen=True, kw_only=True, tag="entry"):
    """Something that was decided, or seen."""

    entry: Entry


class LogEnd(msgspec.Struct, frozen=True, kw_only=True, tag="end"):
    """The last line of a calibration that is over."""

    report: CalibrationReport


Line = LogHead | LogEntry | LogEnd


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """A log that was read.

    Attributes:
        head: Its first line.
        ledger: What has happened.
        report: What was found, if it is over.
    """

    head: LogHead
    ledger: LedgerState
    report: CalibrationReport | None


class CalibrationLog:
    """Writes a log; blocks. What the same calibration wrote before is replaced as a whole.

    The log of another calibration that was there is kept beside it, under the name of that one.

    From `begin` to `close` no other calibration can write to it. All methods but `close` raise a
    `LogError` when the file cannot be written; what could not be, may be tried again.

    Args:
        path: Where.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = LockedFile(path)

    def begin(self, head: LogHead) -> None:
        """Write the first line.

        Raises:
            LogError: Besides, the file is there and is no log.
        """
        with self._errors():
            kept = self._keep_another(head.calibration)
            try:
                self._file.replace(_encoded(head))
            except BaseException:
                if kept is not None:  # the file stays where it is
                    kept.unlink(missing_ok=True)
                raise

    def _keep_another(self, calibration: CalibrationId) -> Path | None:
        """Copy the log of another calibration to where it is kept, and return that."""
        path = self._path
        if not path.exists() or not path.stat().st_size:
            return None
        with path.open("rb") as file:
            first = file.readline()
        try:
            line = _DECODER.decode(first)
        except msgspec.DecodeError:
            line = None
        if not isinstance(line, LogHead):
            raise LogError(str(path), "it is there and is no log; name another file")
        if line.calibration == calibration:
            return None
        return Path(
            shutil.copy2(path, path.with_name(f"{path.stem}-{line.calibration}{path.suffix}"))
        )

    def append(self, entries: Sequence[Entry]) -> None:
        """Add entries."""
        with self._errors():
            self._file.append(b"".join(_encoded(LogEntry(entry=entry)) for entry in entries))

    def end(self, report: CalibrationReport) -> None:
        """Add the last line."""
        with self._errors():
            self._file.append(_encoded(LogEnd(report=report)))

    def close(self) -> None:
        """Let others write to it."""
        self._file.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except BlockingIOError as error:
            reason = "another calibration is writing to it; give each a log of its own"
            raise LogError(str(self._path), reason) from error
        except OSError as error:
            reason = f"it cannot be written: {error.strerror or error}"
            raise LogError(str(self._path), reason) from error


def read_log(path: Path) -> Logged:
    """Read a log; a last line that was not written to its end is left out.

    Raises:
        LogError: The file cannot be read, or is none.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except OSError as error:
        why = f"it cannot be read: {error.strerror or error}; give what `log` was for a calibration"
        raise LogError(str(path), why) from error
    head: LogHead | None = None
    report: CalibrationReport | None = None
    ledger = Ledger()
    for number, text in enumerate(lines, 1):
        try:
            line = _DECODER.decode(text)
        except msgspec.DecodeError as error:
            raise LogError(str(path), f"line {number} is none of it: {error}") from error
        match line:
            case LogHead():
                head, ledger = line, Ledger(state=line.state)
            case LogEntry(entry=entry):
                ledger.apply(entry)
            case LogEnd():
                report = line.report
    if head is None or head.format != FORMAT:
        raise LogError(str(path), "it is none; its first line is another one")
    return Logged(head=head, ledger=ledger.state, report=report)


def _encoded(line: Line) -> bytes:
    return msgspec.json.encode(line) + b"\n"


_DECODER: Final[msgspec.json.Decoder[Line]] = msgspec.json.Decoder(Line)
