"""Reads the arguments of a call: values as Python and JSON write them, and references to results."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ...protocols.plan import ResultOf, TaskId, Template

if TYPE_CHECKING:
    from collections.abc import Container

MAX_DEPTH: Final = 64
"""How deep lists and mappings may nest in arguments."""

_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"[^\W\d]\w*")
_KEY = re.compile(r"[\w.$-]+")
_REFERENCE = re.compile(r"\$(?:(\d{1,9})|\{(\d{1,9})\})")
_IN_TEXT = re.compile(r"\$\$|\$\{(\d{1,9})\}|\$(\d{1,9})")
_MONEY = re.compile(
    r"[.,]\d|\s?(?:million|billion|trillion|thousand|hundred|dollars?|USD|bn|[kKmM])\b"
)
_APOSTROPHES = re.compile(r"(['\"])((?:(?!\1).|(?<=\w)\1(?=\w))*)\1", re.DOTALL)
"""A text whose quotes inside, as in 'it's', were not escaped."""

_UNICODE = re.compile(r"[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|[0-9a-fA-F]{4}")
_WORDS: Final[dict[str, Any]] = {
    "True": True, "true": True, "False": False, "false": False, "None": None, "null": None,
}  # fmt: skip
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0", "/": "/"}
_CLOSING: Final = {"[": "]", "(": ")"}
_STRUCTURED: Final = "\"'[{"


class ArgumentError(ValueError):
    """Raised when arguments make no sense; says what is wrong and what mends it."""


class UnknownTaskError(ArgumentError):
    """Raised when arguments refer to a task that is not there, or not before this one."""

    def __init__(self, task: int) -> None:
        super().__init__(
            f"${task} refers to no earlier task; refer to tasks above, and write $$ for a dollar"
        )
        self.task = task


