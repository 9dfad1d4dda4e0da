"""Reads what a joiner decides: an answer, or a wish for another plan."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec

END_OF_RESPONSE: Final = "<END_OF_RESPONSE>"

_ACTION = re.compile(r"^[ \t*]*Action\s*:\**[ \t]*(\w+)[ \t]*\(", re.MULTILINE)
_THOUGHT = re.compile(r"^[ \t*]*Thought\s*:\**[ \t]*(.*)", re.MULTILINE | re.DOTALL)
_VERBS: Final = ("Finish", "Replan")


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The joiner has an answer."""

    answer: str
    thought: str = ""


class Replan(msgspec.Struct, frozen=True, tag="replan"):
    """The joiner wants another plan; `feedback` says what is missing."""

    feedback: str
    thought: str = ""


class Unreadable(msgspec.Struct, frozen=True, tag="unreadable"):
    """What the joiner said is no verdict."""

    text: str
    reason: str


Verdict = Finished | Replan | Unreadable


def read_verdict(text: str) -> Verdict:
    """Read `Thought: ... Action: Finish(...)` or `Action: Replan(...)`.

    The verb must be exactly one of the two. What is in its parentheses may have several lines and
    parentheses of its own: it ends where they balance, or else at the last closing one.
    """
    text = text.partition(END_OF_RESPONSE)[0]
    for action in _ACTION.finditer(text):
        if action[1] in _VERBS:
            break
    else:
        return Unreadable(text, "there is no `Action: Finish(...)` or `Action: Replan(...)`")
    inside = _inside(text[action.end() :])
    if inside is None:
        return Unreadable(text, f"{action[1]} has no closing parenthesis")
    thought = _THOUGHT.search(text, 0, action.start())
    before = thought[1].strip() if thought else ""
    if action[1] == "Replan":
        return Replan(inside, before)
    return Finished(inside, before)


def _inside(text: str) -> str | None:
    """Return what stands before the parenthesis that closes an open one.

    That is the one where they balance, unless more are closed behind it than opened, as after a
    smiley: then the last one closes.
    """
    depth = 1
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            rest = text[place + 1 :]
            if rest.count(")") > rest.count("("):
                break
            return text[:place].strip()
    last = text.rfind(")")
    return None if last < 0 else text[:last].strip()


VERDICT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "thought": {"type": "string"},
        "verb": {"enum": ["finish", "replan"]},
        "text": {"type": "string"},
    },
    "required": ["thought", "verb", "text"],
    "additionalProperties": False,
}
"""JSON Schema of a verdict, for models whose answers can be held to one."""


class _Written(msgspec.Struct, frozen=True):
    verb: Literal["finish", "replan"]
    text: str
    thought: str = ""


def read_json_verdict(text: str) -> Verdict:
    """Read a verdict of `VERDICT_SCHEMA`; marks of a code block around it are passed over."""
    start, end = text.find("{"), text.rfind("}")
    try:
        written = msgspec.json.decode(text[start : end + 1], type=_Written)
    except msgspec.DecodeError as error:
        return Unreadable(text, str(error))
    if written.verb == "replan":
        return Replan(written.text, written.thought)
    return Finished(written.text, written.thought)
