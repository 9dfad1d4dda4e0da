"""What is said between a program and a chat model: a request, and the pieces of its answer."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from .tools import ToolSpec


class RequestedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call that a model asked for, with its arguments as the JSON text that it wrote."""

    id: str
    name: str
    arguments: str


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a conversation.

    Attributes:
        role: Who says it.
        content: The text.
        calls: Tool calls that the assistant asked for in it.
        answers: Id of the call whose result this is; only for the role `tool`.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    calls: tuple[RequestedCall, ...] = ()
    answers: str = ""


class JsonSchema(msgspec.Struct, frozen=True, tag="json"):
    """The answer is JSON of this schema."""

    schema: dict[str, Any]


class Grammar(msgspec.Struct, frozen=True, tag="grammar"):
    """The answer is a word of this grammar, in the notation that the server reads (vLLM: EBNF or Lark)."""

    text: str


class Regex(msgspec.Struct, frozen=True, tag="regex"):
    """The whole answer matches this expression."""

    pattern: str


class Choice(msgspec.Struct, frozen=True, tag="choice"):
    """The answer is one of these texts."""

    options: tuple[str, ...]


Form = JsonSchema | Grammar | Regex | Choice
"""What an answer must look like."""


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is asked to say next.

    Attributes:
        messages: The conversation so far, the oldest first.
        max_tokens: Most tokens of the answer, or None for the model's own limit.
        temperature: 0 is greedy.
        stop: Texts that end the answer; they are not part of it.
        seed: Makes the answer repeatable where the server can, or None.
        tools: Tools that the model may ask for.
        form: What the answer must look like, or None for any text.
        extra: Further fields of the request body, as the server names them.
    """

    messages: tuple[ChatMessage, ...]
    max_tokens: int | None = None
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    seed: int | None = None
    tools: tuple[ToolSpec, ...] = ()
    form: Form | None = None
    extra: dict[str, Any] = {}


class TextDelta(msgspec.Struct, frozen=True, tag="text"):
    """More of the answer's text: any number of tokens, also none that is whole."""

    text: str


class CallDelta(msgspec.Struct, frozen=True, kw_only=True, tag="call"):
    """More of a tool call: id and name come with its first piece, arguments bit by bit.

    Attributes:
        index: Which call of this answer.
        id: Its id, or empty.
        name: Name of the tool, or empty.
        arguments: More of its JSON text.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens that a request took: those it sent, those of it that were cached, those of the answer."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0


class ChatEnded(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """The answer is complete.

    Attributes:
        reason: Why it ended, as the server says: `stop`, `length`, `tool_calls`, ...
        usage: What it took, if the server says so.
    """

    reason: str
    usage: Usage | None = None


ChatPiece = TextDelta | CallDelta | ChatEnded
"""What a model streams; the last piece is a `ChatEnded`."""
