"""Command lines with places for what differs from run to run."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING, Final

from .errors import InvalidCommandError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PLACE: Final = re.compile(r"\{\{|\}\}|\{([A-Za-z_][\w.-]*)\}|[{}]")


class CommandWords:
    """A program and its arguments, in which `{name}` stands for a value.

    No shell sees the words, so nothing in them is special; `{{` and `}}` are braces.

    Args:
        words: The program, and its arguments.

    Attributes:
        places: The names that it has places for, in order.

    Raises:
        InvalidCommandError: It names no program, or has a single brace.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = tuple(words)
        if not words or not words[0]:
            raise InvalidCommandError(words, reason="its first word should name a program")
        found = [match for word in words for match in _PLACE.finditer(word)]
        if any(match[0] in {"{", "}"} for match in found):
            raise InvalidCommandError(words, reason="it has a brace of its own; write it twice")
        self.places = tuple(dict.fromkeys(match[1] for match in found if match[1]))

    def check(self, known: Sequence[str]) -> None:
        """Raise unless every place is one of those known.

        Raises:
            InvalidCommandError: One is not.
        """
        for place in self.places:
            if place not in known:
                names = ", ".join(known) or "nothing"
                reason = f"there is no value for {{{place}}}, only for {names}"
                raise InvalidCommandError(self._words, reason=reason)

    def find(self, *, directory: str | None, path: str | None) -> None:
        """Raise unless its program is there; looks into folders.

        Args:
            directory: Where it is run; a program with a slash in its name is looked for there.
            path: The PATH that it is run with.

        Raises:
            InvalidCommandError: It is not there, or cannot be executed.
        """
        program = self._words[0]
        where = os.path.join(directory or ".", program) if "/" in program else program
        if shutil.which(where, path=path) is None:
            reason = f"there is no program {where}; install it, or write where it is"
            raise InvalidCommandError(self._words, reason=reason)

    def fill(self, values: Mapping[str, str]) -> list[str]:
        """Return the words with values in their places."""

        def value(match: re.Match[str]) -> str:
            return match[0][0] if match[1] is None else values[match[1]]

        return [_PLACE.sub(value, word) for word in self._words]
