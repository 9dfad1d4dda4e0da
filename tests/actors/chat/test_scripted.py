from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passel import DeadlineError, Runtime
from passel.actors.chat import (
    AnswerBrokenError,
    ChatError,
    ChatModel,
    ChatStatistics,
    EndpointUnreachableError,
    InvalidScriptError,
    RequestRefusedError,
    ScriptedFailure,
    ScriptedModel,
    ScriptedReply,
    ScriptExhaustedError,
    Stall,
)
from passel.actors.chat.recital import Chunking, Failure, Pause, Style, recital
from passel.actors.chat.script import Script, load_function, read_script
from passel.protocols.chat import (
    CallDelta,
    ChatEnded,
    ChatMessage,
    ChatPiece,
    ChatRequest,
    RequestedCall,
    TextDelta,
    Usage,
)
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from pathlib import Path

    from passel import ActorRef

FEW = 8
CHUNKINGS: list[Chunking] = ["characters", "random", "whole"]


def asking(text: str, **options: Any) -> ChatRequest:
    return ChatRequest(messages=(ChatMessage(role="user", content=text),), **options)


def steps(reply: ScriptedReply, request: ChatRequest | None = None, **style: Any) -> list[Any]:
    return list(recital(reply, request or asking("?"), Style(**style), random.Random(1)))


def said(pieces: list[Any]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))


async def gathered(model: ActorRef[ChatModel], request: ChatRequest) -> list[ChatPiece]:
    return [piece async for piece in model.chat(request)]


def echo(request: ChatRequest) -> str:
    return request.messages[-1].content.upper()


def nothing(_request: ChatRequest) -> Any:
    return None


@given(
    text=st.text(max_size=FEW),
    chunking=st.sampled_from(CHUNKINGS),
    size=st.integers(1, FEW),
    places=st.lists(st.integers(0, FEW), max_size=3),
)
def test_the_pieces_of_a_text_are_the_text(
    text: str, chunking: Chunking, size: int, places: list[int]
) -> None:
    stalls = tuple(Stall(min(place, len(text)), 1.0) for place in places)
    done = steps(ScriptedReply(text=text, stalls=stalls), chunking=chunking, size=size, pace=2.0)

    assert said(done) == text
    assert isinstance(done[-1], ChatEnded)
    pieces = [step for step in done if isinstance(step, TextDelta)]
    assert all(piece.text for piece in pieces)
    if chunking != "whole":
        assert all(len(piece.text) <= size for piece in pieces)
    paused = sum(step.seconds for step in done if isinstance(step, Pause))
    assert paused == len(places) + 2.0 * len(pieces)


def test_an_answer_stalls_exactly_where_it_is_told_to() -> None:
    done = steps(ScriptedReply(text="abcdef", stalls=(Stall(3, 9.0),)), chunking="whole", first=1.0)

    assert done[:-1] == [Pause(1.0), TextDelta("abc"), Pause(9.0), TextDelta("def")]


@pytest.mark.parametrize("after", [0, 2, 6])
def test_an_answer_fails_exactly_where_it_is_told_to(after: int) -> None:
    failure = ScriptedFailure(kind="broken", after=after)
    done = steps(ScriptedReply(text="abcdef", failure=failure), chunking="whole")

    assert said(done) == "abcdef"[:after]
    assert done[-1] == Failure(failure, 1 if after else 0)


def test_stop_texts_and_token_limits_end_an_answer_as_a_server_would() -> None:
    reply = ScriptedReply(text="one two<END> three")

    stopped = steps(reply, asking("?", stop=("<never>", "<END>")))
    limited = steps(reply, asking("?", max_tokens=1))

    assert (said(stopped), stopped[-1].reason) == ("one two", "stop")
    assert (said(limited), limited[-1].reason) == ("one ", "length")


def test_tool_calls_come_as_deltas() -> None:
    call = RequestedCall(id="c1", name="search", arguments='{"q": 1}')
    done = steps(ScriptedReply(calls=(call,)), size=5)

    assert done == [
        CallDelta(index=0, id="c1", name="search"),
        CallDelta(index=0, arguments='{"q":'),
        CallDelta(index=0, arguments=" 1}"),
        ChatEnded(reason="tool_calls", usage=Usage(prompt=1, completion=2)),
    ]


def test_rules_answer_what_they_fit_and_texts_their_turn() -> None:
    script = Script([ScriptedReply(when="capital", text="Paris"), "first", "second"])

    asked = ["a", "the capital?", "b", "capital", "c"]
    answers = [script.reply_to(asking(text)).text for text in asked[:-1]]

    assert answers == ["first", "Paris", "second", "Paris"]
    with pytest.raises(ScriptExhaustedError, match=r"'c' \(4 were given before\)"):
        script.reply_to(asking("c"))
    again = Script(["one"], repeat=True)
    assert [again.reply_to(asking("?")).text for _ in range(3)] == ["one"] * 3


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (ScriptedReply(when="("), r"reply 2: '\(': missing \)"),
        (ScriptedReply(text="ab", stalls=(Stall(3, 1.0),)), "no pause within its text"),
        (ScriptedReply(text="ab", stalls=(Stall(0, float("inf")),)), "no pause within its text"),
        (ScriptedReply(failure=ScriptedFailure(kind="broken", after=1)), "not within its text"),
    ],
)
def test_a_reply_that_makes_no_sense_is_named(reply: ScriptedReply, reason: str) -> None:
    with pytest.raises(InvalidScriptError, match=reason):
        Script(["fine", reply])


