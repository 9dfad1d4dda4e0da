"""What can go wrong around a calibration; what becomes of one trial stands in its record.

PasselError
└── CalibrationError
    ├── OutcomeError         a simulator shows what cannot be compared with the target
    ├── AvailabilityError    who can choose what does not add up
    ├── SharesWantedError    something that works with shares was given another target
    ├── NoConstantError      something that works on constants was given none
    └── UnknownSamplerError  Optuna's sampler has another name, or needs a package
"""

from __future__ import annotations

from ...protocols.errors import PasselError


class CalibrationError(PasselError):
    """Everything that goes wrong around a calibration."""


class OutcomeError(CalibrationError):
    """Raised when a value of an outcome cannot be compared with the target."""

    def __init__(self, name: str, value: float | None, *, wanted: str) -> None:
        shown = "is missing" if value is None else f"is {value}"
        super().__init__(f"the outcome {name!r} {shown}; it has to be {wanted}: mend the simulator")
        self.name = name
        self.value = value


class AvailabilityError(CalibrationError):
    """Raised when a simulator's account of who can choose what does not add up."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; give each part of the travellers alternatives and a weight")


class SharesWantedError(CalibrationError):
    """Raised when something that works with shares of a whole was given another target."""

    def __init__(self, who: str) -> None:
        super().__init__(
            f"{who} works with shares of a whole; set `shares`, or take another one, such as TPE"
        )
        self.who = who


class NoConstantError(CalibrationError):
    """Raised when no parameter says whose constant it is, to something that works on constants."""

    def __init__(self, who: str) -> None:
        super().__init__(
            f"{who} shifts the constants of alternatives, and no parameter is one; say which outcome "
            "each belongs to (`constant_of`), or take another proposer, such as TPE"
        )
        self.who = who


class UnknownSamplerError(CalibrationError):
    """Raised when Optuna has no sampler of that name, or a package that it needs is missing."""

    def __init__(self, name: str, *, known: tuple[str, ...], missing: str = "") -> None:
        reason = f"needs the package {missing}" if missing else "is unknown"
        super().__init__(f"the sampler {name!r} {reason}; choose of {', '.join(known)}")
        self.name = name
        self.missing = missing
