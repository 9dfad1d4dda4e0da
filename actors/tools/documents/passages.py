"""Documents into passages: what one hit of a search is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSAGE_CHARACTERS: Final = 1200
"""Paragraphs are joined up to this length, and longer ones are split at the end of a sentence."""

_HASHES: Final = re.compile(r" {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE: Final = re.compile(r"(?:={3,}|-{3,}|~{3,})[ \t]*$")
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*)$")
_INDENTED: Final = re.compile(r" {4}|\t")
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

    Paragraphs are told apart by blank lines and headings: lines that begin with Markdown's `#`, or
    lone ones that are underlined. Inside a fenced block of code there are none. A heading with
    nothing below it is a passage itself.
    """
    heading, gathered, bare = "", "", ""
    for block, is_heading in _blocks(text.splitlines()):
        if is_heading:
            if gathered or bare:
                yield Passage(heading if gathered else "", gathered or bare)
            heading, gathered, bare = block, "", block
            continue
        for piece in _pieces(block):
            if gathered and len(gathered) + len(piece) > PASSAGE_CHARACTERS:
                yield Passage(heading, gathered)
                gathered = ""
            gathered = f"{gathered}\n\n{piece}" if gathered else piece
    if gathered or bare:
        yield Passage(heading if gathered else "", gathered or bare)


def _blocks(lines: list[str]) -> Iterator[tuple[str, bool]]:
    """Yield the paragraphs and headings of a document, and of each whether it is a heading."""
    paragraph: list[str] = []
    fence = ""
    for line in lines:
        found = None if fence else _heading(line, paragraph)
        if found is None and line.strip():
            fence = _fence_after(line, fence)
            paragraph.append(line)
            continue
        if found is not None and _UNDERLINE.match(line):
            paragraph.clear()  # it was the heading
        if paragraph:
            yield "\n".join(paragraph).strip(), False
            paragraph = []
        if found is not None:
            yield found, True
    if paragraph:
        yield "\n".join(paragraph).strip(), False


def _heading(line: str, above: list[str]) -> str | None:
    """Return the heading that a line is, or that it underlines; None if it does neither."""
    hashes = _HASHES.match(line)
    if hashes is not None:
        return hashes[1].strip() or None
    if len(above) == 1 and _UNDERLINE.match(line):
        title, rule = above[0].rstrip(), line.rstrip()
        fence = rule[0] == "~" and len(rule) < len(title)  # reStructuredText's are no shorter
        is_title = not (fence or _INDENTED.match(title) or _UNDERLINE.match(title))
        return title.strip() if is_title else None
    return None


def _fence_after(line: str, fence: str) -> str:
    """Return the fence of the block of code that goes on after a line, or nothing outside of one."""
    found = _FENCE.match(line)
    if found is None:
        return fence
    if not fence:
        return found[1]
    closes = found[1].startswith(fence) and not found[2].strip()
    return "" if closes else fence


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
