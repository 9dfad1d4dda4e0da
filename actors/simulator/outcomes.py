"""What users' code gives for an iteration, and what that is as an observation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .errors import NoIterationError
from .observation import Observation

_QUOTED = 200
"""How much of what makes no sense is quoted."""


def observation_of(what: str, value: Any, *, scalar: str) -> Observation:
    """Return what a function gave: names with numbers, a single number, or an observation.

    Args:
        what: Whose it is, for errors.
        value: What it gave.
        scalar: The name of a single number.

    Raises:
        NoIterationError: It is something else.
    """
    if isinstance(value, Observation):
        return value
    if isinstance(value, Mapping):
        return Observation(outcome={str(k): _number(what, v) for k, v in value.items()})
    return Observation(outcome={scalar: _number(what, value)})


def observation_in(what: str, line: bytes, *, sample: str) -> Observation:
    """Return what a program wrote in a line: a JSON object of numbers.

    Args:
        what: Whose it is, for errors.
        line: The line.
        sample: Under which name it says how many observations the others are shares of, if it does.

    Raises:
        NoIterationError: The line is something else.
    """
    quoted = line[:_QUOTED].decode(errors="replace")
    try:
        value = json.loads(line)  # which also reads the NaN that many programs write
    except (ValueError, RecursionError) as error:
        reason = f"wrote {quoted!r}, which is no JSON ({error}); one object a line is expected"
        raise NoIterationError(what, reason=reason) from None
    if not isinstance(value, dict):
        reason = f"wrote {quoted!r}, which is JSON, but no object"
        raise NoIterationError(what, reason=reason)
    numbers = {name: _number(what, number) for name, number in value.items()}
    count = numbers.pop(sample, 0.0)
    return Observation(outcome=numbers, sample=_whole(what, sample, count))


def _number(what: str, value: Any) -> float:
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        reason = f"gave {repr(value)[:_QUOTED]}, which is no number"
        raise NoIterationError(what, reason=reason)
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        reason = f"gave {repr(value)[:_QUOTED]}, which is no number ({error})"
        raise NoIterationError(what, reason=reason) from None


def _whole(what: str, name: str, number: float) -> int:
    if not number >= 0.0 or number != number // 1:
        raise NoIterationError(what, reason=f"gave {name} = {number}, which counts nothing")
    return int(number)
