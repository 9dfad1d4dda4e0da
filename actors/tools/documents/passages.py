"""Documents into passages: what one hit of a search is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSAGE_CHARACTERS: Final = 1200
"""Paragraphs are joined up to this length, and longer ones are split at the end of a sentence."""

_BLANK: Final = re.compile(r"\n[ \t]*\n+")
_HEADING: Final = re.compile(r"^(?:#{1,6}[ \t]+(.+?)[ \t]*#*|(.+)\n[=\-~]{3,})$")
_SENTENCE: Final = re.compile(r"(?<=[.!?;:])\s+")


class Passage(NamedTuple):
    """One piece of a document.

    Attributes:
        heading: The heading that it stands under, or empty.
        text: What it says.
    """

    heading: str
    text: str


def passages_of(text: str) -> Iterator[Passage]:
    """Yield the passages of a document, in order; none crosses a heading.

    Paragraphs are told apart by blank lines, headings by Markdown's `#` or by underlining.
    """
    heading, gathered = "", ""
    for paragraph in _BLANK.split(text.replace("\r\n", "\n")):
        stripped = paragraph.strip()
        if not stripped:
            continue
        found = _HEADING.match(stripped)
        if found is not None:
            if gathered:
                yield Passage(heading, gathered)
            heading, gathered = (found[1] or found[2]).strip(), ""
            continue
        for piece in _pieces(stripped):
            if gathered and len(gathered) + len(piece) > PASSAGE_CHARACTERS:
                yield Passage(heading, gathered)
                gathered = ""
            gathered = f"{gathered}\n\n{piece}" if gathered else piece
    if gathered:
        yield Passage(heading, gathered)


def _pieces(paragraph: str) -> Iterator[str]:
    """Yield a paragraph in pieces of at most a passage's length."""
    piece = ""
    for sentence in _SENTENCE.split(paragraph):
        rest = sentence
        if piece and len(piece) + len(rest) + 1 > PASSAGE_CHARACTERS:
            yield piece
            piece = ""
        while len(rest) > PASSAGE_CHARACTERS:
            yield rest[:PASSAGE_CHARACTERS]
            rest = rest[PASSAGE_CHARACTERS:]
        piece = f"{piece} {rest}" if piece else rest
    if piece:
        yield piece
