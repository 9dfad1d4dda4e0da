"""What can go wrong with simulators and their trials.

PasselError
└── SimulatorError
    ├── TrialRefusedError      a trial cannot be run as it was asked for
    ├── InvalidSimulatorError  a simulator's description makes no sense
    └── NoIterationError       a trial's next iteration came to nothing
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.errors import PasselError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...protocols.trial import TrialId


class SimulatorError(PasselError):
    """Everything that goes wrong with a simulator; its handlers declare it."""


class TrialRefusedError(SimulatorError):
    """Raised when a trial cannot be run as it was asked for.

    Attributes:
        trial: Which trial.
        reason: What is wrong with it, and what mends that.
    """

    def __init__(self, trial: TrialId, reason: str) -> None:
        super().__init__(f"trial {trial} was refused: {reason}")
        self.trial = trial
        self.reason = reason


class InvalidSimulatorError(SimulatorError):
    """Raised when what a simulator should be made of makes no sense."""

    def __init__(self, what: str, *, reason: str) -> None:
        super().__init__(f"{what} cannot be simulated with: {reason}")
        self.what = what
        self.reason = reason


class NoIterationError(SimulatorError):
    """Raised when a trial's next iteration came to nothing; it costs the trial.

    Attributes:
        what: What should have brought it.
        reason: What became of that.
        lines: What it wrote last to its standard error, if it is a program.
    """

    def __init__(self, what: str, *, reason: str, lines: Sequence[str] = ()) -> None:
        said = "; the last it wrote:" + "".join(f"\n    {line}" for line in lines) if lines else ""
        super().__init__(f"{what} {reason}{said}")
        self.what = what
        self.reason = reason
        self.lines = tuple(lines)
