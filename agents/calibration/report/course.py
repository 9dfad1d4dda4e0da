"""A calibration's trials in the order of time, as its figures show them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..log import Logged
    from ..record import TrialRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a trial had come to at its end.

    Attributes:
        seconds: When; since the calibration began.
        iterations: How many iterations all trials had shown by then.
        loss: Its latest loss.
        full: Whether it had shown all iterations of a full run.
        confirms: Whether it confirms another one.
    """

    seconds: float
    iterations: int
    loss: float
    full: bool
    confirms: bool


def marks_of(logged: Logged) -> list[Mark]:
    """Return all trials that have shown anything, by the time of their latest iteration.

    Iterations of attempts that failed are not among those that are counted: a log keeps the last
    attempt of each trial.
    """
    target, settled = logged.head.target, logged.head.settled
    times = sorted(time for record in logged.ledger.records for time in record.times)
    marks = [
        Mark(
            seconds=record.times[-1],
            iterations=bisect_right(times, record.times[-1]),
            loss=target.loss(record.outcomes[-1]),
            full=len(record.outcomes) >= settled and record.state == "finished",
            confirms=record.confirms is not None,
        )
        for record in logged.ledger.records
        if record.outcomes
    ]
    return sorted(marks, key=lambda mark: mark.seconds)


def best_so_far(marks: Sequence[Mark]) -> list[Mark]:
    """Return those full runs of the search that were better than all before."""
    best: list[Mark] = []
    for mark in marks:
        if mark.full and not mark.confirms and (not best or mark.loss < best[-1].loss):
            best.append(mark)
    return best


def spans_of(records: Sequence[TrialRecord], end: float) -> dict[str, list[tuple[float, float]]]:
    """Return when each simulator had a trial, as (beginning, length), by its name."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for record in records:
        if record.simulator:
            until = end if record.ended is None else record.ended
            length = max(0.0, until - record.began)
            spans.setdefault(record.simulator, []).append((record.began, length))
    return dict(sorted(spans.items()))
