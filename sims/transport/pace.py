"""How long a simulated simulator takes, and how often it fails: for trying out what waits for it."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...protocols.trial import Trial


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to trials besides their arithmetic. By default, nothing.

    Attributes:
        seconds: How long an iteration takes on average; 0 for as long as it computes.
        spread: The standard deviation of the logarithm of that time, which is lognormal.
        crash_rate: The part of the trials that fail, each in one of its iterations.
        straggler_rate: The part of the trials that are slow.
        straggler_factor: How many times as long these take.
        seed: What all of this is drawn from, together with a trial's name: so each try of a trial has
            luck of its own, and the same again in another run of the program.
    """

    seconds: float = 0.0
    spread: float = 0.3
    crash_rate: float = 0.0
    straggler_rate: float = 0.0
    straggler_factor: float = 10.0
    seed: int = 0

    def of(self, trial: Trial) -> TrialPace:
        """Return what happens to one trial."""
        luck = random.Random(f"{self.seed} {trial.id}")  # noqa: S311  # no secret
        crashes = luck.random() < self.crash_rate
        crash = luck.randint(1, trial.iterations) if crashes else None
        slow = self.straggler_factor if luck.random() < self.straggler_rate else 1.0
        return TrialPace(crash, self._times(slow * self.seconds, luck))

    def _times(self, mean: float, luck: random.Random) -> Iterator[float]:
        while True:
            yield mean * math.exp(luck.gauss(0.0, self.spread) - self.spread**2 / 2)


class TrialPace:
    """What happens to one trial.

    Attributes:
        crash: In which iteration it fails; None if it does not.
        seconds: How long each iteration takes, without end.
    """

    def __init__(self, crash: int | None, seconds: Iterator[float]) -> None:
        self.crash = crash
        self.seconds = seconds
