"""Cuts the text of a plan into calls while it is being written, one character at a time.

The format is the one that LLMCompiler publishes:

    Thought: optional, belongs to the next call
    1. search("cheetah")
    2. math("max speed in km/h?", ["$1"])  # a comment
    3. join()<END_OF_PLAN>

A call is complete the moment its closing parenthesis arrives. Nothing depends on how the text is
cut into pieces: each character is looked at once, with what came before it and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Container

MAX_CALL_CHARACTERS: Final = 65_536
"""Longest call that is read; a longer one is refused, and reading goes on with the next line."""

END_OF_PLAN: Final = "<END_OF_PLAN>"

_HEAD_CHARACTERS: Final = 120
"""No line begins a call later than this."""

_HEAD = re.compile(r"\s*(\d{1,9})\s*\.\s*(\w+)\s*\(")
_LIKE_HEAD = re.compile(
    r"\s*(?P<mark>(?:(?![#>])[\W\d])*)(?P<name>[^\W\d]\w*\s*=\s*)?(?P<tool>[^\W\d]\w*)\s*\("
)
"""A head that is not written right: `2) tool(`, `* tool(`, `3. x = tool(`. Lines of results begin with `>`: never calls."""

_NUMBER = re.compile(r"[^\d-]*(\d{1,9})\D*|\D*-\D+(\d{1,9})\D*")
_THOUGHT = re.compile(r"\s*Thought:(.*)", re.DOTALL)
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}
_BEFORE_VALUE: Final = frozenset("([{,:=")


@dataclass(frozen=True, slots=True)
class CallText:
    """One call as it stands in the text.

    Attributes:
        id: Its number; 0 if its line is wrong, and no number can be told.
        tool: The word before the parenthesis.
        arguments: What stands between the parentheses.
        thought: The thought before it, or empty.
        text: The whole call.
        closed: Whether its closing parenthesis came; else it ended with the line or the text.
        oversized: Whether it was longer than a call may be; then the texts are cut off.
        wrong: How its line begins, where that is not a number and a full stop.
    """

    id: int
    tool: str
    arguments: str
    thought: str
    text: str
    closed: bool = True
    oversized: bool = False
    wrong: str = ""


class Scanner:
    """Reads the text of one plan. Knows nothing of what arguments mean.

    Args:
        tools: Names of the tools: what looks like a call of one is a call, however its line begins,
            unless that is with words. Without them every word behind a number or sign is a tool.
    """

    def __init__(self, tools: Container[str] | None = None) -> None:
        self._tools = tools
        self.thought = ""
        self.ended = False
        self._line = ""
        self._comment = False
        self._call: _OpenCall | None = None

    def feed(self, piece: str) -> list[CallText]:
        """Take the next piece of text, return the calls that it completes."""
        found: list[CallText] = []
        for character in piece:
            if self.ended:
                break
            call = self._take(character)
            if call is not None:
                found.append(call)
        return found

    def finish(self) -> list[CallText]:
        """The text has ended: return the call that it leaves open, if any."""
        self._end_line()
        self.ended = True
        if self._call is None:
            return []
        return [self._cut(self._call)]

    def _take(self, character: str) -> CallText | None:
        if self._call is not None:
            return self._take_inside(self._call, character)
        if character == "\n":
            self._end_line()
            return None
        if len(self._line) < MAX_CALL_CHARACTERS:
            self._line += character
        if self._comment or (character == "#" and not self._line[:-1].strip()):
            self._comment = True
        elif character == "(":
            self._open(self._line)
        elif character == ">" and self._line.rstrip().endswith(END_OF_PLAN):
            self._line = self._line.rstrip().removesuffix(END_OF_PLAN)
            self._end_line()
            self.ended = True
        return None

    def _open(self, line: str) -> None:
        """Begin a call if the line so far is the head of one."""
        head = _HEAD.fullmatch(line)
        if head is not None:
            self._call = _OpenCall(int(head[1]), head[2], line.lstrip(), self.thought)
        elif len(line) <= _HEAD_CHARACTERS:
            self._call = self._open_wrong(line)
        if self._call is not None:
            self._line, self.thought = "", ""

    def _open_wrong(self, line: str) -> _OpenCall | None:
        """Return the call that a line begins otherwise than calls do, if it begins one."""
        head = _LIKE_HEAD.fullmatch(line)
        if head is None or not (
            head["mark"] if self._tools is None else head["tool"] in self._tools
        ):
            return None
        number = _NUMBER.fullmatch(head["mark"])
        task = int(number[1] or number[2]) if number is not None else 0
        return _OpenCall(task, head["tool"], line.lstrip(), self.thought, wrong=line.strip())

    def _take_inside(self, call: _OpenCall, character: str) -> CallText | None:
        if call.take(character):
            self._call = None
            return CallText(
                call.id, call.tool, call.arguments, call.thought, call.text, wrong=call.wrong
            )
        if not self._begins_anew(call):
            return None
        cut = self._cut(call)
        line = call.line
        self._call, self._line = None, line
        if line.endswith("("):
            self._open(line)
        elif line.endswith(END_OF_PLAN):
            self.ended = True
        return cut

    @staticmethod
    def _begins_anew(call: _OpenCall) -> bool:
        """Return whether the last line inside an open call can only be the next item of the plan.

        A planner that forgets a parenthesis loses that call and no other.
        """
        line = call.line
        if not call.lines or len(line) > _HEAD_CHARACTERS:
            return False
        return bool(
            (line.endswith("(") and _HEAD.fullmatch(line))
            or line.strip() == "Thought:"
            or line.strip() == END_OF_PLAN
        )

    def _cut(self, call: _OpenCall) -> CallText:
        text = call.text.removesuffix(call.line) if self._begins_anew(call) else call.text
        return CallText(
            call.id, call.tool, "", call.thought, text.rstrip(), closed=False,
            oversized=call.oversized, wrong=call.wrong,
        )  # fmt: skip

    def _end_line(self) -> None:
        thought = _THOUGHT.fullmatch(self._line)
        if thought is not None and not self._comment:
            self.thought = thought[1].strip()
        self._line, self._comment = "", False


class _OpenCall:
    """A call whose closing parenthesis has not come yet."""

    def __init__(self, number: int, tool: str, head: str, thought: str, *, wrong: str = "") -> None:
        self.wrong = wrong
        self.id = number
        self.tool = tool
        self.thought = thought
        self.oversized = False
        self.line = ""
        self.lines = 0
        self._head = head
        self._characters: list[str] = []
        self._brackets = ["("]
        self._quote = ""
        self._escaped = False
        self._before = "("

    @property
    def text(self) -> str:
        """The call as far as it was read."""
        return self._head + "".join(self._characters)

    @property
    def arguments(self) -> str:
        """What stands between the parentheses, once the last one came."""
        return "".join(self._characters[:-1])

    def take(self, character: str) -> bool:
        """Take the next character; return whether it closes the call."""
        if len(self._characters) < MAX_CALL_CHARACTERS:
            self._characters.append(character)
        else:
            self.oversized = True
        self._follow_line(character)
        if self._quote:
            self._take_quoted(character)
            return False
        if character in "\"'" and self._before in _BEFORE_VALUE:
            self._quote = character
        elif character in "([{":
            self._brackets.append(character)
        elif character in _PAIRS and _PAIRS[character] in self._brackets:
            while self._brackets.pop() != _PAIRS[character]:
                pass
        if not character.isspace():
            self._before = character
        return not self._brackets and not self.oversized

    def _follow_line(self, character: str) -> None:
        """Keep the beginning of the line at hand; `lines` counts those that ended in the call."""
        if character == "\n":
            self.line = ""
            self.lines += 1
        elif len(self.line) <= _HEAD_CHARACTERS:
            self.line += character

    def _take_quoted(self, character: str) -> None:
        if self._escaped:
            self._escaped = False
        elif character == "\\":
            self._escaped = True
        elif character == self._quote:
            self._quote = ""
            self._before = character
