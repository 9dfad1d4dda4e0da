"""What can go wrong with a trial before it runs.

PasselError
└── SimulatorError
    └── TrialRefusedError  a trial cannot be run as it was asked for
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.errors import PasselError

if TYPE_CHECKING:
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
