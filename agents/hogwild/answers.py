"""Answers in boxes: finding one in a worker's text, and comparing it with a known one."""

from __future__ import annotations

from typing import Final

_BOX: Final = "\\boxed{"
_NOISE: Final = str.maketrans("", "", "$ \t\n,")


def boxed(text: str) -> str | None:
    r"""Return what stands in the last whole `\boxed{...}` of `text`.

    Braces inside must balance. An empty box, or one of dots only, is a placeholder and no answer.
    """
    end = len(text)
    while (start := text.rfind(_BOX, 0, end)) >= 0:
        content = _balanced(text[start + len(_BOX) :])
        if content is not None and content.strip(" .…"):
            return content.strip()
        end = start
    return None


def _balanced(text: str) -> str | None:
    depth = 1
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[:place]
    return None


def same_answer(given: str, known: str) -> bool:
    """Return whether two answers say the same: equal numbers, else equal text without spaces."""
    left, right = (_plain(answer) for answer in (given, known))
    try:
        return float(left) == float(right)
    except ValueError:
        return left == right


def _plain(answer: str) -> str:
    bare = answer.replace("\\$", "").replace("\\text", "").translate(_NOISE)
    return bare.strip("{}").rstrip(".").casefold()
