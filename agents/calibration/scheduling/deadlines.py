"""When something is to be done about a run that is not heard of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .runs import Phase

if TYPE_CHECKING:
    from ..settings import CalibrationSettings
    from .fleet import Fleet
    from .runs import Placement, Run

_LEAST_SILENCE: Final = 1.0
"""Seconds within which no trial counts as a straggler, however fast its simulator is."""

_LAST_CHANCE: Final = 4.0
"""How many times longer than a straggler a run may take that cannot be moved before it has failed."""

_LEAST_HANGING: Final = 60.0
"""Seconds within which no trial counts as hanging, however fast its simulator is."""

_ENDING_SECONDS: Final = 60.0
"""How long a simulator may take to end a run before its slot counts as lost."""

_QUEUED_SECONDS: Final = 10.0
"""How long a run waits for a slot of its simulator while another one is free."""


class Deadlines:
    """Says when runs are due.

    Args:
        settings: What counts as too long.
        fleet: Says what is usual.
    """

    def __init__(self, settings: CalibrationSettings, fleet: Fleet) -> None:
        self._settings = settings
        self._fleet = fleet

    def of(self, run: Run, placement: Placement | None, *, number: int) -> float | None:
        """Return when a run is to be looked at, unless it is heard of before; None for never.

        Args:
            run: The run.
            placement: Where its trial was placed in vain, if it was.
            number: Which iteration is waited for.
        """
        match run.phase:
            case Phase.LINGERING:
                return run.heard + self._settings.linger
            case Phase.ENDING:
                return run.heard + _ENDING_SECONDS
            case Phase.LOST:
                return None
            case Phase.RUNNING if not run.begun:  # others have the slots, and will end
                beside = self._fleet.is_free_beside(run.simulator)
                return run.heard + _QUEUED_SECONDS if beside else None
            case Phase.RUNNING:
                late = self._late(run, number) if self._can_move(run, placement) else None
                moments = (late, self._hopeless(run, number))
                return min((moment for moment in moments if moment is not None), default=None)

    def should_move(self, run: Run, placement: Placement | None, at: float) -> bool:
        """Whether another simulator is to have the trial of a run that is due; else it has failed."""
        silence = self._settings.silence
        silent = silence is not None and at >= run.heard + silence
        return not silent and self._can_move(run, placement)

    def _can_move(self, run: Run, placement: Placement | None) -> bool:
        """Whether another simulator could have a trial; it may be moved once."""
        moved = placement is not None and placement.moved
        return not moved and self._fleet.others_than(run.simulator)

    def _late(self, run: Run, number: int) -> float | None:
        """Return when a run is a straggler; None while it is unknown what is usual."""
        usual = self._fleet.usual(run.simulator, number=number)
        factor = self._settings.straggler
        if factor is None or usual is None:
            return None
        return run.heard + max(factor * usual, _LEAST_SILENCE)

    def _hopeless(self, run: Run, number: int) -> float | None:
        """Return when a run has failed of which nothing has come, wherever it might be moved."""
        silence, late = self._settings.silence, self._late(run, number)
        moments = [] if silence is None else [run.heard + silence]
        if late is not None:
            moments.append(run.heard + max(_LAST_CHANCE * (late - run.heard), _LEAST_HANGING))
        return min(moments, default=None)
