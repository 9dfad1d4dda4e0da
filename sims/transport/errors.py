"""What can go wrong with a simulated city.

PasselError
└── InjectedCrashError  a trial that was to fail, so that others can learn to live with it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.errors import PasselError

if TYPE_CHECKING:
    from ...protocols.trial import TrialId


class InjectedCrashError(PasselError):
    """Raised in a trial that `Pace.crash_rate` has chosen.

    Attributes:
        trial: Which trial.
        iteration: In which iteration.
    """

    def __init__(self, trial: TrialId, iteration: int) -> None:
        super().__init__(f"trial {trial} crashed in iteration {iteration}, as `crash_rate` wants")
        self.trial = trial
        self.iteration = iteration
