"""A proposer and a simulator of travellers that are alike, without anything between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from passel.agents.calibration import Parameter, Proposer, Target, TrialRecord
from passel.agents.calibration.stopping import Extrapolation
from passel.protocols.trial import Outcome, TrialId

if TYPE_CHECKING:
    from collections.abc import Callable

    from passel.agents.calibration import Point, Space

    Make = Callable[[Space, Target, np.random.Generator], Proposer]

ITERATIONS: Final = 6
SAMPLE: Final = 2_000
MODES: Final = ("bike", "bus", "car", "walk")
LIKED: Final = {"bike": -1.0, "bus": 0.3, "car": 1.2, "walk": -0.4}
SPACE: Final = tuple(
    Parameter(name=f"{mode}_constant", low=-4.0, high=3.0, start=0.0, constant_of=mode)
    for mode in ("bike", "bus", "walk")
)
TARGET: Final = Target(values={"bike": 0.2, "bus": 0.3, "car": 0.4, "walk": 0.1})


def shares(point: Point) -> Outcome:
    """Return the shares that everybody's liking and the constants give."""
    utilities = {mode: LIKED[mode] + point.get(f"{mode}_constant", 0.0) for mode in MODES}
    weights = {mode: float(np.exp(utility)) for mode, utility in utilities.items()}
    return {mode: weight / sum(weights.values()) for mode, weight in weights.items()}


@dataclass
class Play:
    """Runs trials by hand.

    Attributes:
        proposer: Proposes them.
        target: What it aims at.
        sample: How many travellers are drawn; 0 for expected shares.
        records: What became of the trials, by name.
        running: The names of those that have not ended.
    """

    proposer: Proposer
    target: Target = TARGET
    sample: int = SAMPLE
    records: dict[TrialId, TrialRecord] = field(default_factory=dict)
    running: list[TrialId] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.extrapolation = Extrapolation(self.target, iterations=ITERATIONS)
        self.draw = np.random.default_rng(7)

    def ask(self) -> TrialRecord | None:
        """Ask for a trial, and begin it."""
        proposal = self.proposer.ask([self.records[name] for name in self.running])
        if proposal is None:
            return None
        record = TrialRecord(
            id=TrialId(f"t{len(self.records)}"), point=proposal.point, limit=proposal.iterations
        )
        if proposal.continues is not None:
            known = self.records[proposal.continues]
            assert known.state == "finished"
            assert known.point == proposal.point
            record = msgspec.structs.replace(known, limit=proposal.iterations, state="running")
        self.records[record.id] = record
        self.running.append(record.id)
        return record

    def iterate(self, record: TrialRecord, outcome: Outcome | None = None) -> TrialRecord:
        """Let a trial show one more iteration, and tell of it."""
        now = self.records[record.id]
        outcome = outcome or self.drawn(record.point)
        now = msgspec.structs.replace(
            now, outcomes=(*now.outcomes, outcome), samples=(*now.samples, self.sample)
        )
        return self.tell(now)

    def end(self, record: TrialRecord, state: str = "finished") -> TrialRecord:
        """End a trial, and tell of it."""
        self.running.remove(record.id)
        now = self.records[record.id]
        return self.tell(msgspec.structs.replace(now, state=state))

    def run(self, record: TrialRecord) -> TrialRecord:
        """Let a trial show all its iterations, and end it."""
        while len(self.records[record.id].outcomes) < record.limit:
            self.iterate(record)
        return self.end(record)

    def tell(self, record: TrialRecord) -> TrialRecord:
        """Tell the proposer of a trial."""
        self.records[record.id] = record
        self.proposer.tell(record, self.extrapolation.forecast(record))
        return record

    def drawn(self, point: Point) -> Outcome:
        """Return the shares among travellers that are drawn; they do not change over iterations."""
        expected = shares(point)
        if not self.sample:
            return expected
        counts = self.draw.multinomial(self.sample, list(expected.values()))
        return dict(zip(expected, (counts / self.sample).tolist(), strict=True))
