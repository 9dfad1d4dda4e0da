"""Which trial is the best one, and whether that has been confirmed on fresh seeds."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from ....protocols.trial import TrialId  # noqa: TC001  # hints are read at run time
from ..space import Point  # noqa: TC001  # hints are read at run time
from .noise import distance_between, sampling_loss

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..record import TrialRecord
    from ..target import Target

_NEAR: Final = 2.0
"""A loss of so many times what sampling alone makes is worth a look at the noise between seeds."""


class Incumbent(msgspec.Struct, frozen=True, kw_only=True):
    """The best point so far.

    Attributes:
        trial: The trial that found it.
        point: Where that ran.
        loss: The mean loss of the runs with fresh seeds; of the trial itself, if there are none.
        confirmed: How many runs with fresh seeds that is the mean of.
        deviation: The standard deviation of a single run's loss; 0 for fewer than two.
        noise: The mean distance between the outcomes of those runs; 0 for fewer than two.
    """

    trial: TrialId
    point: Point
    loss: float
    confirmed: int = 0
    deviation: float = 0.0
    noise: float = 0.0


class Candidates:
    """All full runs that did not confirm another one, with the runs that confirm them.

    Args:
        target: What outcomes should be.
        wanted: How many runs with fresh seeds confirm a point.
        goal: The loss that is to be reached, or None.
        floor: The least loss that any point could have.
        noise: Whether to end where noise hides what is left.
    """

    def __init__(
        self, target: Target, *, wanted: int, goal: float | None, floor: float, noise: bool
    ) -> None:
        self._target = target
        self._wanted = wanted
        self._goal = goal
        self._floor = floor
        self._ends_by_noise = noise
        self._found: dict[TrialId, TrialRecord] = {}
        self._losses: dict[TrialId, float] = {}
        self._runs: dict[TrialId, list[TrialRecord]] = {}
        self._noise: float | None = None
        self._best: Incumbent | None = None

    @property
    def least(self) -> float | None:
        """The least loss that a full run has shown."""
        return min(self._losses.values(), default=None)

    def take(self, record: TrialRecord, *, full: bool) -> None:
        """Take note of a trial that has ended."""
        if record.confirms is not None:
            self._confirms(record, record.confirms)
        elif record.state == "finished" and full:
            self._found[record.id] = record
            self._losses[record.id] = self._target.loss(record.outcomes[-1])
        else:
            return
        self._best = _least(self.incumbent_of(trial) for trial in self._found)

    def _confirms(self, record: TrialRecord, trial: TrialId) -> None:
        self._runs.setdefault(trial, []).append(record)
        finished = len(self._finished(trial))
        if self.missing(trial) > 0 or trial not in self._found:
            return
        if finished > 1:
            self._noise = self.incumbent_of(trial).noise
        if not finished:  # it cannot be run again, whatever it showed the first time
            del self._found[trial], self._losses[trial]

    @property
    def best(self) -> Incumbent | None:
        """The best point so far, judged by confirming runs where all of these are there."""
        return self._best

    @property
    def claimed(self) -> Incumbent | None:
        """The best point that was confirmed; without confirmed ones, the best of all."""
        confirmed = [trial for trial in self._found if self._finished(trial)]
        return _least(self._confirmed(trial) for trial in confirmed) or self._best

    def incumbent_of(self, trial: TrialId) -> Incumbent:
        """Return what is known of a trial's point."""
        if self.is_confirmed(trial):
            return self._confirmed(trial)
        return Incumbent(trial=trial, point=self._found[trial].point, loss=self._losses[trial])

    def _confirmed(self, trial: TrialId) -> Incumbent:
        outcomes = [run.outcomes[-1] for run in self._finished(trial)]
        losses = [self._target.loss(outcome) for outcome in outcomes]
        mean = sum(losses) / len(losses)
        spread = sum((loss - mean) ** 2 for loss in losses)
        return Incumbent(
            trial=trial,
            point=self._found[trial].point,
            loss=mean,
            confirmed=len(losses),
            deviation=sqrt(spread / (len(losses) - 1)) if len(losses) > 1 else 0.0,
            noise=distance_between(outcomes, self._target),
        )

    # Confirming.

    def promising(self) -> TrialId | None:
        """Return a trial that would end the calibration if it were confirmed, or None."""
        best = self._best
        if best is None or self.is_confirmed(best.trial) or not self._wanted:
            return None
        within = self._goal is not None and best.loss <= self._goal
        wanted = within or (self._ends_by_noise and self._looks_like_noise(best))
        return best.trial if wanted else None

    def missing(self, trial: TrialId) -> int:
        """Return how many more runs the confirmation of a trial wants.

        Runs that fail are made up for, as often as there are runs wanted.
        """
        made = len(self._runs.get(trial, ()))
        finished = len(self._finished(trial))
        return min(self._wanted - finished, 2 * self._wanted - made)

    def is_confirmed(self, trial: TrialId) -> bool:
        """Whether all runs that confirm a trial have ended."""
        return self._wanted > 0 and self.missing(trial) <= 0 and bool(self._finished(trial))

    def verdict(self) -> Literal["goal", "noise"] | None:
        """Return what the best confirmed point ends the calibration by, if it does."""
        best = self.claimed
        if best is None or (self._wanted and not self.is_confirmed(best.trial)):
            return None
        if self._goal is not None and best.loss <= self._goal:
            return "goal"
        if not best.confirmed or not self._ends_by_noise:
            return None
        near = best.noise if best.confirmed > 1 else self._sampling(best.trial)
        return "noise" if near and best.loss - self._floor <= near else None

    def _looks_like_noise(self, best: Incumbent) -> bool:
        near = _NEAR * self._sampling(best.trial) if self._noise is None else self._noise
        return near > 0.0 and best.loss - self._floor <= near

    def _sampling(self, trial: TrialId) -> float:
        record = self._found[trial]
        if not self._target.shares:
            return 0.0
        return sampling_loss(record.outcomes[-1], record.samples[-1])

    def _finished(self, trial: TrialId) -> list[TrialRecord]:
        return [run for run in self._runs.get(trial, ()) if run.state == "finished"]


def _least(known: Iterable[Incumbent]) -> Incumbent | None:
    return min(known, key=lambda incumbent: incumbent.loss, default=None)
