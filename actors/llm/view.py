"""What a row of a tick sees, and where everything stands in its view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .errors import ContextLengthError, InvalidRowError
from .segment import Block, Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One sequence's part of a tick.

    Attributes:
        tokens: New token ids, at least one; they are appended to `own`.
        view: What the tokens see, in order; a block means all of it, this tick's writes
            included, a segment means its fixed range. The last entry is `own`.
        own: The block that is written; no other row of the tick may write it.
    """

    tokens: Sequence[int]
    view: Sequence[Segment | Block]
    own: Block


class Span(NamedTuple):
    """Tokens [start, stop) of a block, as they stand after this tick's writes."""

    block: Block
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowView:
    """A row's view with all positions worked out.

    Attributes:
        new: How many tokens the row appends.
        place: Place of its first new token in its view, counted from 0.
        origins: For each span, in view order, the place in the view where token 0 of the
            span's *block* would stand (start of the span minus its offset in the block), so
            that the distance from place p to key l of the block is p - origin - l.
    """

    new: int
    place: int
    origins: dict[Span, int] = field(compare=False)

    @property
    def length(self) -> int:
        """Tokens in the view after the tick."""
        return self.place + self.new


def row_views(rows: Sequence[Row], *, vocab: int, limit: int) -> list[RowView]:
    """Check a tick's rows and work out their positions; writes nothing.

    Block lengths count *after* all of the tick's writes (arXiv 2504.06261: tokens of one tick
    see each other).

    Raises:
        InvalidRowError: A row has no tokens, an id outside the vocabulary, a view that does not
            end in its own block or shows something twice, or a block that another row writes.
        ContextLengthError: A view would be longer than `limit`.
    """
    after: dict[int, int] = {}
    for number, row in enumerate(rows):
        _check(number, row, vocab)
        if row.own.id in after:
            raise InvalidRowError(number, reason=f"{row.own!r} is written by another row too")
        after[row.own.id] = len(row.own) + len(row.tokens)
    views = [_row_view(number, row, after) for number, row in enumerate(rows)]
    for number, view in enumerate(views):
        if view.length > limit:
            raise ContextLengthError(number, length=view.length, limit=limit)
    return views


def _check(number: int, row: Row, vocab: int) -> None:
    if not row.tokens:
        raise InvalidRowError(number, reason="it has no new tokens")
    if not row.view or row.view[-1] is not row.own:
        raise InvalidRowError(number, reason="the last entry of its view is not its own block")
    for token in row.tokens:
        if not 0 <= token < vocab:
            raise InvalidRowError(number, reason=f"token {token} is not within 0..{vocab - 1}")


def _row_view(number: int, row: Row, after: dict[int, int]) -> RowView:
    """Place the spans one after the other; neighbours in one block become one span."""
    origins: dict[Span, int] = {}
    at = 0
    for entry in row.view:
        if isinstance(entry, Block):
            span = Span(entry, 0, after.get(entry.id, len(entry)))
        else:
            span = Span(entry.block, entry.start, entry.stop)
        if span.stop == span.start:
            continue
        origin = at - span.start
        at += span.stop - span.start
        last = next(reversed(origins), None)
        if last is not None and last.block is span.block and last.stop == span.start:
            del origins[last]
            span = Span(span.block, last.start, span.stop)
        if span in origins:
            raise InvalidRowError(number, reason=f"its view shows {span.block!r} twice")
        origins[span] = origin
    return RowView(new=len(row.tokens), place=at - len(row.tokens), origins=origins)
