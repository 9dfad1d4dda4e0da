"""How a scripted answer is recited: in which pieces, with which pauses, ending how.

Pure: the same reply, request, style and randomness give the same steps.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec

from ...protocols.chat import CallDelta, ChatEnded, ChatRequest, TextDelta, Usage
from .script import ScriptedFailure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from .script import ScriptedReply

Chunking = Literal["characters", "random", "whole"]
"""Where texts are cut: after every `size` characters, after 1 to `size` by chance, or nowhere."""

CHARACTERS_PER_TOKEN = 4
"""A scripted model's tokens are this long; the last one of a text may be shorter."""


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """How a model recites.

    Attributes:
        chunking: Where texts are cut.
        size: Characters of a piece, or the most of one.
        pace: Seconds before each piece.
        first: Seconds before the first piece, beside its own.
    """

    chunking: Chunking = "characters"
    size: int = CHARACTERS_PER_TOKEN
    pace: float = 0.0
    first: float = 0.0


class Pause(msgspec.Struct, frozen=True):
    """Nothing is said for so many seconds."""

    seconds: float


class Failure(msgspec.Struct, frozen=True):
    """The answer fails here, after so many pieces."""

    failure: ScriptedFailure
    pieces: int


Step = Pause | TextDelta | CallDelta | ChatEnded | Failure
"""What is done next; a recital ends with a `ChatEnded` or a `Failure`."""


def tokens_in(text: str) -> int:
    """Return how many tokens a text has for a scripted model."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def recital(
    reply: ScriptedReply, request: ChatRequest, style: Style, random: Random
) -> Iterator[Step]:
    """Yield the steps of an answer.

    As a server would, it leaves out everything from the first of the request's `stop` texts on,
    and ends with the reason `length` when `max_tokens` are said. Texts are also cut where they
    stall or fail.
    """
    text, reason = _limited(reply, request)
    if style.first:
        yield Pause(style.first)
    failure = reply.failure
    stalls: dict[int, float] = {}
    for stall in reply.stalls:
        stalls[stall.after] = stalls.get(stall.after, 0.0) + stall.seconds
    marks = {*stalls, *([failure.after] if failure is not None else [])}
    pieces = 0
    place = 0
    for end in [*_cuts(text, marks, style, random), None]:
        if place in stalls:
            yield Pause(stalls[place])
        if failure is not None and (place >= failure.after or end is None):
            yield Failure(failure, pieces)
            return
        if end is not None:
            if style.pace:
                yield Pause(style.pace)
            yield TextDelta(text[place:end])
            pieces += 1
            place = end
    for index, call in enumerate(reply.calls):
        if style.pace:
            yield Pause(style.pace)
        yield CallDelta(index=index, id=call.id, name=call.name)
        start = 0
        for end in _cuts(call.arguments, set(), style, random):
            if style.pace:
                yield Pause(style.pace)
            yield CallDelta(index=index, arguments=call.arguments[start:end])
            start = end
    yield ChatEnded(reason=reason, usage=_usage(reply, request, text))


def _limited(reply: ScriptedReply, request: ChatRequest) -> tuple[str, str]:
    """Return the text that is said, and why it ends."""
    text = reply.text
    reason = reply.reason or ("tool_calls" if reply.calls else "stop")
    found = [at for at in (text.find(stop) for stop in request.stop if stop) if at >= 0]
    if found:
        text, reason = text[: min(found)], "stop"
    if request.max_tokens is not None and tokens_in(text) > request.max_tokens:
        text, reason = text[: request.max_tokens * CHARACTERS_PER_TOKEN], "length"
    return text, reason


def _cuts(text: str, marks: set[int], style: Style, random: Random) -> list[int]:
    """Return the ends of a text's pieces, in order."""
    ends = {mark for mark in marks if 0 < mark < len(text)}
    if text:
        ends.add(len(text))
    place = 0
    while style.chunking != "whole" and place < len(text):
        place += style.size if style.chunking == "characters" else random.randint(1, style.size)
        ends.add(min(place, len(text)))
    return sorted(ends)


def _usage(reply: ScriptedReply, request: ChatRequest, text: str) -> Usage:
    return Usage(
        prompt=sum(tokens_in(message.content) for message in request.messages),
        completion=tokens_in(text) + sum(tokens_in(call.arguments) for call in reply.calls),
    )
