"""Numbers within bounds."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final, TypeAlias

Number: TypeAlias = "int | Fraction | float"

MAX_BITS: Final = 8192
"""Most bits of an integer, a numerator or a denominator: about 2,466 digits."""


class ExpressionError(ValueError):
    """Raised when an expression does not read or has no value; never leaves the tool."""


def fitting(value: Number) -> Number:
    """Return a number that is within the bounds.

    Raises:
        ExpressionError: It is not, or is no number.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ExpressionError("has a value that is infinite or no number")
    elif bits(value) > MAX_BITS:
        raise too_large()
    return value


def product(left: Number, right: Number) -> Number:
    """Return the product of two numbers, if it is within the bounds.

    Raises:
        ExpressionError: It is not; it was not computed then.
    """
    exact = not isinstance(left, float) and not isinstance(right, float)
    if exact and bits(left) + bits(right) > MAX_BITS + 1:
        raise too_large()
    value = left * right
    return int(value) if isinstance(value, Fraction) and value.denominator == 1 else fitting(value)


def bits(value: Number) -> int:
    """Return the bits of the larger part of a rational number."""
    if isinstance(value, float):
        return 0
    whole = Fraction(value)
    return max(whole.numerator.bit_length(), whole.denominator.bit_length())


def too_large() -> ExpressionError:
    """Return the error of a number beyond the bounds."""
    return ExpressionError(f"has a value of more than {MAX_BITS} bits; use a smaller exponent")
