"""The trials of a calibration on their way: planned, run, ended; every step is an effect."""

from __future__ import annotations

import hashlib
from collections import deque
from typing import TYPE_CHECKING

from ....protocols.trial import Trial, TrialId
from ..record import TrialRecord
from .events import Effect, ExtendRun, Keep, SimulatorId, SlotLost, StartRun, StopRun
from .ledger import Entry, Ledger, TrialClosed, TrialExtended, TrialPlanned, TrialStarted
from .runs import Phase, Placement, Run, run_of

if TYPE_CHECKING:
    from ..forecast import Forecast, Stopper
    from ..proposer import Proposer
    from ..record import State
    from ..space import Point
    from .candidates import Candidates
    from .fleet import Fleet


class Trials:
    """Carries out what the scheduler decides about trials, so that all accounts of them agree.

    Args:
        name: What the names of trials begin with.
        seed: What their seeds are made from.
        settled: Iterations of a full run.
        ledger: What has happened.
        fleet: Where trials run.
        candidates: Is told of trials that end.
        proposer: The same.
        stopper: Says where trials are going.

    Attributes:
        effects: What is to be done, in order; whoever takes it empties it.
        runs: What simulators have, by the name that they know it by.
        open: The trials that have not ended, in the order in which they were planned.
        ready: Those of them that wait for a slot, the first one first.
        placements: Where they were placed in vain, if they were.
    """

    def __init__(
        self,
        name: str,
        *,
        seed: int,
        settled: int,
        ledger: Ledger,
        fleet: Fleet,
        candidates: Candidates,
        proposer: Proposer,
        stopper: Stopper | None,
    ) -> None:
        self._name = name
        self._seed = seed
        self._settled = settled
        self._ledger = ledger
        self._fleet = fleet
        self._candidates = candidates
        self._proposer = proposer
        self._stopper = stopper
        self.effects: list[Effect] = []
        self.runs: dict[TrialId, Run] = {}
        self.open: dict[TrialId, None] = {}
        self.ready: deque[TrialId] = deque()
        self.placements: dict[TrialId, Placement] = {}

    # What there is.

    def record_of(self, run: Run) -> TrialRecord:
        """Return the trial of a run."""
        return self._ledger.records[run.trial]

    def running(self) -> list[TrialRecord]:
        """Return the trials that have not ended."""
        return [self._ledger.records[trial] for trial in self.open]

    def confirming(self) -> list[TrialRecord]:
        """Return those of them that confirm another one."""
        return [record for record in self.running() if record.confirms is not None]

    def lingering(self) -> dict[TrialId, TrialId]:
        """Return the runs that wait at their limit, by trial."""
        return {run.trial: name for name, run in self.runs.items() if run.phase is Phase.LINGERING}

    def placement_of(self, trial: TrialId) -> Placement:
        """Return where a trial was placed in vain, to be added to."""
        return self.placements.setdefault(trial, Placement())

    # Trials.

    def resume(self, record: TrialRecord) -> None:
        """Take up a trial of an earlier life: what is left of its run ends, and it starts again."""
        self.open[record.id] = None
        self.ready.append(record.id)
        for failed in record.failures:
            self.placement_of(record.id).tried.add(SimulatorId(failed.simulator))

    def plan(
        self,
        point: Point,
        limit: int,
        at: float,
        *,
        seed: int | None = None,
        confirms: TrialId | None = None,
    ) -> None:
        """Plan a trial; one that confirms another is the first to get a slot."""
        number = len(self._ledger.records) + 1
        record = TrialRecord(
            id=TrialId(f"{self._name}-{number}"),
            point=point,
            limit=max(1, limit),
            seed=_seed_of(self._seed, number) if seed is None else seed,
            confirms=confirms,
        )
        self.keep(TrialPlanned(at=at, record=record))
        self.open[record.id] = None
        if confirms is None:
            self.ready.append(record.id)
        else:
            self.ready.appendleft(record.id)

    def place_ready(self, at: float) -> None:
        """Start what waits for a slot, as far as there are slots for it."""
        for trial in list(self.ready):
            placement = self.placements.get(trial)
            simulator = self._fleet.best_for(
                () if placement is None else placement.tried,
                urgent=self._ledger.records[trial].confirms is not None,
            )
            if simulator is not None:
                self.ready.remove(trial)
                self._start(trial, simulator, at)

    def close(self, trial: TrialId, state: State, detail: str, at: float) -> None:
        """End a trial; the proposer is told of it for the last time."""
        self.keep(TrialClosed(at=at, trial=trial, state=state, detail=detail))
        self.placements.pop(trial, None)
        del self.open[trial]
        if trial in self.ready:
            self.ready.remove(trial)
        record = self._ledger.records[trial]
        self._candidates.take(record, full=len(record.outcomes) >= self._settled)
        self.tell(record)

    def tell(self, record: TrialRecord) -> Forecast | None:
        """Tell the proposer of a trial; return where that is going."""
        forecast = None
        if self._stopper is not None and record.outcomes:
            forecast = self._stopper.forecast(record)
        self._proposer.tell(record, forecast)
        return forecast

    def keep(self, entry: Entry) -> None:
        """Enter something into the ledger."""
        self._ledger.apply(entry)
        self.effects.append(Keep(entry))

    # Runs.

    def _start(self, trial: TrialId, simulator: SimulatorId, at: float) -> None:
        attempt = self._ledger.records[trial].attempt + 1
        self.keep(TrialStarted(at=at, trial=trial, attempt=attempt, simulator=simulator))
        record = self._ledger.records[trial]
        name = run_of(trial, attempt)
        waits = self._fleet.extendable(simulator) and record.limit < self._settled
        self.runs[name] = Run(trial, simulator, waits, heard=at)
        self._fleet.occupy(simulator)
        wanted = Trial(
            id=name,
            parameters=record.point,
            iterations=record.limit,
            seed=record.seed,
            waits=waits,
        )
        self.effects.append(StartRun(simulator, wanted))

    def extend(self, name: TrialId, iterations: int, at: float) -> None:
        """Let a run that lingers go on, with its trial."""
        run = self.runs[name]
        limit = max(iterations, self.record_of(run).limit + 1)
        self._turn(run, Phase.RUNNING, at)
        self.keep(TrialExtended(at=at, trial=run.trial, limit=limit))
        self.open[run.trial] = None
        self.effects.append(ExtendRun(run.simulator, name, limit))

    def begin(self, name: TrialId, at: float) -> None:
        """Take note that a run's first iteration is under way."""
        run = self.runs[name]
        run.begun = True
        if run.works:
            run.heard = at
            self._fleet.work(run.simulator, 1)

    def queue(self, name: TrialId, at: float) -> None:
        """Take note that a run waits at its simulator, which has given its slots to others."""
        run = self.runs[name]
        self._fleet.work(run.simulator, -run.works)
        run.queued, run.begun, run.heard = True, False, at

    def stop(self, name: TrialId, at: float) -> None:
        """End a run; its slot is free when its simulator says that it has ended."""
        run = self.runs[name]
        self._turn(run, Phase.ENDING, at)
        self.effects.append(StopRun(run.simulator, name))

    def lose(self, name: TrialId, at: float) -> None:
        """Count no more on the slot of a run that does not end, until it does."""
        run = self.runs[name]
        self._turn(run, Phase.LOST, at)
        self.effects.append(SlotLost(run.simulator, name))

    def complete(self, name: TrialId, at: float) -> None:
        """Close a trial that has shown all its iterations; its run lingers if it could go on."""
        run = self.runs[name]
        if not run.waits:
            self._turn(run, Phase.ENDING, at)
        elif self.record_of(run).limit < self._settled:
            self._turn(run, Phase.LINGERING, at)
        else:
            self.stop(name, at)
        self.close(run.trial, "finished", "", at)

    def forget(self, name: TrialId) -> Run:
        """Take note that a run has ended, and give its slot back."""
        run = self.runs.pop(name)
        self._fleet.work(run.simulator, -run.works)
        self._fleet.lose(run.simulator, -(run.phase is Phase.LOST))
        self._fleet.release(run.simulator)
        return run

    def _turn(self, run: Run, phase: Phase, at: float) -> None:
        """Have a run do something else from now on, and the fleet know of it."""
        worked, lost = run.works, run.phase is Phase.LOST
        run.phase, run.heard = phase, at
        self._fleet.work(run.simulator, run.works - worked)
        self._fleet.lose(run.simulator, (phase is Phase.LOST) - lost)


def _seed_of(seed: int, number: int) -> int:
    """Return a trial's seed: the same for the same calibration and number, in every life."""
    digest = hashlib.blake2b(f"{seed}/{number}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) >> 1
