"""What went wrong on a connection, in the words of a chat model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import httpx2

from .completion import message_in
from .errors import (
    AnswerBrokenError,
    AnswerTimeoutError,
    ChatError,
    EndpointUnreachableError,
    NotAChatEndpointError,
)

if TYPE_CHECKING:
    from .waits import Waits

EVENTS: Final = "text/event-stream"
JSON: Final = "application/json"
MOST_OF_AN_ERROR: Final = 64 << 10
"""Bytes that are read of what a server says in place of an answer."""

FAILURES: Final = (TimeoutError, httpx2.TransportError, httpx2.DecodingError)
"""What `failure_of` understands."""


def failure_of(error: Exception, url: str, waits: Waits, *, pieces: int | None) -> ChatError:
    """Return what a failed connection means for its answer.

    Args:
        error: One of `FAILURES`.
        url: What was asked.
        waits: How long was waited.
        pieces: How many pieces had come, or None before the head of the response.
    """
    said = str(error) or type(error).__name__
    come = pieces or 0
    if isinstance(error, TimeoutError):
        return AnswerTimeoutError(url, pieces=come, seconds=waits.answer or 0.0, what="a deadline")
    if isinstance(error, httpx2.ConnectTimeout):
        return EndpointUnreachableError(url, reason=f"none within {waits.connect:.3g} s")
    if isinstance(error, httpx2.TimeoutException):
        return AnswerTimeoutError(url, pieces=come, seconds=waits.silence, what="a silence")
    if pieces is not None:
        return AnswerBrokenError(url, pieces=pieces, reason=said)
    if isinstance(error, httpx2.RemoteProtocolError):
        if said.startswith("Server disconnected"):
            return EndpointUnreachableError(url, reason="it was closed before an answer came")
        return NotAChatEndpointError(url, found=f"it speaks no HTTP ({said})")
    return EndpointUnreachableError(url, reason=said)


def kind_of(response: httpx2.Response) -> str:
    """Return the media type of a response."""
    header: str = response.headers.get("content-type", "")
    return header.partition(";")[0].strip().lower()


async def text_of(response: httpx2.Response) -> str:
    """Return what a server says in place of an answer, as far as it can be had.

    Raises:
        TransportError: Of httpx2, when the connection fails.
    """
    found = bytearray()
    async for chunk in response.aiter_bytes():
        found += chunk
        if len(found) > MOST_OF_AN_ERROR:
            break
    text = found[:MOST_OF_AN_ERROR].decode(errors="replace")
    if kind_of(response) == JSON:
        try:
            return message_in(json.loads(text))
        except ValueError:
            return text
    return text
