"""What comes of runs, and what follows for their trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....protocols.trial import Iteration, TrialBegan, TrialEnded, TrialQueued
from ..errors import OutcomeError
from .events import (
    ExtensionRefused,
    LookFor,
    RunBegan,
    RunBroken,
    RunRefused,
    SimulatorId,
    TrialReported,
)
from .ledger import IterationSeen, IterationUnused, Ledger, OutputLeft
from .runs import Phase, Run

if TYPE_CHECKING:
    from ....protocols.trial import TrialId
    from ..forecast import Stopper
    from ..record import TrialRecord
    from ..target import Target
    from .attempts import Attempts
    from .candidates import Candidates
    from .fleet import Fleet
    from .names import Names
    from .termination import Termination
    from .trials import Trials

RunEvent = RunBegan | TrialReported | RunRefused | RunBroken | ExtensionRefused
"""What is heard of one run."""


class Results:
    """Takes in what comes of runs. What comes twice, late or from nowhere changes nothing.

    Args:
        target: What outcomes should be.
        stopper: Ends trials early; None lets all run to their limit.
        ledger: What has happened.
        fleet: Learns how long iterations take, and who is gone.
        candidates: Know the least loss so far.
        trials: The trials that have not ended.
        attempts: Has those that fail started again.
        ending: Counts those that fail in a row.
        names: Looks at what outcomes are called.

    Attributes:
        strays: Events that changed nothing.
    """

    def __init__(
        self,
        target: Target,
        stopper: Stopper | None,
        *,
        ledger: Ledger,
        fleet: Fleet,
        candidates: Candidates,
        trials: Trials,
        attempts: Attempts,
        ending: Termination,
        names: Names,
    ) -> None:
        self._target = target
        self._stopper = stopper
        self._ledger = ledger
        self._fleet = fleet
        self._candidates = candidates
        self._trials = trials
        self._attempts = attempts
        self._ending = ending
        self._names = names
        self.strays = 0

    def take(self, event: RunEvent) -> None:
        """Take in what is heard of a run."""
        name = event.event.trial if isinstance(event, TrialReported) else event.run
        run = self._trials.runs.get(name)
        if run is None:
            self.strays += not isinstance(event, RunBegan)
            return
        match event:
            case RunBegan(at) | TrialReported(at, TrialBegan()):
                if not run.begun:
                    self._trials.begin(name, at)
            case TrialReported(at, TrialQueued()):
                if run.phase is Phase.RUNNING and not run.queued:  # it says so once, and first
                    self._trials.queue(name, at)
            case TrialReported(at, Iteration() as iteration):
                self._iteration(name, run, iteration, at)
            case TrialReported(at, TrialEnded() as end):
                self._ended(name, run, end, at)
            case RunRefused(at, _, detail):
                self._attempts.lost(name, detail, at)
            case RunBroken(at, _, detail):
                self._away(run.simulator)
                self._attempts.lost(name, detail, at, broken=True)
            case ExtensionRefused(at) if run.phase is Phase.RUNNING:
                self._attempts.start_anew(name, run, at)

    def _iteration(self, name: TrialId, run: Run, iteration: Iteration, at: float) -> None:
        if iteration.number <= run.shown:
            self.strays += 1
            return
        run.shown = iteration.number
        self._names.see(iteration.outcome)
        record = self._trials.record_of(run)
        due = len(record.outcomes) + 1
        fault = self._fault_of(iteration, due) if run.phase is Phase.RUNNING else ""
        if fault or run.phase is not Phase.RUNNING:  # it was run all the same
            number = self._ledger.unused + 1
            self._trials.keep(IterationUnused(at=at, trial=run.trial, number=number))
            if fault:
                self._attempts.give_up(name, run, fault, at)
            return
        self._fleet.took(run.simulator, at - run.heard, number=due)
        run.heard = at
        self._trials.keep(
            IterationSeen(
                at=at,
                trial=run.trial,
                attempt=record.attempt,
                number=due,
                outcome=iteration.outcome,
                sample=iteration.sample,
            )
        )
        self._judge(name, self._trials.record_of(run), at)

    def _judge(self, name: TrialId, record: TrialRecord, at: float) -> None:
        """Say what becomes of a run after an iteration."""
        if len(record.outcomes) >= record.limit:
            self._names.judge(ended_well=True)
            self._ending.failed_in_a_row = 0
            self._trials.complete(name, at)
            return
        forecast = self._trials.tell(record)
        if self._stopper is None or forecast is None or record.confirms is not None:
            return
        if self._stopper.judge(record, forecast, self._candidates.least, at) == "stop":
            self._names.judge(ended_well=True)
            self._ending.failed_in_a_row = 0
            self._trials.stop(name, at)
            self._trials.close(record.id, "stopped", "it will not beat the best", at)

    def _ended(self, name: TrialId, run: Run, end: TrialEnded, at: float) -> None:
        if end.output:
            self._trials.keep(OutputLeft(at=at, trial=run.trial, output=end.output))
        self._names.see(end.shown)
        if end.ending == "failed":
            self._attempts.lost(name, end.detail, at)
            return
        self._trials.forget(name)
        if run.phase is Phase.RUNNING:
            detail = "its simulator ended it before its last iteration"
            self._trials.close(run.trial, "stopped", detail, at)

    def _away(self, simulator: SimulatorId) -> None:
        """Take note that a simulator is gone, and look for it."""
        after = self._fleet.lost(simulator)
        if after is not None:
            self._trials.effects.append(LookFor(simulator, after))

    def _fault_of(self, iteration: Iteration, due: int) -> str:
        """Return what is wrong with an iteration, or nothing."""
        if iteration.number > due:
            return f"iteration {iteration.number} came where {due} was due"
        try:
            self._target.check(iteration.outcome)
        except OutcomeError as error:
            return str(error)
        return ""
