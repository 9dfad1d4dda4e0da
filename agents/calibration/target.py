"""What a calibrator aims at, and how far an outcome is from it."""

from __future__ import annotations

import math

import msgspec

from ...protocols.trial import Outcome  # noqa: TC001  # hints are read at run time
from .errors import OutcomeError


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What outcomes should be.

    Attributes:
        values: The wanted value of each outcome, by name; shares are parts of 1.
        shares: Whether the values are shares of a whole: then outcomes that are missing count as 0,
            and losses are in percentage points, from 0 to 200.
    """

    values: dict[str, float]
    shares: bool = True

    def loss(self, outcome: Outcome) -> float:
        """Return the L1 distance of an outcome: the sum of absolute differences.

        It is rounded once, so that it is the same to the last digit in whatever order names come: those
        of a set are in another order in every process.

        Raises:
            KeyError: An outcome that is no share is missing.
        """
        if not self.shares:
            return math.fsum(abs(outcome[name] - wanted) for name, wanted in self.values.items())
        names = self.values.keys() | outcome.keys()
        apart = (abs(outcome.get(name, 0.0) - self.values.get(name, 0.0)) for name in names)
        return 100.0 * math.fsum(apart)

    def check(self, outcome: Outcome) -> None:
        """Refuse what no loss can be computed from.

        Raises:
            OutcomeError: A number is not finite, a share is negative, shares add up to nothing, or
                an outcome that is no share is missing.
        """
        for name, value in outcome.items():
            if not math.isfinite(value):
                raise OutcomeError(name, value, wanted="a finite number")
            if self.shares and value < 0:
                raise OutcomeError(name, value, wanted="a share, which is not negative")
        if self.shares and not sum(outcome.values()) > 0:
            raise OutcomeError("sum", sum(outcome.values()), wanted="that of shares, so positive")
        if not self.shares:
            for name in self.values.keys() - outcome.keys():
                raise OutcomeError(name, None, wanted="a finite number")
