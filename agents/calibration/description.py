"""Whether what a calibration is described by makes sense, by itself and with its simulators."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from .errors import InvalidCalibrationError, UnknownNameError
from .settings import CalibrationSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...protocols.trial import SimulatorSpec
    from .space import Parameter, Point
    from .target import Target

_ROUNDED: Final = 0.02
"""Shares that add up to 1 but for this were rounded."""

_RESOLUTION: Final = 1e-9
"""Bounds that differ by less, of their size, hold too few numbers to look in."""


def check_space(space: Sequence[Parameter]) -> None:
    """Refuse a space in which nothing can be looked for.

    A parameter whose bounds are equal stays there, as long as another one has room.

    Raises:
        InvalidCalibrationError: It has no parameters, or one of them twice; bounds are no numbers or in
            the wrong order; a start lies outside; or no bounds hold more than a point.
    """
    for parameter in space:
        _check_bounds(parameter)
    twice = [name for name, count in Counter(p.name for p in space).items() if count > 1]
    if twice:
        reason = f"has {', '.join(twice)} twice; give each parameter once"
        raise InvalidCalibrationError("the space", reason)
    if not any(_has_room(parameter) for parameter in space):
        reason = "holds one point only; give at least one parameter, with bounds that differ"
        raise InvalidCalibrationError("the space", reason)


def check_target(target: Target) -> None:
    """Refuse a target that nothing can be compared with.

    Raises:
        InvalidCalibrationError: It has no values, or one that is no number; or shares are negative, or
            add up to something else than 1.
    """
    if not target.values:
        raise InvalidCalibrationError("the target", "is empty; give the wanted value of an outcome")
    for name, value in target.values.items():
        if not math.isfinite(value) or (target.shares and value < 0):
            wanted = "a share, from 0 to 1" if target.shares else "a finite number"
            raise InvalidCalibrationError("the target", f"has {name} = {value}; give {wanted}")
    total = sum(target.values.values())
    if target.shares and abs(total - 1.0) > _ROUNDED:
        reason = (
            f"has shares that add up to {total:g}; give them in parts of 1, or say `shares: false` "
            "if the values are none of a whole"
        )
        raise InvalidCalibrationError("the target", reason)


def check_fixed(fixed: Point, space: Sequence[Parameter]) -> None:
    """Refuse values of parameters that cannot be held.

    Raises:
        InvalidCalibrationError: One is no number, or is to be found at the same time.
    """
    for name, value in fixed.items():
        if not math.isfinite(value):
            raise InvalidCalibrationError(f"fixed {name}", f"is {value}; give a finite number")
    both = [parameter.name for parameter in space if parameter.name in fixed]
    if both:
        reason = "in `space` and in `fixed`; a parameter is either found or held"
        raise InvalidCalibrationError(", ".join(both), f"stands {reason}")


def check_settings(settings: CalibrationSettings) -> None:
    """Refuse settings that no topology could have either.

    Raises:
        InvalidCalibrationError: A number is out of its bounds.
    """
    try:
        msgspec.convert(msgspec.to_builtins(settings), CalibrationSettings)
    except msgspec.ValidationError as error:
        raise InvalidCalibrationError("the settings", f"do not hold: {error}") from None


def check_fit(
    spec: SimulatorSpec, target: Target, space: Sequence[Parameter], fixed: Point
) -> None:
    """Refuse names that the simulators do not have; those of whom nothing is known take any.

    Raises:
        UnknownNameError: Says which, and which there are.
    """
    if spec.parameters:
        calibrated = [parameter.name for parameter in space]
        _check_names("the space", calibrated, spec.name, spec.parameters)
        _check_names("`fixed`", fixed, spec.name, spec.parameters)
    if spec.outcomes:
        wanted = [name for name, value in target.values.items() if value or not target.shares]
        _check_names("the target", wanted, spec.name, spec.outcomes)
    constants = [p.constant_of for p in space if p.constant_of]
    shown, whose = (
        (spec.outcomes, spec.name) if spec.outcomes else (tuple(target.values), "the target")
    )
    _check_names("`constant_of`", constants, whose, shown)


def _check_names(what: str, names: Iterable[str], whose: str, known: Sequence[str]) -> None:
    odd = tuple(dict.fromkeys(name for name in names if name not in known))
    if odd:
        raise UnknownNameError(what, odd, whose=whose, known=tuple(known))


def _check_bounds(parameter: Parameter) -> None:
    low, high, what = parameter.low, parameter.high, f"the bounds of {parameter.name}"
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InvalidCalibrationError(what, f"are {low:g} and {high:g}; give finite numbers")
    if low > high:
        raise InvalidCalibrationError(what, f"are {low:g} and {high:g}; the lower comes first")
    if not low <= parameter.beginning <= high:
        reason = f"is {parameter.beginning:g}, outside of {low:g} to {high:g}; begin within"
        raise InvalidCalibrationError(f"the start of {parameter.name}", reason)


def _has_room(parameter: Parameter) -> bool:
    size = max(abs(parameter.low), abs(parameter.high))
    return parameter.high - parameter.low > _RESOLUTION * size
