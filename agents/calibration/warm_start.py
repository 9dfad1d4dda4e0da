"""What a calibration may learn from the logs of earlier ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .errors import LogError
from .log import read_log

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from .log import Logged
    from .record import TrialRecord
    from .space import Parameter, Point
    from .target import Target


def earlier_trials(
    path: Path, *, target: Target, space: Sequence[Parameter], fixed: Point
) -> list[TrialRecord]:
    """Return the trials of a log, those that were under way as stopped ones; blocks.

    Bounds, simulators and wanted values may differ.

    Args:
        path: The log.
        target: What outcomes should be now.
        space: What is calibrated now.
        fixed: The parameters that are not.

    Raises:
        LogError: It cannot be read, or is about other parameters or outcomes.
    """
    logged = read_log(path)
    _check_parameters(path, logged, space, fixed)
    _check_outcomes(path, logged, target)
    over = [_over(record) for record in logged.ledger.records]
    return [record for record in over if record is not None]


def _check_parameters(path: Path, logged: Logged, space: Sequence[Parameter], fixed: Point) -> None:
    there, here = {p.name for p in logged.head.space}, {p.name for p in space}
    if there != here:
        raise _differs(path, f"calibrated {_names(there)}", f"calibrates {_names(here)}")
    before = logged.head.fixed
    for name in sorted(before.keys() | fixed.keys()):
        if before.get(name, 0.0) != fixed.get(name, 0.0):
            then, now = before.get(name, 0.0), fixed.get(name, 0.0)
            raise _differs(path, f"held {name} at {then:g}", f"holds it at {now:g}")


def _check_outcomes(path: Path, logged: Logged, target: Target) -> None:
    if logged.head.target.shares != target.shares:
        kinds = {True: "shares of a whole", False: "values that are no shares"}
        then, now = kinds[logged.head.target.shares], kinds[target.shares]
        raise _differs(path, f"aimed at {then}", f"aims at {now}")
    shown = set(logged.head.target.values) if target.shares else set[str]()
    shown.update(n for record in logged.ledger.records for o in record.outcomes for n in o)
    wanted = {name for name, value in target.values.items() if value or not target.shares}
    if shown and not wanted <= shown:
        raise _differs(path, f"showed {_names(shown)}", f"wants {_names(wanted)}")


def _differs(path: Path, then: str, now: str) -> LogError:
    reason = f"its calibration {then}, this one {now}; warm-start from the log of one that is alike"
    return LogError(str(path), reason)


def _over(record: TrialRecord) -> TrialRecord | None:
    """Return a trial that nobody runs any more; None if nothing came of it."""
    if record.state != "running":
        return record
    if not record.outcomes:
        return None
    detail = "its calibration was over"
    ended = record.times[-1] if record.times else record.began
    return msgspec.structs.replace(record, state="stopped", ended=ended, detail=detail)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
