"""What the scheduler is told, and what it wants done: plain records; times are seconds since it began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NewType

from ....protocols.trial import Trial, TrialEvent, TrialId
from .ledger import Entry

SimulatorId = NewType("SimulatorId", str)
"""Names a simulator of the fleet."""


@dataclass(frozen=True, slots=True)
class Began:
    """The calibration begins, or goes on in a new life."""

    at: float


@dataclass(frozen=True, slots=True)
class SimulatorFound:
    """A simulator answers: it runs so many trials at a time."""

    at: float
    simulator: SimulatorId
    slots: int
    extendable: bool = True


@dataclass(frozen=True, slots=True)
class SimulatorMissing:
    """A simulator that was looked for does not answer."""

    at: float
    simulator: SimulatorId


@dataclass(frozen=True, slots=True)
class RunBegan:
    """A run that was to be started is on its way to its simulator."""

    at: float
    run: TrialId


@dataclass(frozen=True, slots=True)
class TrialReported:
    """Something came out of a run: that it waits, or begins; an iteration, or its end."""

    at: float
    event: TrialEvent


@dataclass(frozen=True, slots=True)
class RunRefused:
    """A simulator does not take a run as it is."""

    at: float
    run: TrialId
    detail: str


@dataclass(frozen=True, slots=True)
class RunBroken:
    """The way to a run is broken: its simulator is gone, or out of reach."""

    at: float
    run: TrialId
    detail: str


@dataclass(frozen=True, slots=True)
class ExtensionRefused:
    """A run that was to be extended is not there any more."""

    at: float
    run: TrialId


@dataclass(frozen=True, slots=True)
class TimePassed:
    """A moment that `WakeAt` asked for has come."""

    at: float


Event = (
    Began
    | SimulatorFound
    | SimulatorMissing
    | RunBegan
    | TrialReported
    | RunRefused
    | RunBroken
    | ExtensionRefused
    | TimePassed
)
"""What the scheduler is told."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Write an entry down before what follows is done."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class StartRun:
    """Have a simulator run a trial; its id is the run's, and no other run ever has it."""

    simulator: SimulatorId
    trial: Trial


@dataclass(frozen=True, slots=True)
class ExtendRun:
    """Let a run that waits at its limit go on, up to `iterations` in all."""

    simulator: SimulatorId
    run: TrialId
    iterations: int


@dataclass(frozen=True, slots=True)
class StopRun:
    """End a run; its end is reported."""

    simulator: SimulatorId
    run: TrialId


@dataclass(frozen=True, slots=True)
class SlotLost:
    """Let it be known that a simulator does not end a run, so that its slot is lost until it does."""

    simulator: SimulatorId
    run: TrialId


@dataclass(frozen=True, slots=True)
class LookFor:
    """Ask a simulator after so many seconds whether it is there."""

    simulator: SimulatorId
    after: float


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Say `TimePassed` at this time."""

    at: float


Ended = Literal[
    "goal",
    "noise",
    "iterations",
    "trials",
    "seconds",
    "exhausted",
    "failures",
    "stranded",
    "names",
]
"""Why a calibration is over: the goal is confirmed; it is as near as noise lets it be; a budget is used
up; the proposer wants nothing more; too many trials failed in a row; no simulator is left; outcomes are
called otherwise than in the target."""


@dataclass(frozen=True, slots=True)
class Misnamed:
    """The target wants outcomes that are `missing` among what simulators have `shown`."""

    missing: tuple[str, ...]
    shown: tuple[str, ...]
    shares: bool


@dataclass(frozen=True, slots=True)
class Finish:
    """The calibration is over; what still runs is to be ended. With `misnamed` that is an error."""

    ended: Ended
    detail: str = ""
    misnamed: Misnamed | None = None


Effect = Keep | StartRun | ExtendRun | StopRun | SlotLost | LookFor | WakeAt | Finish
"""What the shell has to do."""
