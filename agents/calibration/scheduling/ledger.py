"""What has been decided and seen, entry by entry: what a journal keeps, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ....protocols.trial import Outcome, TrialId  # noqa: TC001  # hints are read at run time
from ..record import FailedAttempt, State, TrialRecord

if TYPE_CHECKING:
    from collections.abc import Iterable


class TrialPlanned(msgspec.Struct, frozen=True, kw_only=True, tag="planned"):
    """A trial is wanted, `at` seconds after the calibration began."""

    at: float
    record: TrialRecord


class TrialStarted(msgspec.Struct, frozen=True, kw_only=True, tag="started"):
    """A trial is given to a simulator; attempts count from 1."""

    at: float
    trial: TrialId
    attempt: int
    simulator: str


class AttemptFailed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """An attempt has failed; if its simulator died or went out of reach it is `broken`."""

    at: float
    trial: TrialId
    attempt: int
    detail: str
    broken: bool = False


class TrialExtended(msgspec.Struct, frozen=True, kw_only=True, tag="extended"):
    """A trial that had ended is to have more iterations, up to `limit` in all."""

    at: float
    trial: TrialId
    limit: int


class IterationSeen(msgspec.Struct, frozen=True, kw_only=True, tag="iteration"):
    """An iteration of a trial has come."""

    at: float
    trial: TrialId
    attempt: int
    number: int
    outcome: Outcome
    sample: int = 0


class IterationUnused(msgspec.Struct, frozen=True, kw_only=True, tag="unused"):
    """An iteration has come that is of no use; it is the `number`th of these in its calibration.

    Nothing more was wanted of its trial, or it shows what cannot be compared with the target.
    """

    at: float
    trial: TrialId
    number: int


class TrialClosed(msgspec.Struct, frozen=True, kw_only=True, tag="closed"):
    """A trial has come to its end."""

    at: float
    trial: TrialId
    state: State
    detail: str = ""


class OutputLeft(msgspec.Struct, frozen=True, kw_only=True, tag="output"):
    """A trial's simulator says where it has left files."""

    at: float
    trial: TrialId
    output: str


Entry = (
    TrialPlanned
    | TrialStarted
    | AttemptFailed
    | TrialExtended
    | IterationSeen
    | IterationUnused
    | TrialClosed
    | OutputLeft
)
"""What a journal keeps."""


class LedgerState(msgspec.Struct, frozen=True, kw_only=True):
    """What a ledger holds, to go on from.

    Attributes:
        records: The trials, in the order in which they were planned.
        iterations: How many iterations have come.
        unused: How many of them were of no use.
        at: The time of the latest entry.
    """

    records: tuple[TrialRecord, ...] = ()
    iterations: int = 0
    unused: int = 0
    at: float = 0.0


class Ledger:
    """All trials of a calibration. An entry that comes twice changes nothing the second time.

    Args:
        entries: What has happened.
        state: What has happened before these.

    Attributes:
        records: The trials by name, in the order in which they were planned.
        iterations: How many iterations have come, whatever became of them.
        unused: How many of them were of no use.
        at: The time of the latest entry; seconds since the calibration began.
    """

    def __init__(
        self,
        entries: Iterable[Entry] = (),
        *,
        state: LedgerState = LedgerState(),  # noqa: B008  # frozen
    ) -> None:
        self.records: dict[TrialId, TrialRecord] = {r.id: r for r in state.records}
        self.iterations = state.iterations
        self.unused = state.unused
        self.at = state.at
        for entry in entries:
            self.apply(entry)

    @property
    def state(self) -> LedgerState:
        """What it holds now."""
        records = tuple(self.records.values())
        return LedgerState(
            records=records, iterations=self.iterations, unused=self.unused, at=self.at
        )

    def apply(self, entry: Entry) -> bool:
        """Take an entry in; return whether it changed anything."""
        if isinstance(entry, IterationUnused):
            return self._count(entry)
        if isinstance(entry, TrialPlanned):
            changed = None if entry.record.id in self.records else entry.record
        else:
            known = self.records.get(entry.trial)
            changed = None if known is None else self._changed(known, entry)
        if changed is None:
            return False
        self.records[changed.id] = changed
        self.iterations += isinstance(entry, IterationSeen)
        self.at = max(self.at, entry.at)
        return True

    def _count(self, entry: IterationUnused) -> bool:
        """Count an iteration that changes no trial."""
        if entry.number != self.unused + 1:
            return False
        self.unused += 1
        self.iterations += 1
        self.at = max(self.at, entry.at)
        return True

    def _changed(self, known: TrialRecord, entry: Entry) -> TrialRecord | None:
        replace = msgspec.structs.replace
        match entry:
            case TrialStarted() if entry.attempt == known.attempt + 1:
                return replace(
                    known,
                    attempt=entry.attempt,
                    simulator=entry.simulator,
                    began=entry.at,
                    outcomes=(),
                    samples=(),
                    times=(),
                )
            case AttemptFailed() if _is_new(known, entry):
                failed = FailedAttempt(
                    attempt=entry.attempt,
                    simulator=known.simulator,
                    detail=entry.detail,
                    broken=entry.broken,
                )
                return replace(known, failures=(*known.failures, failed))
            case TrialExtended() if entry.limit > known.limit:
                return replace(known, limit=entry.limit, state="running", ended=None)
            case IterationSeen() if _is_next(known, entry):
                return replace(
                    known,
                    outcomes=(*known.outcomes, entry.outcome),
                    samples=(*known.samples, entry.sample),
                    times=(*known.times, entry.at),
                )
            case TrialClosed() if known.state == "running":
                return replace(known, state=entry.state, ended=entry.at, detail=entry.detail)
            case OutputLeft() if entry.output != known.output:
                return replace(known, output=entry.output)
        return None


def _is_new(known: TrialRecord, entry: AttemptFailed) -> bool:
    return (
        known.state == "running"
        and entry.attempt == known.attempt
        and all(failed.attempt != entry.attempt for failed in known.failures)
    )


def _is_next(known: TrialRecord, entry: IterationSeen) -> bool:
    return (
        known.state == "running"
        and entry.attempt == known.attempt
        and entry.number == len(known.outcomes) + 1
    )
