"""What can go wrong around a calibration; what becomes of one trial stands in its record.

PasselError
└── CalibrationError
    ├── OutcomeError         a simulator shows what cannot be compared with the target
    ├── OutcomeNamesError    simulators show other outcomes than those that the target names
    ├── AvailabilityError    who can choose what does not add up
    ├── SharesWantedError    something that works with shares was given another target
    ├── NoConstantError      something that works on constants was given none
    ├── UnknownSamplerError  Optuna has no sampler of that name
    ├── MissingPackageError  something needs a package that is not installed
    ├── InvalidCalibrationError  what is to be calibrated, or how, makes no sense
    ├── UnknownNameError     something is named that the simulators do not have
    ├── NoSimulatorsError    no simulator was given, or none answers
    ├── SimulatorsDifferError  the simulators of a fleet simulate different things
    ├── NoParametersError    nothing is left to be calibrated
    ├── UnknownMethodError   no proposer or stopper has that name
    ├── MethodOptionsError   a proposer or stopper does not take the options that were given
    ├── NothingFoundError    no point can be claimed
    ├── UnderWayError        the calibrator is calibrating already
    ├── SupersededError      another calibration, or life of this one, has begun where it is kept
    ├── JournalLostError     the journal that keeps it was started anew, and knows nothing of it
    ├── LogError             a log of a calibration cannot be written or read
    └── JobError             a calibration of a function or program is described wrongly
"""

from __future__ import annotations

from difflib import get_close_matches

from ...protocols.errors import PasselError


class CalibrationError(PasselError):
    """Everything that goes wrong around a calibration."""


class NothingFoundError(CalibrationError):
    """Raised behind the report of a calibration that claims no point."""

    def __init__(self, ended: str, detail: str) -> None:
        why = f": {detail}" if detail else "; let it run longer"
        super().__init__(f"nothing was found, and it ended by {ended}{why}")
        self.ended = ended
        self.detail = detail


class OutcomeError(CalibrationError):
    """Raised when a value of an outcome cannot be compared with the target."""

    def __init__(self, name: str, value: float | None, *, wanted: str) -> None:
        shown = "is missing" if value is None else f"is {value}"
        super().__init__(f"the outcome {name!r} {shown}; it has to be {wanted}: mend the simulator")
        self.name = name
        self.value = value


class OutcomeNamesError(CalibrationError):
    """Raised when a trial has ended without outcomes of the target, and with some that it has not.

    Attributes:
        missing: What the target wants, and no trial has shown.
        shown: What trials have shown.
    """

    def __init__(self, missing: tuple[str, ...], *, shown: tuple[str, ...], shares: bool) -> None:
        near = [n for name in missing for n in get_close_matches(name, shown, n=1)]
        guess = f" (did you mean {', '.join(dict.fromkeys(near))}?)" if near else ""
        zero = "; what is not wanted has a target of 0" if shares else ""
        super().__init__(
            f"the target wants {', '.join(missing)}, and the simulators show {', '.join(shown)}{guess}: "
            f"give outcomes the same names on both sides{zero}"
        )
        self.missing = missing
        self.shown = shown


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
    """Raised when Optuna has no sampler of a name."""

    def __init__(self, name: str, *, known: tuple[str, ...]) -> None:
        super().__init__(f"the sampler {name!r} is unknown; choose of {', '.join(known)}")
        self.name = name
        self.known = known


class MissingPackageError(CalibrationError):
    """Raised when something needs a package that is not installed."""

    def __init__(self, who: str, package: str) -> None:
        source = "torch" if package == "torch" else "'passel[calibration]'"
        super().__init__(f"{who} needs {package}, which is not installed: `pip install {source}`")
        self.who = who
        self.package = package


class InvalidCalibrationError(CalibrationError):
    """Raised when what a calibration is described by makes no sense."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} {reason}")
        self.what = what
        self.reason = reason


class UnknownNameError(CalibrationError):
    """Raised when a parameter or outcome is named that there is not."""

    def __init__(
        self, what: str, names: tuple[str, ...], *, whose: str, known: tuple[str, ...]
    ) -> None:
        super().__init__(
            f"{what} has {', '.join(names)}, which {whose} does not; choose of {', '.join(known)}"
        )
        self.what = what
        self.names = names
        self.known = known


class NoSimulatorsError(CalibrationError):
    """Raised when there is nothing to run trials on."""

    def __init__(self, reason: str = "") -> None:
        if reason:
            super().__init__(f"no simulator answers; the last one said: {reason}")
        else:
            super().__init__("there are no simulators; give the calibrator at least one")
        self.reason = reason


class SimulatorsDifferError(CalibrationError):
    """Raised when the simulators of a fleet do not simulate the same thing."""

    def __init__(self, one: str, other: str, what: str) -> None:
        super().__init__(
            f"{one} and {other} differ in their {what}; give a calibrator simulators of one kind"
        )
        self.one = one
        self.other = other
        self.what = what


class NoParametersError(CalibrationError):
    """Raised when nothing is left to be calibrated."""

    def __init__(self, simulator: str) -> None:
        super().__init__(
            f"{simulator} has no parameters that are free; name them with their bounds (`space`), or "
            "fix fewer"
        )
        self.simulator = simulator


class UnknownMethodError(CalibrationError):
    """Raised when there is no proposer or stopper of a name."""

    def __init__(self, what: str, name: str, *, known: tuple[str, ...], reason: str = "") -> None:
        why = reason or "it is unknown"
        super().__init__(
            f"there is no {what} {name!r}: {why}; choose of {', '.join(known)}, or name a function "
            "that makes one, as 'module:function'"
        )
        self.what = what
        self.name = name
        self.known = known
        self.reason = reason


class MethodOptionsError(CalibrationError):
    """Raised when a proposer or stopper does not take the options that were given."""

    def __init__(self, what: str, name: str, *, takes: tuple[str, ...], reason: str) -> None:
        options = ", ".join(takes) or "none"
        super().__init__(
            f"the {what} {name!r} cannot be made: {reason}; its options are: {options}"
        )
        self.what = what
        self.name = name
        self.takes = takes
        self.reason = reason


class UnderWayError(CalibrationError):
    """Raised when a calibrator that calibrates is asked to begin."""

    def __init__(self, calibration: str) -> None:
        super().__init__(f"calibration {calibration} is under way; ask for its `progress`")
        self.calibration = calibration


class SupersededError(CalibrationError):
    """Raised when another calibration has begun where this one is kept, or goes on with it."""

    def __init__(self, calibration: str) -> None:
        super().__init__(
            f"calibration {calibration} is kept here no more: another calibrator of the same name, "
            "target, space and seed goes on with it, or has begun anew; ask that one, or give "
            "calibrators names or seeds of their own"
        )
        self.calibration = calibration


class JournalLostError(CalibrationError):
    """Raised when the journal that kept a calibration has forgotten it: it died, and was not durable."""

    def __init__(self, calibration: str) -> None:
        super().__init__(
            f"calibration {calibration} is lost: the journal that kept it was started anew, and is not "
            "durable; spawn it with `durable=True`, or in the process of the calibrator"
        )
        self.calibration = calibration


class LogError(CalibrationError):
    """Raised when a log of a calibration cannot be written or read."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"log {path}: {reason}")
        self.path = path
        self.reason = reason


class JobError(CalibrationError):
    """Raised when a calibration of a function or program is described wrongly."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
