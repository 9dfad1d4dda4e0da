"""Runs: what trials are while simulators have them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from ....protocols.trial import TrialId
from .events import SimulatorId  # noqa: TC001  # hints are read at run time


class Phase(Enum):
    """What a run is doing."""

    RUNNING = auto()
    LINGERING = auto()  # its trial has ended, and could be extended
    ENDING = auto()  # nothing more is wanted of it; it has yet to say that it has ended
    LOST = auto()  # it should have said so long ago; its slot is not counted on


@dataclass(slots=True)
class Run:
    """One attempt at a trial.

    Attributes:
        trial: Which trial.
        simulator: Where it runs.
        waits: Whether it lingers at its limit.
        shown: How many iterations have come of it, used or not.
        heard: When it was last heard of, or told to end.
        phase: What it is doing.
        queued: Whether it had to wait for a slot of its simulator.
        begun: Whether it is on its way and, as far as is known, does not wait at its simulator.
    """

    trial: TrialId
    simulator: SimulatorId
    waits: bool
    heard: float
    shown: int = 0
    phase: Phase = Phase.RUNNING
    queued: bool = False
    begun: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether it was not told to end, and has not ended by itself."""
        return self.phase in {Phase.RUNNING, Phase.LINGERING}

    @property
    def works(self) -> bool:
        """Whether an iteration that is wanted is under way."""
        return self.begun and self.phase is Phase.RUNNING


@dataclass(slots=True)
class Placement:
    """Where a trial was placed in vain, so that another simulator may have it.

    Attributes:
        tried: Where it has failed, or took too long.
        moved: Whether it was taken away from a simulator that was too slow.
    """

    tried: set[SimulatorId] = field(default_factory=set)
    moved: bool = False


def run_of(trial: TrialId, attempt: int) -> TrialId:
    """Return the name of an attempt at a trial, which no other run ever has."""
    return trial if attempt == 1 else TrialId(f"{trial}.{attempt}")
