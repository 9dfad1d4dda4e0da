"""The calculator: exact arithmetic in text, as a tool."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from ..declaration import tool
from ..errors import ToolArgumentsError
from .expression import evaluate
from .magnitude import ExpressionError

_WIDEST: Final = range(-(2**63), 2**64)


@tool(concurrency=64, timeout=5.0, idempotent=True)
async def calculator(expression: str) -> bool | int | float | str:
    """Compute an arithmetic expression exactly and return its value.

    Numbers, + - * / // % ** (or ^), parentheses, lists, the comparisons < <= > >= == !=, the
    constants pi, e and tau, and the functions abs acos asin atan ceil comb cos degrees exp
    factorial floor gcd lcm log log10 log2 max mean median min radians round sin sqrt sum tan.
    Angles are radians; halves are rounded to the even neighbour. No units and no words.

    Args:
        expression: Such as `round(1141 / 3.2808, 2)` or `max([3, 5]) * sqrt(16)`.

    Returns:
        An integer where the value is one, as a text if it has more than 64 bits; else a float, or
        the truth of a comparison.
    """
    try:
        value = evaluate(expression)
        return _answer(value)
    except ExpressionError as error:
        raise ToolArgumentsError("calculator", "expression", reason=str(error)) from None


def _answer(value: bool | Fraction | float) -> bool | int | float | str:
    if isinstance(value, Fraction):
        try:
            return float(value)
        except OverflowError:
            raise ExpressionError("has a value too large for a float") from None
    if isinstance(value, int) and value not in _WIDEST:
        return str(value)
    return value
