"""Arithmetic in text, evaluated exactly and within bounds; nothing of it is ever run as Python.

The text is parsed by `ast`, and of the tree only what the grammar of `calculator` has is taken.
Numbers are rational until a function without a rational result makes a float of them. No value may
need more than MAX_BITS bits, and that is checked before it is computed, so that `9**9**9` ends at
once.
"""

from __future__ import annotations

import ast
import operator
from fractions import Fraction
from typing import TYPE_CHECKING, Final, TypeAlias

from .functions import CONSTANTS, FUNCTIONS, power
from .magnitude import ExpressionError, Number, fitting, product

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_CHARACTERS: Final = 1000
"""Longest expression."""

MAX_DEPTH: Final = 50
"""How deep an expression may nest."""

Result: TypeAlias = "Number | bool"

_SPELLINGS: Final = str.maketrans(
    {"^": "**", "\xd7": "*", "\xb7": "*", "\xf7": "/", "\u2212": "-", "\u2013": "-"}
)
"""What people write, and models: a power, products, a quotient, a minus, a dash."""
_EXACT: Final = (int, Fraction)


def evaluate(text: str) -> Result:
    """Return the value of an expression.

    Raises:
        ExpressionError: It does not read, has no value, or one beyond the bounds; says where.
    """
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"has {len(text)} characters; {MAX_CHARACTERS} are the most")
    source = text.translate(_SPELLINGS).strip()
    if not source:
        raise ExpressionError("is empty; give one such as 2 * (3 + 4)")
    try:
        tree = ast.parse(source, mode="eval")
    except SyntaxError as error:
        where = f" at character {error.offset}" if error.offset else ""
        raise ExpressionError(f"does not read{where}: {error.msg}") from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise ExpressionError(f"does not read: {error or 'it nests too deep'}") from None
    try:
        value = Evaluator(source).value(tree.body, 0)
    except ZeroDivisionError:
        raise ExpressionError("divides by zero") from None
    except OverflowError:
        raise ExpressionError("has a value too large for a function that is not exact") from None
    if isinstance(value, list):
        raise ExpressionError("is a list; apply sum, min, max, mean or median to it")
    return value


class Evaluator:
    """Walks the tree of one expression.

    Args:
        source: Its text; decimals are read from there, as the tree has only floats.
    """

    def __init__(self, source: str) -> None:
        self._source = source

    def value(self, node: ast.expr, depth: int) -> Result | list[Number]:
        """Return the value of a node.

        Raises:
            ExpressionError: The grammar has no such thing, or its value is beyond the bounds.
        """
        if depth > MAX_DEPTH:
            raise ExpressionError(f"nests deeper than {MAX_DEPTH} levels")
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._number(operand, depth)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._number(operand, depth)
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(node, op, self._number(left, depth), self._number(right, depth))
            case ast.Compare():
                return self._comparison(node, depth)
            case ast.Name(id=name) if name in CONSTANTS:
                return CONSTANTS[name]
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                return [self._number(part, depth) for part in parts]
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(node, name, [self.value(part, depth + 1) for part in arguments])
        raise self._unknown(node)

    def _number(self, node: ast.expr, depth: int) -> Number:
        value = self.value(node, depth + 1)
        if isinstance(value, bool | list):
            raise ExpressionError(f"has {self._text(node)} where a number is wanted")
        return value

    def _constant(self, node: ast.Constant) -> Number:
        if isinstance(node.value, int) and not isinstance(node.value, bool):
            return fitting(node.value)
        if isinstance(node.value, float):
            text = self._text(node).replace("_", "")
            _, _, exponent = text.lower().partition("e")
            if abs(int(exponent or 0)) > MAX_CHARACTERS:
                raise ExpressionError(f"has {text}, which is beyond the bounds")
            return _simple(fitting(Fraction(text)))
        raise self._unknown(node)

    def _binary(self, node: ast.BinOp, op: ast.operator, left: Number, right: Number) -> Number:
        if isinstance(op, ast.Pow):
            return _simple(power(left, right))
        if isinstance(op, ast.Mult):
            return product(left, right)
        operation = _OPERATIONS.get(type(op))
        if operation is None:
            raise self._unknown(node)
        if isinstance(op, ast.Div) and isinstance(left, _EXACT) and isinstance(right, _EXACT):
            return _simple(fitting(Fraction(left) / Fraction(right)))
        return _simple(fitting(operation(left, right)))

    def _comparison(self, node: ast.Compare, depth: int) -> bool:
        values = [self._number(part, depth) for part in (node.left, *node.comparators)]
        for op, left, right in zip(node.ops, values, values[1:], strict=False):
            comparison = _COMPARISONS.get(type(op))
            if comparison is None:
                raise self._unknown(node)
            if not comparison(left, right):
                return False
        return True

    def _call(self, node: ast.Call, name: str, arguments: list[Result | list[Number]]) -> Number:
        function = FUNCTIONS.get(name)
        if function is None:
            known = ", ".join(sorted(FUNCTIONS))
            raise ExpressionError(f"has no function {name!r}; there are: {known}")
        numbers: list[Number] = []
        for argument in arguments:
            if isinstance(argument, bool):
                raise ExpressionError(f"has a comparison as an argument of {name}")
            numbers += argument if isinstance(argument, list) else [argument]
        try:
            return _simple(fitting(function(*numbers)))
        except TypeError:
            raise ExpressionError(f"calls {self._text(node)} with wrong arguments") from None
        except ValueError as error:
            raise ExpressionError(f"has no value for {self._text(node)}: {error}") from None

    def _unknown(self, node: ast.AST) -> ExpressionError:
        return ExpressionError(
            f"has {self._text(node)}, which is not part of it; write numbers, "
            "+ - * / // % **, parentheses, comparisons, lists and functions"
        )

    def _text(self, node: ast.AST) -> str:
        return ast.get_source_segment(self._source, node) or type(node).__name__


def _simple(value: Number) -> Number:
    """Return a fraction that is whole as an integer."""
    return int(value) if isinstance(value, Fraction) and value.denominator == 1 else value


_OPERATIONS: Final[dict[type[ast.operator], Callable[[Number, Number], Number]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}

_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Number, Number], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
