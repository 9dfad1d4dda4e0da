"""The plan language for given tools and one question, as a grammar that llguidance reads.

A plan that follows it is whole: numbers count up from 1, only these tools are called, with as many
arguments as they take and of their kinds; references lead upwards; the last line is `join()`. Texts are
spans of the question, from word to word, and numbers are the question's own or 1, 2 and 100.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from ....protocols.tools import ToolSpec

MAX_LINES: Final = 24
"""Most calls of a plan."""

EXPRESSIONS: Final = frozenset({("calculator", "expression")})
"""Arguments, by tool and name, that are texts of arithmetic."""

_NUMBERS: Final = ("1", "2", "100")
_OPERATOR: Final = r"/ [-+*\/] |\//"
_EDGE: Final = r"[^\s,;:.?!()]"


def plan_grammar(
    tools: Sequence[ToolSpec],
    question: str,
    *,
    expressions: Collection[tuple[str, str]] = EXPRESSIONS,
    lines: int = MAX_LINES,
) -> str:
    """Return the grammar, in llguidance's form of Lark's notation.

    Args:
        tools: What may be called; every argument that is required is given, by position.
        question: What texts may be copied from, as `plain_question` returns it.
        expressions: Which arguments are arithmetic.
        lines: Most calls.
    """
    numbers = sorted({*_NUMBERS, *re.findall(r"\d+(?:\.\d+)?", question)})
    rules = [
        "start: line_1",
        f"SPAN: COPY & /{_EDGE}(.*{_EDGE})?/",
        f"COPY: %regex {json.dumps({'substring_words': question}, ensure_ascii=False)}",
        f"NUMBER: {' | '.join(map(json.dumps, numbers))}",
        f"OPERATOR: {_OPERATOR}",
        'text: "\\"" SPAN "\\""',
    ]
    for line in range(1, lines + 1):
        rules += _line(line, tools, expressions, last=line == lines)
    return "\n".join(rules)


def _line(
    line: int,
    tools: Sequence[ToolSpec],
    expressions: Collection[tuple[str, str]],
    *,
    last: bool,
) -> Iterator[str]:
    end = f'"{line + 1}. join()"'
    yield f'line_{line}: "{line}. " call_{line} "\\n" {end if last else f"({end} | line_{line + 1})"}'
    yield f"call_{line}: {' | '.join(_call(spec, line, expressions) for spec in tools)}"
    known = "|".join(str(number) for number in range(1, line))
    if known:
        yield f"REF_{line}: /\\$({known})/"
        yield f"INSIDE_{line}: /\\$\\{{({known})\\}}/"
    inside = f" | INSIDE_{line}" if known else ""
    yield f"sum_{line}: item_{line} (OPERATOR item_{line})*"
    yield f'item_{line}: NUMBER | "(" sum_{line} ")"{inside}'
    yield f"string_{line}: text{_or_reference(line)}"
    yield f"number_{line}: NUMBER{_or_reference(line)}"
    for kind in ("string", "number"):
        yield f'{kind}s_{line}: "[" {kind}_{line} (", " {kind}_{line})* "]"'


def _call(spec: ToolSpec, line: int, expressions: Collection[tuple[str, str]]) -> str:
    properties: Mapping[str, Any] = spec.parameters.get("properties", {})
    required = spec.parameters.get("required", ())
    arguments = [
        _expression(line) if (spec.name, name) in expressions else _argument(schema, line)
        for name, schema in properties.items()
        if name in required
    ]
    between = ' ", " '.join(arguments)
    return f'"{spec.name}(" {between} ")"'


def _expression(line: int) -> str:
    return f'"\\"" sum_{line} "\\""'


def _argument(schema: Mapping[str, Any], line: int) -> str:
    """Return the symbol of one argument, by its schema."""
    if "enum" in schema:
        options = " | ".join(json.dumps(json.dumps(option)) for option in schema["enum"])
        return f"({options})"
    kind = schema.get("type")
    if kind == "array":
        kind = schema.get("items", {}).get("type")
        return f"{'numbers' if kind in {'number', 'integer'} else 'strings'}_{line}"
    return f"{'number' if kind in {'number', 'integer'} else 'string'}_{line}"


def _or_reference(line: int) -> str:
    return f" | REF_{line}" if line > 1 else ""
