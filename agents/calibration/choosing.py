"""Proposers and stoppers by name, and what of a calibration follows from its simulators' words."""

from __future__ import annotations

import importlib
import inspect
import random  # noqa: TC003  # hints are read at run time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...protocols.trial import Availability  # noqa: TC001  # hints are read at run time
from .errors import (
    InvalidCalibrationError,
    MethodOptionsError,
    NoParametersError,
    SimulatorsDifferError,
    UnknownMethodError,
)
from .space import Parameter, Space
from .target import Target  # noqa: TC001  # hints are read at run time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ...protocols.trial import SimulatorSpec
    from .forecast import Stopper
    from .proposer import Proposer
    from .space import Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a proposer or stopper is made for.

    Attributes:
        target: What outcomes should be.
        space: Where it may look.
        iterations: After how many iterations an outcome counts as settled.
        random: Its randomness.
        availability: Who can choose what; empty where the simulators do not know.
    """

    target: Target
    space: Space
    iterations: int
    random: random.Random
    availability: tuple[Availability, ...] = ()


PROPOSERS: Final = (
    "auto", "bohb", "cmaes", "gp", "log-odds", "log-ratio", "random", "tpe",
)  # fmt: skip
"""Names of proposers; each is made by the function of that name in `methods`."""

STOPPERS: Final = ("incumbent", "never", "threshold")
"""The same for stoppers."""


def proposer_of(name: str, options: Mapping[str, Any], setting: Setting) -> Proposer:
    """Return a proposer by its name, or by that of a function, `module:function`, that makes it.

    Raises:
        UnknownMethodError: There is none of that name.
        MethodOptionsError: It does not take these options.
    """
    proposer: Proposer = _made("proposer", PROPOSERS, name, options, setting)
    return proposer


def stopper_of(name: str, options: Mapping[str, Any], setting: Setting) -> Stopper | None:
    """Return a stopper in the same way; `none` lets all trials run to their limit.

    Raises:
        UnknownMethodError: There is none of that name.
        MethodOptionsError: It does not take these options.
    """
    if name == "none":
        return None
    stopper: Stopper = _made("stopper", STOPPERS, name, options, setting)
    return stopper


def _made(
    what: str, known: Sequence[str], name: str, options: Mapping[str, Any], setting: Setting
) -> Any:
    """Return what a function makes; what fails in there is its own error."""
    make = _maker(what, known, name)
    signature = inspect.signature(make)
    try:
        signature.bind(setting, **options)
    except TypeError as error:
        takes = tuple(signature.parameters)[1:]
        raise MethodOptionsError(what, name, takes=takes, reason=str(error)) from None
    return make(setting, **options)


def _maker(what: str, known: Sequence[str], name: str) -> Callable[..., Any]:
    """Return the function that makes a proposer or stopper of this name."""
    path = f"{__package__}.methods:{name.replace('-', '_')}" if name in known else name
    module, colon, function = path.partition(":")
    if not colon:
        raise UnknownMethodError(what, name, known=tuple(known))
    try:
        make = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise UnknownMethodError(what, name, known=tuple(known), reason=str(error)) from error
    if not callable(make):
        reason = f"it is a {type(make).__name__}, no function"
        raise UnknownMethodError(what, name, known=tuple(known), reason=reason)
    found: Callable[..., Any] = make
    return found


def common(specs: Sequence[SimulatorSpec]) -> SimulatorSpec:
    """Return what all simulators of a fleet say of themselves, but for their slots.

    Raises:
        InvalidCalibrationError: One of them runs nothing.
        SimulatorsDifferError: They simulate different things.
    """
    first = specs[0]
    for spec in specs:
        check_alike(first, spec, spec.name)
    return first


def check_alike(spec: SimulatorSpec, other: SimulatorSpec, name: str) -> None:
    """Make sure that another simulator, of this name, simulates the same thing.

    Raises:
        InvalidCalibrationError: It runs nothing.
        SimulatorsDifferError: It does not.
    """
    if other.slots < 1 or other.iterations < 1:
        reason = f"has {other.slots} slots and {other.iterations} iterations; give it one or more"
        raise InvalidCalibrationError(f"the simulator {name}", reason)
    for field in ("parameters", "outcomes", "iterations"):
        if getattr(other, field) != getattr(spec, field):
            raise SimulatorsDifferError(spec.name, name, field)


def space_of(spec: SimulatorSpec, target: Target, fixed: Point) -> Space:
    """Return where to look in a simulator of which only its own words are known.

    A parameter that has the name of an outcome, or that with `_intercept` behind it, is taken for its
    constant. If all outcomes have one, and none is fixed, that of the greatest target is left out:
    only differences of constants matter. What is left out is 0.

    Raises:
        NoParametersError: The simulator names no parameters, or all are fixed.
    """
    constants = {name: _constant_of(name, spec.outcomes) for name in spec.parameters}
    free = [name for name in spec.parameters if name not in fixed]
    if target.shares and {c for c in constants.values() if c} >= set(spec.outcomes):
        reference = max(target.values, key=lambda name: target.values[name])
        if all(constants[name] for name in free) and len(free) == len(spec.outcomes):
            free = [name for name in free if constants[name] != reference]
    if not free:
        raise NoParametersError(spec.name)
    return tuple(Parameter(name=name, constant_of=constants[name]) for name in free)


def left_out(spec: SimulatorSpec, space: Space, fixed: Point) -> Point:
    """Return a value for each parameter that is not calibrated: as it is fixed, or 0."""
    calibrated = {parameter.name for parameter in space}
    return {
        name: fixed.get(name, 0.0)
        for name in dict.fromkeys((*spec.parameters, *fixed))
        if name not in calibrated
    }


def _constant_of(parameter: str, outcomes: Sequence[str]) -> str:
    name = parameter.removesuffix("_intercept")
    return name if name in outcomes else ""
