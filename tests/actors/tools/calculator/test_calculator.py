"""Exact arithmetic in text, within bounds."""

from __future__ import annotations

import math
import random
import time
from fractions import Fraction

import pytest

from passel.actors.tools import ToolArgumentsError
from passel.actors.tools.calculator import calculator
from passel.actors.tools.calculator.expression import MAX_CHARACTERS


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("0.1 + 0.2", 0.3),
        ("1/3 + 1/6", 0.5),
        ("6 / 3", 2),
        ("-2 ** 2", -4),
        ("2 ^ 10", 1024),
        ("2 ** -2", 0.25),
        ("2 ** 3 ** 2", 512),
        ("7 // 2", 3),
        ("-7 % 3", 2),
        ("7.5 // 2", 3),
        ("6 \xd7 7 \u2212 2 \xf7 4", 41.5),
        ("1_000 * 3", 3000),
        ("1e3 + 1.5E-1", 1000.15),
        ("sqrt(16)", 4),
        ("sqrt(2.25)", 1.5),
        ("4 ** 0.5", 2),
        ("sqrt(2)", math.sqrt(2)),
        ("2 ** 0.5", math.sqrt(2)),
        ("8 ** (1/3)", 2.0),
        ("max(3, 5, 4) - min([3, 1])", 4),
        ("sum([0.1, 0.2, 0.3])", 0.6),
        ("sum(1, 2) + sum()", 3),
        ("mean([1, 2, 4])", 7 / 3),
        ("median(5, 1, 3, 2)", 2.5),
        ("round(2.5)", 2),
        ("round(1141 / 3.2808, 2)", 347.78),
        ("round(1234, -2)", 1200),
        ("abs(-3) + floor(2.7) + ceil(2.1)", 8),
        ("factorial(20)", 2432902008176640000),
        ("comb(5, 2) + gcd(12, 18) + lcm(4, 6)", 28),
        ("log(e)", 1.0),
        ("log(8, 2)", 3.0),
        ("log10(1000) + log2(8)", 6.0),
        ("round(sin(pi / 2) + cos(0), 9)", 2),
        ("degrees(pi)", 180.0),
        ("1 < 2 <= 2", True),
        ("3 == 4", False),
        ("2 ** 64", "18446744073709551616"),
        ("2 ** 64 - 1", 2**64 - 1),
        ("(10 ** 40 + 1) - 10 ** 40", 1),
        ("10 ** 400 / 10 ** 398", 100),
    ],
)
async def test_expressions_have_their_exact_values(text: str, value: object) -> None:
    result = await calculator(text)
    assert (result, type(result)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("9**9**9", "more than 8192 bits"),
        ("(10**2000) * (10**2000)", "more than 8192 bits"),
        ("2 ** -99999999999", "more than 8192 bits"),
        ("2 ** 1e9999", "1e9999, which is beyond the bounds"),
        ("1e-99999999", "beyond the bounds"),
        ("factorial(10**9)", "more than 8192 bits"),
        ("comb(10**9, 5)", "more than 8192 bits"),
        ("round(1, 10**9)", "more than 8192 bits"),
        ("1 / 0", "divides by zero"),
        ("1 % 0", "divides by zero"),
        ("0 ** -1", "divides by zero"),
        ("sqrt(-1)", "root of a negative number"),
        ("(-8) ** 0.3", "root of a negative number"),
        ("log(0)", "needs a number above 0"),
        ("asin(2)", "has no value for asin"),
        ("exp(1000)", "too large"),
        ("10**400 / 7", "too large for a float"),
        ("10**400 * pi", "too large"),
        ("factorial(2.5)", "needs a whole number"),
        ("sqrt(1, 2)", "calls sqrt\\(1, 2\\) with wrong arguments"),
        ("mean([])", "at least one number"),
        ("[1, 2]", "is a list; apply sum"),
        ("[1] + 2", "has \\[1\\] where a number is wanted"),
        ("(1 < 2) + 1", "where a number is wanted"),
        ("__import__('os').system('true')", "not part of it"),
        ("open(1)", "has no function 'open'; there are: abs, "),
        ("(1).__class__", "not part of it"),
        ("True", "not part of it"),
        ("'a' * 3", "not part of it"),
        ("1j", "not part of it"),
        ("x + 1", "has x, which is not part of it"),
        ("1 if 2 else 3", "not part of it"),
        ("[x for x in [1]]", "not part of it"),
        ("max(3, key=4)", "not part of it"),
        ("1 in [1]", "where a number is wanted"),
        ("2 +", "does not read"),
        ("5 km", "does not read"),
        ("", "is empty"),
        ("1" * (MAX_CHARACTERS + 1), "has 1001 characters"),
        ("(" * 400 + "1" + ")" * 400, "does not read|nests"),
        ("-" * 900 + "1", "nests deeper|does not read"),
        ("1\0", "does not read"),
    ],
)
async def test_what_has_no_value_says_why_at_once(text: str, says: str) -> None:
    began = time.process_time()
    with pytest.raises(ToolArgumentsError, match=says) as caught:
        await calculator(text)
    assert time.process_time() - began < 0.5
    assert (caught.value.tool, caught.value.argument) == ("calculator", "expression")


async def test_random_expressions_agree_with_fractions() -> None:
    dice = random.Random(7)

    def grown(depth: int) -> tuple[str, Fraction]:
        if depth == 0:
            number = dice.randint(1, 99)
            places = dice.choice([0, 1, 2])
            text = f"{number / 10**places:.{places}f}"
            return text, Fraction(text)
        (a, left), (b, right) = grown(depth - 1), grown(depth - 1)
        sign = dice.choice("+-*/" if right else "+-*")
        value = {"+": left + right, "-": left - right, "*": left * right}.get(sign)
        return f"({a} {sign} {b})", left / right if value is None else value

    for _ in range(100):
        text, value = grown(3)
        assert await calculator(text) == (int(value) if value.denominator == 1 else float(value))