def read_arguments(text: str, known: Container[int]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return positional and named arguments.

    What is no value at all, such as `search(height of the Eiffel tower)`, is one text, as it is
    in LLMCompiler.

    Args:
        text: What stands between the parentheses of a call.
        known: Numbers of the tasks that may be referred to.

    Raises:
        ArgumentError: A quote or bracket is missing, or values stand where none can.
        UnknownTaskError: They refer to a task that is not known.
    """
    reader = _Reader(text, known)
    try:
        return reader.arguments()
    except UnknownTaskError:
        raise
    except ArgumentError:
        bare = text.strip()
        inner = _APOSTROPHES.fullmatch(bare)
        if inner is not None:
            return (in_text(inner[2], known),), {}
        if bare.startswith("**"):
            raise ArgumentError('`**` unpacks nothing here; write `name="value"`') from None
        if bare[:1] in _STRUCTURED or re.match(r"\w+\s*=", bare):
            raise
        return (in_text(bare, known),), {}


def in_text(text: str, known: Container[int]) -> str | ResultOf | Template:
    """Return a text with the references in it.

    The whole text `$3` is that result itself. Inside a text `${3}` always refers; `$3` does if
    there is such a task and it is not written as money (`$3 million`, `$3.50`). `$$` is a `$`.

    Raises:
        UnknownTaskError: It can only be a reference, to a task that is not known.
    """
    whole = _REFERENCE.fullmatch(text.strip())
    if whole is not None:
        return _result(whole, known)
    parts: list[str | ResultOf] = [""]
    end = 0
    for match in _IN_TEXT.finditer(text):
        _add_text(parts, text[end : match.start()])
        end = match.end()
        if match[0] == "$$":
            _add_text(parts, "$")
        elif match[1] is None and (int(match[2]) not in known or _MONEY.match(text, match.end())):
            _add_text(parts, match[0])
        else:
            parts.append(_result(match, known))
    _add_text(parts, text[end:])
    if len(parts) == 1:
        return str(parts[0])
    return Template(tuple(part for part in parts if part != ""))


def _add_text(parts: list[str | ResultOf], text: str) -> None:
    last = parts[-1]
    if isinstance(last, str):
        parts[-1] = last + text
    else:
        parts.append(text)


def _result(match: re.Match[str], known: Container[int]) -> ResultOf:
    number = int(match[1] or match[2])
    if number not in known:
        raise UnknownTaskError(number)
    return ResultOf(TaskId(number))


class _Reader:
    """A recursive descent over one text."""

    def __init__(self, text: str, known: Container[int]) -> None:
        self._text = text
        self._known = known
        self._at = 0

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        positional: list[Any] = []
        named: dict[str, Any] = {}
        while not self._is_over():
            name = self._name()
            if name:
                if name in named:
                    raise ArgumentError(f"the argument {name} is given twice")
                named[name] = self._value(0)
            elif named:
                raise ArgumentError("an argument without a name stands behind one with a name")
            else:
                positional.append(self._value(0))
            if not self._is_over():
                self._expect(",")
        return tuple(positional), named

    def _name(self) -> str:
        match = re.compile(r"([^\W\d]\w*)\s*=(?!=)").match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        self._skip()
        return match[1]

    def _value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ArgumentError(f"the arguments nest deeper than {MAX_DEPTH}")
        character = self._peek()
        if character and character in "\"'":
            return in_text(self._quoted(), self._known)
        if character and character in _CLOSING:
            return self._list(depth)
        if character == "{":
            return self._mapping(depth)
        return self._plain()

    def _plain(self) -> Any:
        for pattern, make in (
            (_REFERENCE, lambda match: _result(match, self._known)),
            (_NUMBER, _number),
            (_WORD, _word),
        ):
            match = pattern.match(self._text, self._at)
            if match is not None:
                self._at = match.end()
                return make(match)
        raise ArgumentError(f"no value at {self._text[self._at : self._at + 20]!r}")

    def _list(self, depth: int) -> list[Any]:
        closing = _CLOSING[self._text[self._at]]
        self._at += 1
        items: list[Any] = []
        while self._peek() != closing:
            items.append(self._value(depth + 1))
            self._separate(closing)
        self._expect(closing)
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        self._expect("{")
        items: dict[str, Any] = {}
        while self._peek() != "}":
            key = self._key()
            self._expect(":")
            self._skip()
            items[key] = self._value(depth + 1)
            self._separate("}")
        self._expect("}")
        return items

    def _separate(self, closing: str) -> None:
        """Pass over the comma between two items, unless the last one was read."""
        if self._is_over():
            raise ArgumentError(f"{closing} is missing")
        if self._peek() != closing:
            self._expect(",")

    def _key(self) -> str:
        """Return the key of an entry; one that is no text stands as it is written."""
        if self._peek() in ('"', "'"):
            return self._quoted()
        match = _KEY.match(self._text, self._at)
        if match is None:
            raise ArgumentError(f"no key at {self._text[self._at : self._at + 20]!r}")
        self._at = match.end()
        return match[0]

    def _quoted(self) -> str:
        quote = self._text[self._at]
        self._at += 1
        characters: list[str] = []
        while self._at < len(self._text):
            character = self._text[self._at]
            self._at += 1
            if character == quote:
                return "".join(characters)
            characters.append(self._escape() if character == "\\" else character)
        raise ArgumentError(f"a text is not closed with {quote}")

    def _escape(self) -> str:
        """Return what the character behind a backslash stands for; unknown ones stay as they are."""
        character = self._text[self._at : self._at + 1]
        self._at += 1
        if character == "u":
            match = _UNICODE.match(self._text, self._at)
            if match is not None:
                self._at = match.end()
                pairs = bytes.fromhex(match[0].replace("\\u", ""))  # one, or a surrogate pair
                return pairs.decode("utf-16-be", errors="replace")
        if character in ('"', "'", "\\"):
            return character
        return _ESCAPES.get(character, "\\" + character)

    def _peek(self) -> str:
        self._skip()
        return self._text[self._at : self._at + 1]

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        assert match is not None, "no space is a match, too"
        self._at = match.end()

    def _is_over(self) -> bool:
        return self._peek() == ""

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            found = self._text[self._at : self._at + 20]
            raise ArgumentError(
                f"expected {character} at {found!r}" if found else f"{character} is missing"
            )
        self._at += 1


def _number(match: re.Match[str]) -> int | float:
    text = match[0]
    if re.fullmatch(r"-?\d+", text):
        if len(text) > 300:
            raise ArgumentError("a number has more than 300 digits")
        return int(text)
    return float(text)


def _word(match: re.Match[str]) -> Any:
    if match[0] not in _WORDS:
        raise ArgumentError(f"{match[0]} is no value; put texts into quotes")
    return _WORDS[match[0]]
