"""Chunks of a chat completion, as OpenAI's protocol has them, to pieces of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ...protocols.chat import CallDelta, ChatEnded, ChatPiece, TextDelta, Usage
from .errors import AnswerBrokenError, RequestRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

UNSAID = "unsaid"
"""The reason of an answer that ended in order without a reason from the server."""

_DONE = "[DONE]"
_WITHIN_STREAM = 200
_QUOTED = 120


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Alternative(msgspec.Struct):
    index: int = 0
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _PromptDetails | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Alternative] | None = None
    usage: _Usage | None = None
    error: Any = None
    message: Any = None


_decoder = msgspec.json.Decoder(_Chunk)


class CompletionReader:
    """Takes the data of a stream's events in order, and gives the pieces of its answer.

    An error of the server's among them is raised; so is what is no chunk at all.

    Args:
        url: Where they come from, for errors.
        hide: Takes out of a server's words what no error may quote.

    Attributes:
        pieces: How many pieces it has given.
        ended: Whether the answer is complete.
    """

    def __init__(self, url: str, hide: Callable[[str], str] = str) -> None:
        self._url = url
        self._hide = hide
        self._reason: str | None = None
        self._usage: Usage | None = None
        self._calls = 0
        self.pieces = 0
        self.ended = False

    def read(self, data: str | bytes) -> list[ChatPiece]:
        """Return the pieces in one event's data, or in a body that holds a whole answer.

        Raises:
            RequestRefusedError: The server says that it failed.
            AnswerBrokenError: It says something else.
        """
        if self.ended:
            return []
        if data == _DONE:
            return self._end()
        try:
            chunk = _decoder.decode(data)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise self._broken(f"{self._quoted(data)} is no chunk of one: {error}") from None
        if chunk.error is not None or (chunk.choices is None and chunk.message is not None):
            raise self._refused(chunk.message if chunk.error is None else chunk.error)
        if chunk.choices is None and chunk.usage is None:
            raise self._broken(f"{self._quoted(data)} is no chunk of one")
        found: list[ChatPiece] = []
        for alternative in chunk.choices or ():
            if alternative.index == 0:
                found += self._pieces(alternative.delta or alternative.message or _Delta())
                self._reason = alternative.finish_reason or self._reason
        if chunk.usage is not None:
            self._usage = _plain(chunk.usage)
        self.pieces += len(found)
        return found

    def finish(self) -> list[ChatPiece]:
        """Return what is left when the stream is over: the end, unless it was given before.

        Raises:
            AnswerBrokenError: The server did not say that the answer is complete.
        """
        if self.ended:
            return []
        if self._reason is None:
            raise self._broken("the stream closed before the answer was complete")
        return self._end()

    def _end(self) -> list[ChatPiece]:
        self.ended = True
        self.pieces += 1
        return [ChatEnded(reason=self._reason or UNSAID, usage=self._usage)]

    def _pieces(self, delta: _Delta) -> list[ChatPiece]:
        said = (delta.content or "") + (delta.refusal or "")
        found: list[ChatPiece] = [TextDelta(said)] if said else []
        for call in delta.tool_calls or ():
            function = call.function or _Function()
            index = call.index
            if index is None:  # some servers leave it out; then an id begins a call
                index = self._calls if call.id else max(self._calls - 1, 0)
            self._calls = max(self._calls, index + 1)
            found.append(
                CallDelta(
                    index=index,
                    id=call.id or "",
                    name=function.name or "",
                    arguments=function.arguments or "",
                )
            )
        return found

    def _broken(self, reason: str) -> AnswerBrokenError:
        return AnswerBrokenError(self._url, pieces=self.pieces, reason=reason)

    def _refused(self, error: Any) -> RequestRefusedError:
        code = error.get("code") if isinstance(error, dict) else None
        status = code if isinstance(code, int) else _WITHIN_STREAM
        return RequestRefusedError(self._url, status, self._hide(message_in(error)))

    def _quoted(self, data: str | bytes) -> str:
        text = data if isinstance(data, str) else data.decode(errors="replace")
        return repr(self._hide(text)[:_QUOTED])


def message_in(error: Any) -> str:
    """Return what a server says went wrong, out of the JSON that it says it in."""
    while isinstance(error, dict):
        inner = next((error[key] for key in ("error", "message", "detail") if error.get(key)), None)
        if inner is None:
            break
        error = inner
    return error if isinstance(error, str) else msgspec.json.encode(error).decode()


def _plain(usage: _Usage) -> Usage:
    details = usage.prompt_tokens_details or _PromptDetails()
    return Usage(
        prompt=usage.prompt_tokens,
        cached=details.cached_tokens or 0,
        completion=usage.completion_tokens,
    )
