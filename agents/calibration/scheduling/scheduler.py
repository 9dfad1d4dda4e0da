"""Decides which trial runs where, and when a calibration is over. Pure: knows no actor and no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, NewType

from ....protocols.trial import Iteration, TrialBegan, TrialEnded, TrialId, TrialQueued
from ..errors import OutcomeError
from .candidates import Candidates
from .deadlines import Deadlines
from .events import (
    Began,
    Effect,
    Ended,
    Event,
    ExtensionRefused,
    Finish,
    LookFor,
    RunBegan,
    RunBroken,
    RunRefused,
    SimulatorFound,
    SimulatorId,
    SimulatorMissing,
    StopRun,
    TimePassed,
    TrialReported,
    WakeAt,
)
from .fleet import Fleet
from .ledger import AttemptFailed, IterationSeen, IterationUnused, Ledger, OutputLeft
from .names import Names
from .runs import Phase, Run, run_of
from .spending import Spending
from .termination import Termination
from .trials import Trials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..forecast import Stopper
    from ..proposer import Proposal, Proposer
    from ..record import TrialRecord
    from ..settings import CalibrationSettings
    from ..target import Target

CalibrationId = NewType("CalibrationId", str)
"""Names a calibration; the first part of the names of its trials."""


class Scheduler:
    """Runs the trials of one calibration over a fleet of simulators.

    A free slot is filled at once: with a trial that has to be started again, one that confirms the
    best, or one that the proposer wants. Nothing waits for a trial that takes long. Every iteration
    is told to the proposer, and ends its trial if the stopper says so. What comes twice, late, or
    from a run that nobody knows changes nothing, and is counted.

    Args:
        name: Name of the calibration.
        target: What outcomes should be.
        proposer: Chooses points.
        stopper: Ends trials early; None lets all run to their limit.
        simulators: The fleet; each is away until it is found.
        settled: After how many iterations an outcome counts.
        settings: How to work.
        seed: What the seeds of trials are made from.
        floor: The least loss that any point could have.
        ledger: What has happened in earlier lives; its running trials are started again.
        earlier: Trials of other calibrations, for the proposer to learn from.

    Attributes:
        ledger: What has happened.
        candidates: The best trials.
        fleet: The simulators.
        ended: Why it is over, or None.
        strays: Events that changed nothing.
    """

    def __init__(
        self,
        name: CalibrationId,
        *,
        target: Target,
        proposer: Proposer,
        stopper: Stopper | None,
        simulators: Sequence[SimulatorId],
        settled: int,
        settings: CalibrationSettings,
        seed: int = 0,
        floor: float = 0.0,
        ledger: Ledger | None = None,
        earlier: Sequence[TrialRecord] = (),
    ) -> None:
        self._target = target
        self._proposer = proposer
        self._stopper = stopper
        self._settings = settings
        self._simulators = simulators
        self._settled = settled
        self._earlier = earlier
        self._names = Names(target)
        self.ledger = Ledger() if ledger is None else ledger
        self.fleet = Fleet(simulators)
        self.candidates = Candidates(
            target,
            wanted=settings.confirmations,
            goal=settings.goal,
            floor=floor,
            noise=settings.noise,
        )
        self.ended: Ended | None = None
        self.strays = 0
        self._trials = Trials(
            name,
            seed=seed,
            settled=settled,
            ledger=self.ledger,
            fleet=self.fleet,
            candidates=self.candidates,
            proposer=proposer,
            stopper=stopper,
        )
        self._deadlines = Deadlines(settings, self.fleet)
        self._spending = Spending(settings, settled, self.ledger, self.fleet)
        self._ending = Termination(
            settings,
            ledger=self.ledger,
            candidates=self.candidates,
            spending=self._spending,
            trials=self._trials,
        )
        self._alarm: float | None = None

    def handle(self, event: Event) -> list[Effect]:
        """Take one event, return in order what the shell must now do.

        Raises:
            OutcomeNamesError: A trial has ended, and its outcomes have other names than the target's.
        """
        if self.ended is not None:
            return []
        at = event.at
        self.fleet.pass_time(at)
        self._take(event)
        self._look_around(at)
        self._end_if_over(at)
        if self.ended is None:
            self._fill(at)
            self._end_if_idle(at)
        if self.ended is None:
            self._set_alarm()
        effects, self._trials.effects = self._trials.effects, []
        return effects

    def running(self) -> list[TrialRecord]:
        """Return the trials that have not ended."""
        return self._trials.running()

    def _take(self, event: Event) -> None:
        match event:
            case Began(at):
                self._begin()
            case SimulatorFound(_, simulator, slots, extendable):
                self.fleet.found(simulator, slots, extendable=extendable)
            case SimulatorMissing(_, simulator):
                if not self.fleet.is_there(simulator):
                    self._do(LookFor(simulator, self.fleet.missed(simulator)))
            case TimePassed(at):
                self._wake(at)
            case RunBegan(at, name):
                self._begun(name, at)
            case TrialReported():
                self._hear(event.event.trial, event)
            case RunRefused(run=name) | RunBroken(run=name) | ExtensionRefused(run=name):
                self._hear(name, event)

    def _do(self, effect: Effect) -> None:
        self._trials.effects.append(effect)

    def _look_around(self, at: float) -> None:
        """Take note of since when there has been nothing to run trials on."""
        if self.fleet.slots:
            self._ending.alone_since = None
        elif self._ending.alone_since is None:
            self._ending.alone_since = at

    def _begin(self) -> None:
        """Look for the fleet; tell the proposer what is known; start again what ran."""
        for simulator in self._simulators:
            self._do(LookFor(simulator, 0.0))
        for record in (*self._earlier, *self.ledger.records.values()):
            self._trials.tell(record)
        for record in self.ledger.records.values():
            for outcome in record.outcomes:
                self._names.see(outcome)
            if record.state != "running":
                self.candidates.take(record, full=len(record.outcomes) >= self._settled)
                continue
            self._trials.resume(record)
            if record.attempt and record.simulator in self._simulators:
                stale = run_of(record.id, record.attempt)
                self._do(StopRun(SimulatorId(record.simulator), stale))

    # What is heard of runs.

    def _hear(
        self, name: TrialId, event: TrialReported | RunRefused | RunBroken | ExtensionRefused
    ) -> None:
        run = self._trials.runs.get(name)
        if run is None:
            self.strays += 1
            return
        match event:
            case TrialReported(at, TrialQueued()):
                if run.phase is Phase.RUNNING and not run.queued:  # it says so once, and first
                    self._trials.queue(name, at)
            case TrialReported(at, TrialBegan()):
                self._begun(name, at)
            case TrialReported(at, Iteration() as iteration):
                self._iteration(name, run, iteration, at)
            case TrialReported(at, TrialEnded() as end):
                self._ended(name, run, end, at)
            case RunRefused(at, _, detail):
                self._lost(name, detail, at)
            case RunBroken(at, _, detail):
                self._away(run.simulator)
                self._lost(name, detail, at, broken=True)
            case ExtensionRefused(at) if run.phase is Phase.RUNNING:
                self._trials.stop(name, at)
                self._trials.ready.appendleft(run.trial)  # from the beginning, somewhere

    def _begun(self, name: TrialId, at: float) -> None:
        run = self._trials.runs.get(name)
        if run is not None and not run.begun:
            self._trials.begin(name, at)

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
            self._trials.keep(
                IterationUnused(at=at, trial=run.trial, number=self.ledger.unused + 1)
            )
            if fault:
                self._give_up(name, run, fault, at)
            return
        self.fleet.took(run.simulator, at - run.heard, number=due)
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
            self._names.check()
            self._ending.failed_in_a_row = 0
            self._trials.complete(name, at)
            return
        forecast = self._trials.tell(record)
        if self._stopper is None or forecast is None or record.confirms is not None:
            return
        if self._stopper.judge(record, forecast, self.candidates.least, at) == "stop":
            self._names.check()
            self._ending.failed_in_a_row = 0
            self._trials.stop(name, at)
            self._trials.close(record.id, "stopped", "it will not beat the best", at)

    def _ended(self, name: TrialId, run: Run, end: TrialEnded, at: float) -> None:
        if end.output:
            self._trials.keep(OutputLeft(at=at, trial=run.trial, output=end.output))
        if end.ending == "failed":
            self._lost(name, end.detail, at)
            return
        self._trials.forget(name)
        if run.phase is Phase.RUNNING:
            detail = "its simulator ended it before its last iteration"
            self._trials.close(run.trial, "stopped", detail, at)

    def _lost(self, name: TrialId, detail: str, at: float, *, broken: bool = False) -> None:
        """Take note of a run that has ended by failing."""
        run = self._trials.forget(name)
        if run.phase is Phase.RUNNING:
            self._retry(run, detail, at, broken=broken)

    def _give_up(self, name: TrialId, run: Run, detail: str, at: float) -> None:
        """Count a run as failed that is still there."""
        self._trials.stop(name, at)
        self._retry(run, detail, at)

    def _retry(self, run: Run, detail: str, at: float, *, broken: bool = False) -> None:
        """Have a trial started again; or record that it failed, if it has failed too often.

        A death of its simulator is hardly a trial's fault, unless it happens again and again.
        """
        attempt = self._trials.record_of(run).attempt
        self._trials.keep(
            AttemptFailed(at=at, trial=run.trial, attempt=attempt, detail=detail, broken=broken)
        )
        self._trials.placement_of(run.trial).tried.add(run.simulator)
        alike = [f for f in self._trials.record_of(run).failures if f.broken == broken]
        if len(alike) <= (self._settings.deaths if broken else self._settings.retries):
            self._trials.ready.appendleft(run.trial)
            return
        self._names.check()
        self._ending.failed_in_a_row += 1
        self._trials.close(run.trial, "failed", detail, at)

    def _away(self, simulator: SimulatorId) -> None:
        """Take note that a simulator is gone, and look for it."""
        after = self.fleet.lost(simulator)
        if after is not None:
            self._do(LookFor(simulator, after))

    def _fault_of(self, iteration: Iteration, due: int) -> str:
        """Return what is wrong with an iteration, or nothing."""
        if iteration.number > due:
            return f"iteration {iteration.number} came where {due} was due"
        try:
            self._target.check(iteration.outcome)
        except OutcomeError as error:
            return str(error)
        return ""

    # Time passes.

    def _wake(self, at: float) -> None:
        self._alarm = None
        for name, run in list(self._trials.runs.items()):
            due = self._due(run)
            if due is None or due > at:
                continue
            if run.phase is Phase.LINGERING:
                self._trials.stop(name, at)
            elif run.phase is Phase.ENDING:
                self._trials.lose(name, at)
            elif not run.begun:
                self._move(name, run, at)
            else:
                self._overdue(name, run, at)

    def _overdue(self, name: TrialId, run: Run, at: float) -> None:
        """Move a trial whose run takes too long, or count the run as failed."""
        number = len(self._trials.record_of(run).outcomes) + 1
        usual = self.fleet.usual(run.simulator, number=number)
        silence = at - run.heard
        self.fleet.took(run.simulator, silence, number=number)  # or more, had it been let be
        if self._deadlines.should_move(run, self._trials.placements.get(run.trial), at):
            self._trials.placement_of(run.trial).moved = True
            self._move(name, run, at)
            return
        known = "" if usual is None else f"; iterations here usually take {usual:.3g} s"
        self._give_up(name, run, f"nothing came of it for {silence:g} s{known}", at)

    def _due(self, run: Run) -> float | None:
        number = len(self._trials.record_of(run).outcomes) + 1
        return self._deadlines.of(run, self._trials.placements.get(run.trial), number=number)

    def _move(self, name: TrialId, run: Run, at: float) -> None:
        """Take a trial away from a simulator that takes too long over it, or does not get to it."""
        self._trials.placement_of(run.trial).tried.add(run.simulator)
        self._trials.stop(name, at)
        self._trials.ready.appendleft(run.trial)

    def _set_alarm(self) -> None:
        """Ask to be woken at the next moment at which something is due."""
        moments = [self._due(run) for run in self._trials.runs.values()]
        moments.append(self._settings.budget.seconds)
        if self._ending.closing is None:
            moments.append(self._spending.search_ends)
        if self._ending.alone_since is not None:
            moments.append(self._ending.alone_since + self._settings.patience)
        due = min((moment for moment in moments if moment is not None), default=None)
        if due is not None and (self._alarm is None or due < self._alarm):
            self._alarm = due
            self._do(WakeAt(due))

    # Slots are filled.

    def _fill(self, at: float) -> None:
        """Give every free slot something to do."""
        self._confirm_if_wanted(at)
        self._trials.place_ready(at)
        while self._may_ask():
            proposal = self._proposer.ask(self.running())
            if proposal is None:
                return
            self._adopt(proposal, at)
            self._trials.place_ready(at)

    def _may_ask(self) -> bool:
        """Whether there is room for another trial of the search."""
        searching = self._ending.closing is None and self._spending.has_trials
        return searching and bool(self.fleet.free or self._trials.lingering())

    def _adopt(self, proposal: Proposal, at: float) -> None:
        """Plan what the proposer wants: a trial, or more iterations of one that lingers."""
        lingering, continued = self._trials.lingering(), proposal.continues
        if continued in lingering:
            self._trials.extend(lingering[continued], proposal.iterations, at)
            return
        known = None if continued is None else self.ledger.records.get(continued)
        seed = None if known is None else known.seed
        self._trials.plan(proposal.point, proposal.iterations, at, seed=seed)
        if not self.fleet.free:  # a run that only lingers makes room
            self._trials.stop(next(iter(lingering.values())), at)

    def _confirm_if_wanted(self, at: float) -> None:
        """Plan the runs that confirm the best trial, if that may end the calibration."""
        trial = self._ending.to_confirm()
        under_way = self._trials.confirming()
        if trial is None or any(record.confirms != trial for record in under_way):
            return
        if self._ending.closing is not None:
            self._ending.finalists.add(trial)
        record = self.ledger.records[trial]
        missing = self.candidates.missing(trial) - len(under_way)
        for _ in range(self._spending.of_trials(missing)):
            self._trials.plan(record.point, record.limit, at, confirms=trial)

    # The end.

    def _end_if_over(self, at: float) -> None:
        """End everything, or only the search so that the best trial may be confirmed."""
        over = self._ending.of_all(at)
        if over is not None:
            self._finish(over[0], at, over[1])
            return
        if self._ending.closing is None:
            self._ending.closing = self._ending.of_search(at)
            if self._ending.closing is not None:
                self._end_search(at)
        if self._ending.closing is not None and self._ending.nothing_to_confirm():
            self._finish(self._ending.closing, at)

    def _end_search(self, at: float) -> None:
        """Stop all trials that confirm nothing."""
        for name, run in self._trials.runs.items():
            searches = self._trials.record_of(run).confirms is None
            if searches and run.goes_on:
                self._trials.stop(name, at)
        for record in self.running():
            if record.confirms is None:
                self._trials.close(record.id, "stopped", "the search is over", at)

    def _end_if_idle(self, at: float) -> None:
        """End the search when nothing runs and the proposer wants nothing."""
        if self._ending.closing is None and self.fleet.free and not self._trials.open:
            self._ending.closing = "exhausted"
            self._end_search(at)
            if self._ending.nothing_to_confirm():
                self._finish("exhausted", at)
            else:
                self._fill(at)

    def _finish(self, ended: Ended, at: float, detail: str = "") -> None:
        self.ended = ended
        for record in self.running():
            self._trials.close(record.id, "stopped", "the calibration is over", at)
        for name, run in self._trials.runs.items():
            if run.goes_on:
                self._trials.stop(name, at)
        self._do(Finish(ended, detail))
