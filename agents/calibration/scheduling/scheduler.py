"""Decides which trial runs where, and when a calibration is over. Pure: knows no actor and no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, NewType

from .attempts import Attempts
from .candidates import Candidates
from .events import (
    Began,
    Effect,
    Ended,
    Event,
    Finish,
    LookFor,
    SimulatorFound,
    SimulatorId,
    SimulatorMissing,
    StopRun,
    TimePassed,
    WakeAt,
)
from .fleet import Fleet
from .ledger import Ledger
from .names import Names
from .results import Results
from .runs import run_of
from .spending import Spending
from .termination import Termination
from .trials import Trials
from .watchdog import Watchdog

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
        self._proposer = proposer
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
        self._spending = Spending(settings, settled, self.ledger, self.fleet)
        self._ending = Termination(
            settings,
            ledger=self.ledger,
            candidates=self.candidates,
            spending=self._spending,
            trials=self._trials,
            names=self._names,
        )
        attempts = Attempts(settings, trials=self._trials, ending=self._ending, names=self._names)
        self._results = Results(
            target,
            stopper,
            ledger=self.ledger,
            fleet=self.fleet,
            candidates=self.candidates,
            trials=self._trials,
            attempts=attempts,
            ending=self._ending,
            names=self._names,
        )
        self._watchdog = Watchdog(
            settings, fleet=self.fleet, trials=self._trials, attempts=attempts
        )
        self._alarm: float | None = None

    def handle(self, event: Event) -> list[Effect]:
        """Take one event, return in order what the shell must now do."""
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

    @property
    def strays(self) -> int:
        """How many events have changed nothing."""
        return self._results.strays

    def running(self) -> list[TrialRecord]:
        """Return the trials that have not ended."""
        return self._trials.running()

    def _take(self, event: Event) -> None:
        match event:
            case Began():
                self._begin()
            case SimulatorFound(_, simulator, slots, extendable):
                self.fleet.found(simulator, slots, extendable=extendable)
            case SimulatorMissing(_, simulator):
                if not self.fleet.is_there(simulator):
                    self._do(LookFor(simulator, self.fleet.missed(simulator)))
            case TimePassed(at):
                self._alarm = None
                self._watchdog.look(at)
            case _:
                self._results.take(event)

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
            if record.outcomes and record.state in {"finished", "stopped"}:
                self._names.clear()  # an earlier life has judged them
            if record.state != "running":
                self.candidates.take(record, full=len(record.outcomes) >= self._settled)
                continue
            self._trials.resume(record)
            if record.attempt and record.simulator in self._simulators:
                stale = run_of(record.id, record.attempt)
                self._do(StopRun(SimulatorId(record.simulator), stale))

    def _set_alarm(self) -> None:
        """Ask to be woken at the next moment at which something is due."""
        moments = [*self._watchdog.moments(), self._settings.budget.seconds]
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
        self._do(Finish(ended, detail, self._names.misnamed))
