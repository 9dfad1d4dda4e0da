from __future__ import annotations

import json
from typing import Any

import pytest

from passel.actors.chat import UnsupportedFormError
from passel.actors.chat.request_body import Dialect, body_of
from passel.protocols.chat import (
    ChatMessage,
    ChatRequest,
    Choice,
    Form,
    Grammar,
    JsonSchema,
    Regex,
    RequestedCall,
)
from passel.protocols.tools import ToolSpec

SYSTEM = ChatMessage(role="system", content="You plan.")
ASKED = ChatMessage(role="user", content="Ask \N{SNOWMAN}?\n")
SCHEMA = {"type": "object", "properties": {"b": {}, "a": {}}}


def fields(request: ChatRequest, dialect: Dialect = "openai", **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(body_of(request, model="m", dialect=dialect, **options))
    return found


def asking(**options: Any) -> ChatRequest:
    return ChatRequest(messages=(SYSTEM, ASKED), **options)


def test_a_plain_request_says_what_it_must_and_no_more() -> None:
    assert fields(asking()) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "You plan."},
            {"role": "user", "content": "Ask \N{SNOWMAN}?\n"},
        ],
        "temperature": 0.0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_what_is_asked_for_is_said() -> None:
    body = fields(asking(max_tokens=5, stop=("<END>",), seed=3, temperature=0.5), usage=False)

    assert {key: body[key] for key in ("max_tokens", "stop", "seed", "temperature")} == {
        "max_tokens": 5,
        "stop": ["<END>"],
        "seed": 3,
        "temperature": 0.5,
    }
    assert "stream_options" not in body


def test_tools_and_calls_stand_as_the_protocol_has_them() -> None:
    tool = ToolSpec(name="search", description="Finds.", parameters=SCHEMA)
    call = RequestedCall(id="c1", name="search", arguments='{"q": 1}')
    messages = (
        ASKED,
        ChatMessage(role="assistant", content="", calls=(call,)),
        ChatMessage(role="tool", content="found", answers="c1"),
    )
    body = fields(ChatRequest(messages=messages, tools=(tool,)))

    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "search", "description": "Finds.", "parameters": SCHEMA},
        }
    ]
    assert list(body["tools"][0]["function"]["parameters"]["properties"]) == ["b", "a"]
    assert body["messages"][1]["tool_calls"][0]["function"] == {
        "name": "search",
        "arguments": '{"q": 1}',
    }
    assert body["messages"][2] == {"role": "tool", "content": "found", "tool_call_id": "c1"}


@pytest.mark.parametrize(
    ("form", "constraint"),
    [
        (JsonSchema(SCHEMA), {"json": SCHEMA}),
        (Grammar('root ::= "a"'), {"grammar": 'root ::= "a"'}),
        (Regex("a+"), {"regex": "a+"}),
        (Choice(("yes", "no")), {"choice": ["yes", "no"]}),
    ],
)
def test_vllm_is_asked_for_any_form(form: Form, constraint: dict[str, Any]) -> None:
    assert fields(asking(form=form), "vllm")["structured_outputs"] == constraint


def test_openai_is_asked_for_json_and_for_nothing_that_it_lacks() -> None:
    body = fields(asking(form=JsonSchema(SCHEMA)))

    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    with pytest.raises(UnsupportedFormError, match="'regex'"):
        fields(asking(form=Regex("a+")))


def test_further_fields_are_the_requests_then_the_models_then_ours() -> None:
    request = asking(extra={"top_k": 1, "min_p": 0.5})
    body = fields(request, extra={"top_k": 9, "temperature": None})

    assert (body["top_k"], body["min_p"], body["temperature"]) == (1, 0.5, None)


def test_a_conversation_that_goes_on_begins_with_the_same_bytes() -> None:
    first = body_of(asking(), model="m", dialect="vllm")
    more = ChatRequest(messages=(SYSTEM, ASKED, ChatMessage(role="assistant", content="x")))

    assert body_of(asking(), model="m", dialect="vllm") == first
    until = first.index(b"]")
    assert body_of(more, model="m", dialect="vllm")[:until] == first[:until]
