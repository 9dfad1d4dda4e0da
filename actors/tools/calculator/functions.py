"""The functions of the calculator: exact where there is an exact value, else floats."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from .magnitude import MAX_BITS, ExpressionError, Number, bits, fitting, too_large

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_FACTORIAL: Final = 900
"""Its factorial has 7,568 bits."""

CONSTANTS: Final[dict[str, Number]] = {"pi": math.pi, "e": math.e, "tau": math.tau}
"""Names of numbers."""


def power(base: Number, exponent: Number) -> Number:
    """Return a power: exact for whole exponents and for square roots that are.

    Raises:
        ExpressionError: It is beyond the bounds, or not real.
    """
    if isinstance(base, float) or isinstance(exponent, float):
        return _real_power(base, exponent)
    if exponent == Fraction(1, 2):
        return square_root(base)
    if isinstance(exponent, Fraction) and exponent.denominator != 1:
        return _real_power(base, exponent)
    whole = int(exponent)
    if base not in {0, 1, -1} and (bits(base) - 1) * abs(whole) > MAX_BITS:
        raise too_large()
    value = Fraction(base) ** whole
    return fitting(value.numerator if value.denominator == 1 else value)


def _real_power(base: Number, exponent: Number) -> float:
    if base < 0 and exponent != int(exponent):
        raise ExpressionError("has a root of a negative number")
    return float(fitting(float(base) ** float(exponent)))


def square_root(value: Number) -> Number:
    """Return the square root, exact if it is rational."""
    if value < 0:
        raise ExpressionError("has a root of a negative number")
    if isinstance(value, float):
        return math.sqrt(value)
    whole = Fraction(value)
    root = Fraction(math.isqrt(whole.numerator), math.isqrt(whole.denominator))
    if root * root == whole:
        return root
    return math.sqrt(whole)


def total(*numbers: Number) -> Number:
    """Return the sum."""
    result: Number = 0
    for number in numbers:
        result = fitting(result + number)
    return result


def mean(*numbers: Number) -> Number:
    """Return the arithmetic mean."""
    _require(numbers)
    return _ratio(total(*numbers), len(numbers))


def median(*numbers: Number) -> Number:
    """Return the middle one, or the mean of the two in the middle."""
    _require(numbers)
    ordered = sorted(numbers)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else mean(*ordered[half - 1 : half + 1])


def rounded(number: Number, digits: Number = 0) -> Number:
    """Return the nearest number with so many digits after the point; halves go to the even one."""
    places = _whole(digits)
    if abs(places) > MAX_BITS // 4:
        raise too_large()
    exact = Fraction(number)
    result = round(exact, places)
    return Fraction(result)


def factorial(number: Number) -> int:
    """Return n!."""
    whole = _whole(number)
    if whole > _MAX_FACTORIAL:
        raise too_large()
    return math.factorial(whole)


def choose(n: Number, k: Number) -> int:
    """Return in how many ways k of n things can be taken."""
    things, taken = _whole(n), _whole(k)
    if things > MAX_BITS:
        raise too_large()
    return math.comb(things, taken)


def logarithm(number: Number, base: Number = math.e) -> float:
    """Return the logarithm, to base e if no other is given."""
    return math.log(_positive(number)) if base == math.e else math.log(_positive(number), base)


def _positive(number: Number) -> Number:
    if number <= 0:
        raise ValueError("it needs a number above 0")
    return number if isinstance(number, int) else float(number)


def _ratio(number: Number, count: int) -> Number:
    return number / count if isinstance(number, float) else Fraction(number) / count


def _whole(number: Number) -> int:
    if number != int(number):
        raise ValueError("it needs a whole number")
    return int(number)


def _require(numbers: tuple[Number, ...]) -> None:
    if not numbers:
        raise ValueError("it needs at least one number")


def _smallest(*numbers: Number) -> Number:
    _require(numbers)
    return min(numbers)


def _largest(*numbers: Number) -> Number:
    _require(numbers)
    return max(numbers)


FUNCTIONS: Final[dict[str, Callable[..., Number]]] = {
    "abs": abs,
    "acos": math.acos,
    "asin": math.asin,
    "atan": math.atan,
    "ceil": math.ceil,
    "comb": choose,
    "cos": math.cos,
    "degrees": math.degrees,
    "exp": math.exp,
    "factorial": factorial,
    "floor": math.floor,
    "gcd": lambda *n: math.gcd(*map(_whole, n)),
    "lcm": lambda *n: math.lcm(*map(_whole, n)),
    "log": logarithm,
    "log10": lambda x: math.log10(_positive(x)),
    "log2": lambda x: math.log2(_positive(x)),
    "max": _largest,
    "mean": mean,
    "median": median,
    "min": _smallest,
    "radians": math.radians,
    "round": rounded,
    "sin": math.sin,
    "sqrt": square_root,
    "sum": total,
    "tan": math.tan,
}
"""Functions by name; lists among their arguments count as their numbers."""
