from __future__ import annotations

import json
from typing import Any

import pytest

from passel.actors.chat import AnswerBrokenError, RequestRefusedError
from passel.actors.chat.completion import UNSAID, CompletionReader, message_in
from passel.protocols.chat import CallDelta, ChatEnded, ChatPiece, TextDelta, Usage

URL = "http://127.0.0.1:1/v1/chat/completions"


def delta(reason: str | None = None, **fields: Any) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": fields, "finish_reason": reason}]})


def pieces(*data: str) -> list[ChatPiece]:
    reader = CompletionReader(URL)
    return [piece for event in data for piece in reader.read(event)] + reader.finish()


def test_a_delta_may_hold_many_tokens_and_lines() -> None:
    text = '1. search("a b")\n2. join()\n'

    assert pieces(delta(role="assistant", content=""), delta(content=text), delta("stop")) == [
        TextDelta(text),
        ChatEnded(reason="stop"),
    ]


def test_usage_comes_after_the_reason_and_before_the_end() -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 8},
    }
    said = json.dumps({"choices": [], "usage": usage})

    done = pieces(delta(content="x"), delta("length"), said, "[DONE]", "whatever follows")
    assert done[-1] == ChatEnded(reason="length", usage=Usage(prompt=9, cached=8, completion=2))
    assert len(done) == 2


def test_tool_calls_come_in_parts() -> None:
    def call(**fields: Any) -> str:
        return delta(tool_calls=[fields])

    done = pieces(
        call(index=0, id="a", type="function", function={"name": "search", "arguments": ""}),
        call(index=0, function={"arguments": '{"q":'}),
        call(index=1, id="b", function={"name": "sum"}),
        delta("tool_calls"),
    )

    assert done == [
        CallDelta(index=0, id="a", name="search"),
        CallDelta(index=0, arguments='{"q":'),
        CallDelta(index=1, id="b", name="sum"),
        ChatEnded(reason="tool_calls"),
    ]


def test_calls_without_a_number_are_told_apart_by_their_ids() -> None:
    calls: list[dict[str, Any]] = [{"id": "a"}, {"function": {"arguments": "1"}}, {"id": "b"}]

    done = pieces(*[delta(tool_calls=[call]) for call in calls], delta("tool_calls"))

    assert [piece.index for piece in done if isinstance(piece, CallDelta)] == [0, 0, 1]


def test_a_whole_answer_in_one_body_is_one_too() -> None:
    message = {"role": "assistant", "content": "hello", "tool_calls": None}
    body = {
        "choices": [{"message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": None},
    }

    assert pieces(json.dumps(body)) == [
        TextDelta("hello"),
        ChatEnded(reason="stop", usage=Usage(prompt=1, completion=1)),
    ]


def test_other_alternatives_and_empty_chunks_say_nothing() -> None:
    other = json.dumps({"choices": [{"index": 1, "delta": {"content": "no"}}]})

    assert pieces(other, json.dumps({"choices": []}), "[DONE]") == [ChatEnded(reason=UNSAID)]


@pytest.mark.parametrize(
    "data",
    ["", "{", "[]", "null", "{}", '{"choices": 3}', '{"choices": [{"delta": {"content": 3}}]}'],
)
def test_what_is_no_chunk_is_said_with_how_far_it_came(data: str) -> None:
    with pytest.raises(AnswerBrokenError, match=r"after 1 pieces: .* is no chunk of one") as caught:
        pieces(delta(content="x"), data)

    assert caught.value.pieces == 1


def test_a_stream_that_closes_before_its_end_is_broken() -> None:
    with pytest.raises(AnswerBrokenError, match="closed before the answer was complete"):
        pieces(delta(content="x"))


@pytest.mark.parametrize(
    ("said", "status", "message"),
    [
        ({"error": {"message": "out of memory", "type": "x", "code": 507}}, 507, "out of memory"),
        ({"error": "overloaded"}, 200, "overloaded"),
        ({"object": "error", "message": "bad", "code": 400}, 200, "bad"),
        ({"error": {"code": "quota"}}, 200, '{"code":"quota"}'),
    ],
)
def test_an_error_within_the_stream_is_the_servers(said: Any, status: int, message: str) -> None:
    with pytest.raises(RequestRefusedError) as caught:
        pieces(delta(content="x"), json.dumps(said))

    assert (caught.value.status, caught.value.message) == (status, message)


def test_the_message_of_an_error_is_found_wherever_it_stands() -> None:
    assert message_in({"detail": "Not Found"}) == "Not Found"
    assert message_in({"detail": [{"loc": ["body"]}]}) == '[{"loc":["body"]}]'
