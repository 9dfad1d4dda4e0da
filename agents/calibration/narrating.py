"""A calibration in the words of a person who watches it: lines, and tables that are drawn anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from .scheduling import Keep
from .scheduling.ledger import TrialClosed, TrialExtended, TrialStarted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .floor import Floor
    from .messages import Progress, RunningTrial
    from .scheduling import Effect, Entry, Ledger
    from .target import Target

_BARS: Final = 20
"""Characters of a bar that stands for a share of 1."""


class Table(msgspec.Struct, frozen=True, kw_only=True, tag="table"):
    """What the `passel` command shows as a table, in the place of an earlier one of its name.

    Attributes:
        table: Its name.
        columns: Their headings.
        rows: Its rows, cell by cell.
    """

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Narrator:
    """Turns what a calibration does into lines.

    Args:
        target: What outcomes should be.
        ledger: What has happened.
    """

    def __init__(self, target: Target, ledger: Ledger) -> None:
        self._target = target
        self._ledger = ledger
        self._best: float | None = None

    def lines(self, effects: Sequence[Effect], progress: Progress) -> list[str]:
        """Return what is said of what was just done."""
        said: list[str] = []
        kept = [effect.entry for effect in effects if isinstance(effect, Keep)]
        for number, entry in enumerate(kept):
            match entry:
                case TrialExtended():
                    said.append(f"{entry.at:8.1f} s  {entry.trial} goes on, up to {entry.limit}")
                case TrialClosed() if _goes_on(entry, kept[number:]):
                    continue
                case TrialStarted() if entry.attempt > 1:
                    said.append(self._begins_again(entry))
                case TrialClosed():
                    said.append(self._closed(entry))
        if progress.best is not None and progress.best != self._best:
            self._best = progress.best
            sure = f", confirmed by {progress.confirmed} runs" if progress.confirmed else ""
            said.append(f"{progress.seconds:8.1f} s  best loss {progress.best:.2f}{sure}")
        return said

    def _begins_again(self, entry: TrialStarted) -> str:
        failures = self._ledger.records[entry.trial].failures
        why = [f": {f.detail}" for f in failures if f.attempt == entry.attempt - 1]
        return (
            f"{entry.at:8.1f} s  {entry.trial} begins again on {entry.simulator}, attempt "
            f"{entry.attempt}{''.join(why)}"
        )

    def _closed(self, entry: TrialClosed) -> str:
        record = self._ledger.records[entry.trial]
        shown = len(record.outcomes)
        loss = f", loss {self._target.loss(record.outcomes[-1]):.2f}" if shown else ""
        why = f": {entry.detail}" if entry.detail else ""
        what = f"confirms {record.confirms}, {entry.state}" if record.confirms else entry.state
        return f"{entry.at:8.1f} s  {entry.trial} {what} after {shown} of {record.limit}{loss}{why}"


def _goes_on(closed: TrialClosed, following: Sequence[Entry]) -> bool:
    """Whether a trial that had shown what was asked of it was extended at once."""
    return any(isinstance(e, TrialExtended) and e.trial == closed.trial for e in following)


def beginning(
    progress: Progress, floor: Floor | None, goal: float | None, *, volatile: bool
) -> list[str]:
    """Return what is said before the first trial: how far one can get, and what to doubt.

    Args:
        progress: How it stands.
        floor: How far one can get, if that is known.
        goal: The loss that is to be reached, or None.
        volatile: Whether its journal is in memory.
    """
    done = sum(progress.trials.values())
    resumed = f", resumed after {done} trials" if done else ""
    lost = "; its journal is not durable, so it begins anew after a kill" if volatile else ""
    said = [f"calibration {progress.calibration}{resumed}{lost}"]
    if floor is not None:
        said.append(f"reachable floor: loss {floor.loss:.2f}")
        said += [f"  {bottleneck.sentence}" for bottleneck in floor.bottlenecks]
        if goal is not None and goal < floor.loss:
            said.append(
                f"warning: the goal, {goal:.2f}, lies below the floor and cannot be reached"
            )
    return said


def tables(progress: Progress, target: Target) -> list[Table]:
    """Return how a calibration stands, as tables."""
    found = [_summary(progress), _workers(progress.running)]
    if progress.outcome is not None:
        found.append(_shares(progress.outcome, target))
    return found


def _summary(progress: Progress) -> Table:
    best = "-" if progress.best is None else f"{progress.best:.2f}"
    sure = f" ({progress.confirmed} runs)" if progress.confirmed else ""
    ended = ", ".join(f"{n} {state}" for state, n in sorted(progress.trials.items()))
    return Table(
        table="calibration",
        columns=("seconds", "iterations", "trials", "best loss", "slots busy", "use"),
        rows=(
            (
                f"{progress.seconds:.0f}",
                f"{progress.iterations}",
                ended or "-",
                best + sure,
                f"{progress.busy} of {progress.slots}",
                f"{100 * progress.use:.0f} %",
            ),
        ),
    )


def _workers(running: Sequence[RunningTrial]) -> Table:
    rows = tuple(
        (
            trial.simulator or "waits",
            trial.trial.rpartition("-")[2] + (" confirms" if trial.confirms else ""),
            f"{trial.iteration}/{trial.limit}",
            "-" if trial.loss is None else f"{trial.loss:.2f}",
        )
        for trial in running
    )
    return Table(table="running", columns=("simulator", "trial", "iteration", "loss"), rows=rows)


def _shares(outcome: dict[str, float], target: Target) -> Table:
    names = list(dict.fromkeys((*target.values, *(outcome if target.shares else ()))))
    rows = []
    for name in names:
        wanted, found = target.values.get(name, 0.0), outcome.get(name, 0.0)
        if target.shares:
            bar = "█" * round(_BARS * min(found, 1.0))
            apart = f"{100 * (found - wanted):+.2f}"
            rows.append((name, f"{100 * wanted:.2f} %", f"{100 * found:.2f} %", apart, bar))
        else:
            rows.append((name, f"{wanted:g}", f"{found:g}", f"{found - wanted:+g}", ""))
    columns = ("outcome", "target", "found", "difference", "")
    return Table(table="best", columns=columns, rows=tuple(rows))
