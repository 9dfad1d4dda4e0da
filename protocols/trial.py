"""What a calibrator and its simulators say to each other: trials, what they show, how they end."""

from __future__ import annotations

from typing import Literal, NewType

import msgspec

TrialId = NewType("TrialId", str)
"""The name of one trial; no two calibrations share one, so a result belongs to one trial only."""

Outcome = dict[str, float]
"""What one iteration of a trial came to, by name: the share of each mode, of 1; or any numbers."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a simulator that is wanted.

    Attributes:
        id: Its name.
        parameters: The point at which to run, by name of parameter.
        iterations: How many iterations to run before it ends, or waits.
        seed: What the simulator draws from.
        waits: Whether it then stays as it is until it is extended or stopped, instead of ending.
            Simulators that cannot be extended end all the same.
    """

    id: TrialId
    parameters: dict[str, float]
    iterations: int
    seed: int = 0
    waits: bool = False


class TrialQueued(msgspec.Struct, frozen=True, kw_only=True, tag="queued"):
    """No slot is free for a trial; it waits for one, and a `TrialBegan` says when it has it.

    Attributes:
        trial: Which trial.
    """

    trial: TrialId


class TrialBegan(msgspec.Struct, frozen=True, kw_only=True, tag="began"):
    """A trial that had to wait has a slot; its first iteration is under way.

    Attributes:
        trial: Which trial.
    """

    trial: TrialId


class Iteration(msgspec.Struct, frozen=True, kw_only=True, tag="iteration"):
    """A running trial has come one iteration further.

    Attributes:
        trial: Whose iteration it is.
        number: Which one, counted from 1 without a gap.
        outcome: What it came to.
        sample: How many observations the outcome is a share of; 0 where it has no sampling error.
        seconds: How long the simulator worked on it.
    """

    trial: TrialId
    number: int
    outcome: Outcome
    sample: int = 0
    seconds: float = 0.0


Ending = Literal["finished", "stopped", "failed"]
"""How a trial ended: at its last iteration; because it was told to; because its simulator failed."""


class TrialEnded(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """Nothing more will come of a trial; the last thing its simulator says of it.

    Attributes:
        trial: Which trial.
        ending: How it ended.
        iterations: How many it has completed, in all.
        detail: Why it failed, or empty.
        output: Where the files lie that it has written, if it has and they are kept.
        shown: The names that its last outcome had, if it failed because others were missing.
    """

    trial: TrialId
    ending: Ending
    iterations: int
    detail: str = ""
    output: str = ""
    shown: tuple[str, ...] = ()


TrialEvent = TrialQueued | TrialBegan | Iteration | TrialEnded
"""What comes out of a trial."""


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the travellers, who can all choose from the same alternatives.

    Attributes:
        alternatives: What they can choose from: names of the outcome.
        weight: How many they are, in any unit that is the same for all parts.
    """

    alternatives: tuple[str, ...]
    weight: float


class SimulatorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulator says of itself.

    Attributes:
        name: What it simulates, for people.
        parameters: Names of the parameters that it takes; empty where it takes any.
        outcomes: Names of what it shows; empty where only a run can tell.
        iterations: After how many iterations its outcome counts as settled.
        slots: How many trials it runs at a time; more of them wait.
        extendable: Whether a trial can go on beyond the iterations it was started with.
        availability: Who can choose what; empty where it does not know.
    """

    name: str
    parameters: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    iterations: int = 1
    slots: int = 1
    extendable: bool = True
    availability: tuple[Availability, ...] = ()
