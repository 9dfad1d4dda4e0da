"""Requests as OpenAI's protocol wants them: the same request is always the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, assert_never

import msgspec

from ...protocols.chat import ChatMessage, ChatRequest, Choice, Form, Grammar, JsonSchema, Regex
from .errors import UnsupportedFormError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...protocols.tools import ToolSpec

Dialect = Literal["openai", "vllm"]
"""How an endpoint is asked for forms: `openai` knows `response_format`, `vllm` more."""

_JSON_NAME = "answer"


def body_of(
    request: ChatRequest,
    *,
    model: str,
    dialect: Dialect,
    usage: bool = True,
    extra: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the body of a streamed request.

    What stays the same between the rounds of a conversation comes first and in the same order, so
    that servers find their cached prefixes again.

    Args:
        request: What is asked.
        model: The server's name of the model.
        dialect: How forms are asked for.
        usage: Ask for the number of tokens, in the last chunk.
        extra: Fields of every request; those of the request itself take their place.

    Raises:
        UnsupportedFormError: The dialect has no word for the request's form.
    """
    fields: dict[str, Any] = {"model": model}
    if request.tools:
        fields["tools"] = [_tool(tool) for tool in request.tools]
    fields["messages"] = [_message(message) for message in request.messages]
    fields["temperature"] = request.temperature
    if request.max_tokens is not None:
        fields["max_tokens"] = request.max_tokens
    if request.stop:
        fields["stop"] = request.stop
    if request.seed is not None:
        fields["seed"] = request.seed
    if request.form is not None:
        fields |= _form(request.form, dialect)
    fields["stream"] = True
    if usage:
        fields["stream_options"] = {"include_usage": True}
    return msgspec.json.encode(fields | dict(extra or {}) | request.extra)


def _message(message: ChatMessage) -> dict[str, Any]:
    fields: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.calls:
        fields["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.calls
        ]
    if message.answers:
        fields["tool_call_id"] = message.answers
    return fields


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _form(form: Form, dialect: Dialect) -> dict[str, Any]:
    if dialect == "vllm":
        return {"structured_outputs": _constraint(form)}
    if not isinstance(form, JsonSchema):
        raise UnsupportedFormError(str(form.__struct_config__.tag), dialect=dialect)
    schema = {"name": _JSON_NAME, "schema": form.schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _constraint(form: Form) -> dict[str, Any]:
    match form:
        case JsonSchema():
            return {"json": form.schema}
        case Grammar():
            return {"grammar": form.text}
        case Regex():
            return {"regex": form.pattern}
        case Choice():
            return {"choice": form.options}
        case _:
            assert_never(form)
