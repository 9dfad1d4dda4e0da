"""Tools and a scripted model for `compiler.yaml`: a question about this project's own pages.

The tools are real: one searches the pages of docs/, one takes a number out of a passage, one
calculates. The model is a script, so that the example needs no network and no weights: its plan is
written below, and its verdict is the result of the plan's last task. Put an
`passel.actors.chat:OpenAIModel` in its place to let a real one plan.
"""

from __future__ import annotations

import ast
import operator
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from passel.actors.tools import tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from passel.protocols.chat import ChatRequest

PAGES: Final = Path(__file__).resolve().parent.parent / "docs"

PLAN: Final = r"""Thought: two passages, a number out of each, and their quotient
1. search("every ask awaited tell and spawn has a deadline")
2. search("node dead: that lasted for too long, node_silence seconds at most")
3. number_in($1, after="deadline")
4. number_in($2, after="node_silence")
5. calculate("${3} / ${4}")
6. join()"""

_OPERATORS: Final[dict[type, Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@cache
def passages(folder: Path) -> list[str]:
    """Return the paragraphs and table rows of all pages."""
    found: list[str] = []
    for page in sorted(folder.glob("*.md")):
        for paragraph in page.read_text(encoding="utf-8").split("\n\n"):
            rows = paragraph.splitlines() if paragraph.startswith("|") else [paragraph]
            found += [" ".join(row.split()) for row in rows if row.strip()]
    return found


@tool(idempotent=True, timeout=10.0)
def search(words: str) -> str:
    """Return the passage of the project's pages that has most of these words.

    Args:
        words: What is sought, in plain words.
    """
    wanted = set(re.findall(r"\w+", words.lower()))

    def score(passage: str) -> float:
        there = re.findall(r"\w+", passage.lower())
        return len(wanted & set(there)) - len(there) / 1_000

    return max(passages(PAGES), key=score)


@tool(idempotent=True)
async def number_in(text: str, after: str = "") -> float:
    """Return the first number of a text.

    Args:
        text: Where it stands.
        after: Look only behind this word.
    """
    start = text.index(after) + len(after) if after else 0
    found = re.search(r"\d+(\.\d+)?", text[start:])
    if found is None:
        raise ValueError(f"there is no number after {after!r}")
    return float(found[0])


@tool(idempotent=True)
async def calculate(expression: str) -> float:
    """Return the value of an expression of numbers, such as `(2 + 3) / 4`.

    Args:
        expression: Numbers, `+`, `-`, `*`, `/` and parentheses.
    """
    return _value(ast.parse(expression, mode="eval").body)


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError("write numbers, + - * / and parentheses")


def model(request: ChatRequest) -> str:
    """Say the plan to a planner's prompt; to a joiner's, that the last result is the answer."""
    asked = request.messages[-1].content
    if "Result of" not in asked:
        return PLAN
    last = re.findall(r"^> (.*)$", asked, re.MULTILINE)[-1]
    if "No result of" in asked:
        return f"Thought: a tool failed\nAction: Replan({last})"
    return f"Thought: the last task has the quotient\nAction: Finish({last} times)"
