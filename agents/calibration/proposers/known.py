"""What a proposer was told, and points that are not there yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..description import check_space
from ..forecast import Forecast
from ..record import TrialRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ....protocols.trial import TrialId
    from ..array import Array
    from ..space import Point, Space
    from ..target import Target

Key = tuple[float, ...]
"""A point as something to look up by: the values in the order of the space."""

_CLOSE = 1e-9
"""Points whose values differ by less, of their bounds' width, are the same."""


@dataclass(frozen=True, slots=True)
class KnownTrial:
    """A trial as it was last told."""

    record: TrialRecord
    forecast: Forecast | None


class KnownTrials:
    """The trials that were told, the latest word on each of them.

    Args:
        space: Where points lie.
        target: Refuses outcomes that have no loss.

    Raises:
        InvalidCalibrationError: There is no room for points.
    """

    def __init__(self, space: Space, target: Target) -> None:
        check_space(space)
        self._space = space
        self._target = target
        self._low = np.array([parameter.low for parameter in space])
        self._width = np.array([parameter.high - parameter.low for parameter in space])
        self._trials: dict[TrialId, KnownTrial] = {}

    def __iter__(self) -> Iterator[KnownTrial]:
        return iter(self._trials.values())

    def __len__(self) -> int:
        return len(self._trials)

    def get(self, trial: TrialId) -> KnownTrial | None:
        """Return a trial, or None if it was never told."""
        return self._trials.get(trial)

    def tell(self, record: TrialRecord, forecast: Forecast | None) -> None:
        """Take note of a trial, in place of what was known of it.

        Raises:
            OutcomeError: Its latest outcome has no loss.
        """
        if record.outcomes:
            self._target.check(record.outcomes[-1])
        self._trials[record.id] = KnownTrial(record, forecast)

    # Points.

    def vector(self, point: Point) -> Array:
        """Return a point's values in the order of the space."""
        return np.array([point[parameter.name] for parameter in self._space])

    def point(self, vector: Iterable[float]) -> Point:
        """Return a vector as a point within the bounds."""
        pairs = zip(self._space, vector, strict=True)
        return {parameter.name: parameter.clipped(float(value)) for parameter, value in pairs}

    def key(self, point: Point) -> Key:
        """Return what a point is looked up by."""
        return tuple(float(point[parameter.name]) for parameter in self._space)

    def is_new(self, point: Point, running: Sequence[TrialRecord]) -> bool:
        """Whether no trial that was told or runs is at a point."""
        points = [seen.record.point for seen in self._trials.values()]
        points += [record.point for record in running]
        if not points:
            return True
        there = np.array([self.vector(other) for other in points])
        apart = np.abs(there - self.vector(point)) > _CLOSE * self._width
        return bool(apart.any(axis=1).all())

    def uniform(self, generator: np.random.Generator, running: Sequence[TrialRecord]) -> Point:
        """Draw a point anywhere within the bounds at which no trial is."""
        while True:
            point = self.point(self._low + self._width * generator.random(len(self._space)))
            if self.is_new(point, running):
                return point
