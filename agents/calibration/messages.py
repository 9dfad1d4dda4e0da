"""What a calibration says while it goes on, and at its end."""

from __future__ import annotations

import msgspec

from ...protocols.trial import Outcome, TrialId  # noqa: TC001  # hints are read at run time
from .record import State  # noqa: TC001  # hints are read at run time
from .scheduling import CalibrationId, Ended  # noqa: TC001  # hints are read at run time
from .space import Point  # noqa: TC001  # hints are read at run time


class RunningTrial(msgspec.Struct, frozen=True, kw_only=True):
    """A trial that has not ended.

    Attributes:
        trial: Its name.
        simulator: Where it runs; empty while it waits for a slot.
        iteration: How many iterations it has shown.
        limit: How many were asked for.
        loss: The loss of the latest one, or None.
        confirms: The trial that it confirms, or None.
    """

    trial: TrialId
    simulator: str
    iteration: int
    limit: int
    loss: float | None
    confirms: TrialId | None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How a calibration stands.

    Attributes:
        calibration: Its name.
        seconds: Seconds since it began.
        iterations: Iterations that have come.
        trials: Trials, by what became of them.
        slots: Trials that the simulators that are there run at a time.
        busy: Slots that are taken.
        use: The part of all slots' time in which wanted iterations were under way, of 1.
        best: The least loss so far: of fresh seeds once these have confirmed it; or None.
        confirmed: By how many of them.
        point: Where it was found, or None.
        outcome: What came out there, or None.
        running: The trials that have not ended.
        ended: Why it is over, or None.
    """

    calibration: CalibrationId
    seconds: float
    iterations: int
    trials: dict[State, int]
    slots: int
    busy: int
    use: float
    best: float | None = None
    confirmed: int = 0
    point: Point | None = None
    outcome: Outcome | None = None
    running: tuple[RunningTrial, ...] = ()
    ended: Ended | None = None


class CalibrationReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a calibration has found.

    Attributes:
        answer: The point that is claimed; None if no full run has ended.
        held: The parameters that were not to be found, as a reference, and what they stayed at.
        loss: Its mean loss over the runs with fresh seeds; over the run that found it, if there are
            none.
        confirmed: How many runs with fresh seeds that is the mean of.
        deviation: The standard deviation of a single run's loss.
        noise: The mean loss of one such run against another one.
        outcome: The mean outcome of these runs.
        ended: Why it ended.
        detail: More of that, or empty.
        goal: The loss that was to be reached, or None.
        floor: The least loss that any point could have, if the simulators know who can choose what.
        calibration: Its name.
        trials: How many there were.
        failed: How many of them failed.
        stopped: How many of them were stopped early.
        iterations: How many iterations came.
        seconds: How long it took, earlier lives included.
        worker_use: The part of all slots' time in which wanted iterations were under way, of 1.
        strays: Events that came twice, late, or from an unknown run, and changed nothing.
        resumed: Whether it went on from an earlier life.
        found: The trial that found the point.
    """

    answer: Point | None
    held: Point = {}
    loss: float | None
    confirmed: int
    deviation: float
    noise: float
    outcome: Outcome | None
    ended: Ended
    detail: str
    goal: float | None
    floor: float | None
    calibration: CalibrationId
    trials: int
    failed: int
    stopped: int
    iterations: int
    seconds: float
    worker_use: float
    strays: int
    resumed: bool
    found: TrialId | None = None
