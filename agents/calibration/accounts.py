"""What a scheduler holds, as a report and as progress for those who watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .messages import CalibrationReport, Progress, RunningTrial

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...protocols.trial import Outcome, TrialId
    from .record import State, TrialRecord
    from .scheduling import CalibrationId, Incumbent, Scheduler
    from .settings import CalibrationSettings
    from .space import Point
    from .target import Target


def progress_of(name: CalibrationId, scheduler: Scheduler, target: Target, at: float) -> Progress:
    """Return how a calibration stands."""
    records = scheduler.ledger.records
    best = scheduler.candidates.best
    counts: dict[State, int] = {}
    for record in records.values():
        counts[record.state] = counts.get(record.state, 0) + 1
    return Progress(
        calibration=name,
        seconds=at,
        iterations=scheduler.ledger.iterations,
        trials=counts,
        slots=scheduler.fleet.slots,
        busy=scheduler.fleet.busy,
        use=scheduler.fleet.use,
        best=None if best is None else best.loss,
        confirmed=0 if best is None else best.confirmed,
        point=None if best is None else best.point,
        outcome=None if best is None else outcome_of(records.values(), best.trial),
        running=tuple(_running(record, target) for record in scheduler.running()),
        ended=scheduler.ended,
    )


def report_of(
    name: CalibrationId,
    scheduler: Scheduler,
    settings: CalibrationSettings,
    *,
    detail: str,
    floor: float | None,
    held: Point,
    at: float,
    resumed: bool,
) -> CalibrationReport:
    """Return what a calibration that is over has found."""
    assert scheduler.ended is not None, "it is over"
    best = None if scheduler.ended == "names" else scheduler.candidates.claimed
    states = [record.state for record in scheduler.ledger.records.values()]
    return CalibrationReport(
        answer=None if best is None else best.point,
        held=held,
        loss=None if best is None else best.loss,
        confirmed=0 if best is None else best.confirmed,
        deviation=0.0 if best is None else best.deviation,
        noise=0.0 if best is None else best.noise,
        outcome=None if best is None else outcome_of(scheduler.ledger.records.values(), best.trial),
        ended=scheduler.ended,
        detail=detail or _why_nothing(scheduler.ledger.records.values(), best),
        goal=settings.goal,
        floor=floor,
        calibration=name,
        trials=len(states),
        failed=states.count("failed"),
        stopped=states.count("stopped"),
        iterations=scheduler.ledger.iterations,
        seconds=at,
        worker_use=scheduler.fleet.use,
        strays=scheduler.strays,
        resumed=resumed,
        found=None if best is None else best.trial,
    )


def _why_nothing(records: Iterable[TrialRecord], best: Incumbent | None) -> str:
    """Return what the last trial that failed says, if none came to anything."""
    failed = [record.detail for record in records if record.state == "failed"]
    return f"no full trial ended; the last to fail: {failed[-1]}" if failed and not best else ""


def confirming(records: Sequence[TrialRecord], trial: TrialId) -> list[TrialRecord]:
    """Return the runs with fresh seeds that have confirmed a trial; the trial itself without any."""
    fresh = [r for r in records if r.confirms == trial and r.state == "finished"]
    return fresh or [record for record in records if record.id == trial]


def outcome_of(records: Iterable[TrialRecord], trial: TrialId) -> Outcome:
    """Return the mean of what a trial's point came to."""
    outcomes = [record.outcomes[-1] for record in confirming(list(records), trial)]
    names = dict.fromkeys(name for outcome in outcomes for name in outcome)
    return {name: sum(o.get(name, 0.0) for o in outcomes) / len(outcomes) for name in names}


def _running(record: TrialRecord, target: Target) -> RunningTrial:
    return RunningTrial(
        trial=record.id,
        simulator=record.simulator,
        iteration=len(record.outcomes),
        limit=record.limit,
        loss=target.loss(record.outcomes[-1]) if record.outcomes else None,
        confirms=record.confirms,
    )
