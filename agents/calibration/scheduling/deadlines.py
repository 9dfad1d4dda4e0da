"""When something is to be done about a run that is not heard of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .runs import Phase

if TYPE_CHECKING:
    from ..settings import CalibrationSettings
    from .fleet import Fleet
    from .runs import Run, Trouble

_LEAST_SILENCE: Final = 1.0
"""Seconds within which no trial counts as a straggler, however fast its simulator is."""


class Deadlines:
    """Says when runs are due.

    Args:
        settings: What counts as too long.
        fleet: Says what is usual.
    """

    def __init__(self, settings: CalibrationSettings, fleet: Fleet) -> None:
        self._settings = settings
        self._fleet = fleet

    def of(self, run: Run, trouble: Trouble | None, *, number: int) -> float | None:
        """Return when a run is to be looked at, unless it is heard of before; None for never.

        Args:
            run: The run.
            trouble: What has gone wrong with its trial.
            number: Which iteration is waited for.
        """
        if run.phase is Phase.LINGERING:
            return run.heard + self._settings.linger
        if run.phase is Phase.ENDING:
            return None
        silence = self._settings.silence
        moments = [
            self._straggling(run, trouble, number=number),
            None if silence is None else run.heard + silence,
        ]
        return min((moment for moment in moments if moment is not None), default=None)

    def is_silent(self, run: Run, at: float) -> bool:
        """Whether a run has shown nothing for so long that it counts as failed."""
        silence = self._settings.silence
        return silence is not None and at >= run.heard + silence

    def _straggling(self, run: Run, trouble: Trouble | None, *, number: int) -> float | None:
        """Return when a run is late, if another simulator could have its trial."""
        factor = self._settings.straggler
        moved = trouble is not None and trouble.moved
        if factor is None or moved or not self._fleet.others_than(run.simulator):
            return None
        usual = self._fleet.usual(run.simulator, number=number)
        return None if usual is None else run.heard + max(factor * usual, _LEAST_SILENCE)
