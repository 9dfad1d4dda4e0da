"""What proposers have in common: they know every trial that they were told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .known import KnownTrials

if TYPE_CHECKING:
    import numpy as np

    from ..forecast import Forecast
    from ..record import TrialRecord
    from ..space import Space
    from ..target import Target


class InformedProposer:
    """Knows every trial that it was told; whoever inherits it proposes.

    Args:
        space: Where points lie.
        target: What is aimed at.
        iterations: Iterations of a full run.
        generator: Where its randomness comes from.

    Raises:
        InvalidCalibrationError: There is no room for points.
    """

    def __init__(
        self, space: Space, target: Target, *, iterations: int, generator: np.random.Generator
    ) -> None:
        self._space = space
        self._target = target
        self._iterations = iterations
        self._generator = generator
        self._known = KnownTrials(space, target)

    def tell(self, record: TrialRecord, forecast: Forecast | None) -> None:
        """Take note of a trial, in place of what was known of it.

        Raises:
            OutcomeError: The latest outcome has no loss.
        """
        self._known.tell(record, forecast)