def test_a_script_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "script.toml"
    file.write_text(
        '[[reply]]\nwhen = "capital"\ntext = "Paris"\nstalls = [{after = 2, seconds = 0.5}]\n'
        '[[reply]]\nfailure = {kind = "refused", status = 503}\n'
    )
    replies = read_script(file)

    assert replies[0] == ScriptedReply(when="capital", text="Paris", stalls=(Stall(2, 0.5),))
    assert replies[1].failure == ScriptedFailure(kind="refused", status=503)
    file.write_text('[[reply]]\ntxt = "typo"\n')
    with pytest.raises(InvalidScriptError, match="unknown field `txt`"):
        read_script(file)
    with pytest.raises(InvalidScriptError, match="No such file"):
        read_script(tmp_path / "none.toml")


@pytest.mark.parametrize("path", ["no.such:thing", "json:none", "json", f"{__name__}:gathered"])
def test_a_function_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(InvalidScriptError, match=f"function {path}"):
        load_function(path)


@pytest.mark.parametrize("options", [{}, {"script": [], "file": "x"}, {"script": [], "size": 0}])
def test_a_model_has_exactly_one_script(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidScriptError):
        ScriptedModel(**options)


@pytest.mark.parametrize("isolate", [False, True])
async def test_a_model_answers_and_remembers_what_it_was_asked(isolate: bool) -> None:
    async with open_runtime(isolate=isolate) as runtime:
        model = await runtime.spawn(ScriptedModel, script=["hello world"], size=6)
        pieces = await gathered(model, asking("hi there"))

        assert pieces == [
            TextDelta("hello "),
            TextDelta("world"),
            ChatEnded(reason="stop", usage=Usage(prompt=2, completion=3)),
        ]
        assert await model.requests() == [asking("hi there")]
        assert await model.statistics() == ChatStatistics(answered=1)


async def test_a_function_answers_by_the_request() -> None:
    async with open_runtime() as runtime:
        model = await runtime.spawn(ScriptedModel, function=f"{__name__}:echo")
        assert said(await gathered(model, asking("loud"))) == "LOUD"
        wrong = await runtime.spawn(ScriptedModel, function=f"{__name__}:nothing")
        with pytest.raises(InvalidScriptError, match="None is neither a text nor a reply"):
            await gathered(wrong, asking("?"))


async def test_a_file_is_read_when_the_actor_starts(tmp_path: Path) -> None:
    file = tmp_path / "script.toml"
    file.write_text('[[reply]]\ntext = "from a file"\n')
    async with open_runtime() as runtime:
        model = await runtime.spawn(ScriptedModel, file=str(file), repeat=True)

        assert [said(await gathered(model, asking("?"))) for _ in range(2)] == ["from a file"] * 2


async def failing(runtime: Runtime, **failure: Any) -> ActorRef[ScriptedModel]:
    reply = ScriptedReply(text="abcd", failure=ScriptedFailure(**failure))
    return await runtime.spawn(ScriptedModel, script=[reply], repeat=True, size=1)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        ({"kind": "unreachable"}, EndpointUnreachableError),
        ({"kind": "refused", "status": 429}, RequestRefusedError),
        ({"kind": "broken", "after": 2}, AnswerBrokenError),
    ],
)
@pytest.mark.parametrize("isolate", [False, True])
async def test_scripted_failures_are_the_errors_of_real_endpoints(
    failure: dict[str, Any], error: type[ChatError], isolate: bool
) -> None:
    async with open_runtime(isolate=isolate) as runtime:
        model = await failing(runtime, **failure)
        pieces = []
        with pytest.raises(error) as caught:
            async for piece in model.chat(asking("?")):
                pieces.append(piece)  # noqa: PERF401  # they count although the stream raises

        assert len(pieces) == failure.get("after", 0)
        assert getattr(caught.value, "status", 429) == 429
        assert getattr(caught.value, "pieces", 2) == 2
        assert (await model.statistics()).failed == 1


async def test_a_silent_model_is_left_by_the_readers_deadline() -> None:
    async with open_runtime() as runtime:
        model = await failing(runtime, kind="silent", after=1)
        stream = model.chat.options(timeout=0.05)(asking("?"))
        assert await anext(stream) == TextDelta("a")
        with pytest.raises(DeadlineError):
            await anext(stream)
        assert await model.statistics() == ChatStatistics(abandoned=1)


def test_what_chance_decides_depends_on_the_seed_and_the_number_of_the_request() -> None:
    def pieces(seed: str) -> list[Any]:
        style = Style(chunking="random", size=5)
        reply = ScriptedReply(text="a text of some length, to be cut in many places")
        return list(recital(reply, asking("?"), style, random.Random(seed)))

    assert pieces("0/1") == pieces("0/1") != pieces("0/2")


def test_replies_travel() -> None:
    reply = ScriptedReply(text="x", stalls=(Stall(1, 0.5),), failure=ScriptedFailure(kind="silent"))

    assert msgspec.convert(msgspec.to_builtins(reply), ScriptedReply) == reply
