"""Where a calibrator may look: named parameters and their bounds."""

from __future__ import annotations

import msgspec


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One number that a calibrator chooses.

    Attributes:
        name: What the simulator calls it.
        low: The least value it may take.
        high: The greatest.
        start: Where to begin; where None, in the middle of the bounds.
        constant_of: The outcome whose log-odds it shifts, if it is the alternative-specific constant
            of a choice model; else empty.
    """

    name: str
    low: float = -10.0
    high: float = 10.0
    start: float | None = None
    constant_of: str = ""

    @property
    def beginning(self) -> float:
        """Where to begin."""
        return (self.low + self.high) / 2 if self.start is None else self.start

    def clipped(self, value: float) -> float:
        """Return the value within the bounds that is nearest to `value`."""
        return min(max(value, self.low), self.high)


Space = tuple[Parameter, ...]
"""All parameters of a calibration, in the order in which vectors have them."""

Point = dict[str, float]
"""A value for every parameter, by name."""
