"""The text of an HTML page, as a reader would see it."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNSEEN: Final = {"script", "style", "noscript", "template", "svg", "head"}
_BLOCKS: Final = {
    "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav",
    "ol", "p", "pre", "section", "table", "tr", "ul",
}  # fmt: skip
_CELLS: Final = {"td", "th"}

_MARKUP: Final = re.compile(r"<(?:(/?)([A-Za-z][^\s/>]*)|!--|[!?/])")
_TAG_END: Final = re.compile(r"""=\s*"[^"]*"|=\s*'[^']*'|>""")
_RAW_END: Final = {name: re.compile(f"(?=</{name})", re.IGNORECASE) for name in ("script", "style")}
"""Where elements end whose content is no markup."""

_SPACES: Final = re.compile(r"[ \t\r\f\v\xa0]+")


def page_text(html: str) -> tuple[str, str]:
    """Return a page's title and its text, one line for each block.

    The time that it takes grows with the page's length and with nothing else: pages are strangers'.
    """
    reader = _Reader()
    for kind, value in _tokens(html):
        reader.take(kind, value)
    lines = (_SPACES.sub(" ", line).strip() for line in "".join(reader.text).split("\n"))
    title = " ".join("".join(reader.title).split())
    return title, "\n".join(line for line in lines if line)


def _tokens(html: str) -> Iterator[tuple[Literal["start", "end", "text"], str]]:
    """Yield texts and the names of tags, in order; what is not closed goes to the end of the page."""
    place = 0
    while (found := _MARKUP.search(html, place)) is not None:
        yield "text", unescape(html[place : found.start()])
        place = _end_of(html, found)
        name = (found[2] or "").lower()
        if name:
            yield "end" if found[1] else "start", name
        if name in _RAW_END and not found[1]:
            closing = _RAW_END[name].search(html, place)
            place = len(html) if closing is None else closing.start()
    yield "text", unescape(html[place:])


def _end_of(html: str, markup: re.Match[str]) -> int:
    """Return where a tag or comment ends; a `>` in a quoted value does not end a tag."""
    if markup[2]:
        steps = _TAG_END.finditer(html, markup.end())
        return next((step.end() for step in steps if step[0] == ">"), len(html))
    closing = "-->" if markup[0] == "<!--" else ">"
    found = html.find(closing, markup.start() + 2)  # `<!-->` is a whole comment
    return len(html) if found < 0 else found + len(closing)


class _Reader:
    """Keeps what is seen of a page."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.title: list[str] = []
        self._unseen: list[str] = []
        self._in_title = False

    def take(self, kind: Literal["start", "end", "text"], value: str) -> None:
        if kind == "text":
            if self._in_title:
                self.title.append(value)
            elif not self._unseen:
                self.text.append(value.replace("\n", " "))
        elif kind == "start":
            self._open(value)
        else:
            self._close(value)

    def _open(self, tag: str) -> None:
        if tag == "title":
            self._in_title = not self.title
        elif tag == "body":
            self._unseen.clear()  # a head that was never closed
        elif tag in _UNSEEN and tag not in self._unseen:
            self._unseen.append(tag)
        self._break(tag)

    def _close(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        if tag in self._unseen:
            del self._unseen[self._unseen.index(tag) :]
        self._break(tag)

    def _break(self, tag: str) -> None:
        if self._unseen:
            return
        if tag in _BLOCKS:
            self.text.append("\n")
        elif tag in _CELLS:
            self.text.append(" ")
