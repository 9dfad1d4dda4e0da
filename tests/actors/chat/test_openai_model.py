from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from passel import DeadlineError, SpawnError
from passel.actors.chat import (
    AnswerBrokenError,
    AnswerTimeoutError,
    ApiKeyError,
    EndpointUnreachableError,
    NotAChatEndpointError,
    OpenAIModel,
    RequestRefusedError,
)
from passel.protocols.chat import ChatEnded, ChatMessage, ChatPiece, ChatRequest, TextDelta, Usage
from tests.actors.chat.chat_server import ChatServer, Received
from tests.runtime.worlds import open_runtime, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from passel import ActorRef, Runtime

pytestmark = pytest.mark.process

ASKED = ChatRequest(messages=(ChatMessage(role="user", content="hello"),))
SECRET = "sk-5ecret"
WHOLE = [
    TextDelta("wor"),
    TextDelta("ld\n\N{SNOWMAN}"),
    ChatEnded(reason="stop", usage=Usage(prompt=4, completion=2)),
]


async def world(request: Received) -> None:
    await request.head()
    await request.text("wor")
    await request.text("ld\n\N{SNOWMAN}")
    await request.end()


async def silent(request: Received) -> None:
    await request.left()


async def model_of(runtime: Runtime, server: ChatServer, **options: Any) -> ActorRef[OpenAIModel]:
    given: dict[str, Any] = {"base_url": server.base_url, "model": "m", "backoff": 0.001, **options}
    return await runtime.spawn(OpenAIModel, **given)


async def asked(
    answer: Callable[[Received], Awaitable[None]], **options: Any
) -> tuple[list[ChatPiece], BaseException | None, ChatServer]:
    """Return the pieces of an answer, the error that it ended with, and the server."""
    pieces: list[ChatPiece] = []
    error: BaseException | None = None
    async with ChatServer(answer) as server, open_runtime() as runtime:
        model = await model_of(runtime, server, **options)
        try:
            async for piece in model.chat(ASKED):
                pieces.append(piece)  # noqa: PERF401  # they count although the stream raises
        except Exception as raised:  # noqa: BLE001  # what it is, is what is tested
            error = raised
    return pieces, error, server


async def test_an_answer_comes_piece_by_piece_and_its_connection_is_used_again() -> None:
    async with ChatServer(world) as server, open_runtime(isolate=True) as runtime:
        model = await model_of(runtime, server)
        answers = [[piece async for piece in model.chat(ASKED)] for _ in range(2)]

        assert answers == [WHOLE, WHOLE]
        assert server.connections == 1
        assert server.received[0].path == "/v1/chat/completions"
        assert server.received[0].body["messages"] == [{"role": "user", "content": "hello"}]
        assert (await model.statistics()).answered == 2


async def test_a_piece_is_handed_on_before_the_next_one_comes() -> None:
    go_on = asyncio.Event()

    async def halting(request: Received) -> None:
        await request.head()
        await request.text("first")
        await go_on.wait()
        await request.end()

    async with ChatServer(halting) as server, open_runtime() as runtime:
        stream = (await model_of(runtime, server)).chat(ASKED)
        assert await anext(stream) == TextDelta("first")
        go_on.set()
        assert isinstance(await anext(stream), ChatEnded)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_bytes_may_come_one_by_one() -> None:
    async def slowly(request: Received) -> None:
        await request.head()
        event = (
            ': hi\r\ndata: {"choices":\r\ndata: [{"delta": {"content": "\N{SNOWMAN}"}}]}\r\n\r\n'
        )
        for byte in event.encode():
            await request.send(bytes([byte]))
        await request.end()

    pieces, error, _ = await asked(slowly)

    assert error is None
    assert pieces[0] == TextDelta("\N{SNOWMAN}")


async def test_a_server_that_does_not_stream_is_understood() -> None:
    async def at_once(request: Received) -> None:
        body = b'{"choices": [{"message": {"content": "all"}, "finish_reason": "stop"}]}'
        await request.whole("200 OK", "application/json", body)

    pieces, error, _ = await asked(at_once)

    assert (pieces, error) == ([TextDelta("all"), ChatEnded(reason="stop")], None)


@pytest.mark.parametrize("after", ["first piece", "nothing"])
async def test_leaving_an_answer_closes_its_connection(after: str) -> None:
    left = asyncio.Event()

    async def endless(request: Received) -> None:
        if after == "first piece":
            await request.head()
            await request.text("x")
        await request.left()
        left.set()

    async with ChatServer(endless) as server, open_runtime() as runtime:
        model = await model_of(runtime, server)
        stream = model.chat(ASKED)
        step = asyncio.ensure_future(anext(stream))
        if after == "first piece":
            assert await step == TextDelta("x")
            await stream.aclose()  # type: ignore[attr-defined]  # its iterators have it
        else:
            await until(lambda: bool(server.received))
            step.cancel()
            await asyncio.wait([step])
        async with asyncio.timeout(5.0):
            await left.wait()
        assert (await model.statistics()).abandoned == 1


async def test_the_callers_deadline_closes_the_connection_too() -> None:
    left = asyncio.Event()

    async def hanging(request: Received) -> None:
        await request.left()
        left.set()

    async with ChatServer(hanging) as server, open_runtime() as runtime:
        model = await model_of(runtime, server)
        with pytest.raises(DeadlineError):
            await anext(model.chat.options(timeout=0.1)(ASKED))
        async with asyncio.timeout(5.0):
            await left.wait()


async def test_what_passes_is_tried_again_and_counted() -> None:
    async def busy_at_first(request: Received) -> None:
        if len(server.received) < 3:
            await request.whole("503 Service Unavailable", "text/plain", b"busy")
        else:
            await world(request)

    async with ChatServer(busy_at_first) as server, open_runtime() as runtime:
        model = await model_of(runtime, server)

        assert [piece async for piece in model.chat(ASKED)] == WHOLE
        assert (await model.statistics()).retried == 2


async def test_a_server_may_ask_for_patience() -> None:
    async def later(request: Received) -> None:
        waited.append(time.monotonic())
        if len(waited) == 1:
            await request.whole("429 Too Many Requests", "text/plain", b"", Retry_After="0.2")
        else:
            await world(request)

    waited: list[float] = []
    pieces, _, _ = await asked(later)

    assert pieces == WHOLE
    assert waited[1] - waited[0] >= 0.2


@pytest.mark.parametrize("tries", [1, 3])
async def test_trying_again_has_an_end(tries: int) -> None:
    async def failing(request: Received) -> None:
        body = b'{"error": {"message": "out of memory"}}'
        await request.whole("500 Internal Server Error", "application/json", body)

    _, error, server = await asked(failing, tries=tries)

    assert len(server.received) == tries
    assert isinstance(error, RequestRefusedError)
    assert (error.status, error.message) == (500, "out of memory")


async def test_what_is_wrong_with_a_request_is_said_at_once() -> None:
    async def picky(request: Received) -> None:
        body = b'{"object": "error", "message": "max_tokens is too large", "code": 400}'
        await request.whole("400 Bad Request", "application/json", body)

    _, error, server = await asked(picky)

    assert len(server.received) == 1
    assert "max_tokens is too large; mend the request" in str(error)


async def test_a_stream_that_closes_early_is_broken_and_not_asked_again() -> None:
    async def closing(request: Received) -> None:
        await request.head()
        await request.text("wor")
        request.writer.close()

    pieces, error, server = await asked(closing)

    assert pieces == [TextDelta("wor")]
    assert isinstance(error, AnswerBrokenError)
    assert error.pieces == 1
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("sent", "expected", "says"),
    [
        (b"data: {garbage\n\n", AnswerBrokenError, "{garbage"),
        (b'data: {"error": {"message": "boom", "code": 500}}\n\n', RequestRefusedError, "boom"),
        (b"data: " + b"x" * (5 << 20), AnswerBrokenError, "the limit is 4194304"),
        (b"", AnswerBrokenError, "closed before the answer was complete"),
    ],
)
async def test_what_breaks_a_stream_is_said(sent: bytes, expected: type, says: str) -> None:
    async def breaking(request: Received) -> None:
        await request.head()
        await request.text("wor")
        if sent:
            await request.send(sent)
        await request.close_response()

    pieces, error, _ = await asked(breaking)

    assert pieces == [TextDelta("wor")]
    assert isinstance(error, expected)
    assert says in str(error)


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize(
    ("limit", "what"), [("silence", "a silence of 0.1 s"), ("deadline", "a deadline of 0.1 s")]
)
async def test_a_server_that_hangs_is_left(begun: bool, limit: str, what: str) -> None:
    async def hanging(request: Received) -> None:
        if begun:
            await request.head()
            await request.text("wor")
        await request.left()

    pieces, error, server = await asked(hanging, **{limit: 0.1})

    assert isinstance(error, AnswerTimeoutError)
    assert error.pieces == len(pieces) == int(begun)
    assert what in str(error)
    assert len(server.received) == 1


async def test_a_server_that_does_not_close_after_the_end_holds_nobody_up() -> None:
    async def lingering(request: Received) -> None:
        await request.head()
        await request.send(b'data: {"choices": [{"finish_reason": "stop"}]}\n\ndata: [DONE]\n\n')
        await request.left()

    pieces, error, _ = await asked(lingering)

    assert (pieces, error) == ([ChatEnded(reason="stop")], None)


async def garbage(request: Received) -> None:
    request.writer.write(b"220 mail.example.org ESMTP\r\n\r\n")
    await request.left()


async def page(request: Received) -> None:
    await request.whole("200 OK", "text/html", b"<html>welcome</html>")


async def lost(request: Received) -> None:
    await request.whole("404 Not Found", "text/html", b"<html>nothing here</html>")


async def moved(request: Received) -> None:
    await request.whole("302 Found", "text/html", b"", Location="/login")


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (garbage, "it speaks no HTTP"),
        (page, "status 200 and text/html: '<html>welcome</html>'"),
        (lost, "status 404"),
        (moved, "it redirects to /login"),
    ],
)
async def test_what_is_no_chat_endpoint_is_called_that(answer: Any, found: str) -> None:
    _, error, server = await asked(answer)

    assert isinstance(error, NotAChatEndpointError)
    assert found in error.found
    assert len(server.received) == 1


async def test_a_model_that_the_server_lacks_is_a_refusal() -> None:
    async def unknown(request: Received) -> None:
        body = b'{"object":"error","message":"The model `m` does not exist.","code":404}'
        await request.whole("404 Not Found", "application/json", body)

    _, error, _ = await asked(unknown)

    assert isinstance(error, RequestRefusedError)
    assert "check base URL and model name" in str(error)


async def test_nobody_at_the_address_is_said_with_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    async with open_runtime() as runtime:
        model = await runtime.spawn(
            OpenAIModel, base_url=f"http://127.0.0.1:{port}/v1", model="m", backoff=0.001
        )
        with pytest.raises(EndpointUnreachableError, match=f"127.0.0.1:{port}.* is the server"):
            await anext(model.chat(ASKED))
        assert (await model.statistics()).retried == 2


async def test_a_connection_that_is_closed_without_an_answer_is_tried_again() -> None:
    async def closing_at_first(request: Received) -> None:
        if request.connection == 1:
            request.writer.close()
        else:
            await world(request)

    pieces, error, _ = await asked(closing_at_first)

    assert (pieces, error) == (WHOLE, None)


async def test_no_more_requests_are_under_way_than_allowed() -> None:
    go_on = asyncio.Event()

    async def waiting(request: Received) -> None:
        await go_on.wait()
        await world(request)

    async with ChatServer(waiting) as server, open_runtime() as runtime:
        model = await model_of(runtime, server, concurrency=2)

        async def one() -> list[ChatPiece]:
            return [piece async for piece in model.chat(ASKED)]

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one()) for _ in range(3)]
            await until(lambda: len(server.received) == 2)
            counted = await model.statistics()
            go_on.set()

        assert (counted.running, counted.waiting) == (3, 1)
        assert [task.result() for task in tasks] == [WHOLE] * 3


async def test_waiting_for_a_turn_counts_for_the_deadline() -> None:
    async with ChatServer(silent) as server, open_runtime() as runtime:
        model = await model_of(runtime, server, concurrency=1, deadline=0.2)

        async def one() -> int:
            with pytest.raises(AnswerTimeoutError):
                await anext(model.chat(ASKED))
            return len(server.received)

        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(one())
        assert len(server.received) <= 2


REFUSAL = f'{{"error": {{"message": "bad key {SECRET}"}}}}'


@pytest.mark.parametrize("status", ["401 Unauthorized", "200 OK"])
async def test_the_key_reaches_the_server_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, status: str
) -> None:
    async def refusing(request: Received) -> None:
        await request.whole(status, "application/json", REFUSAL.encode())

    file = tmp_path / "key"
    file.write_text(SECRET)
    file.chmod(0o600)
    with caplog.at_level(logging.DEBUG):
        _, error, server = await asked(refusing, api_key_file=str(file))

    assert server.received[0].headers["authorization"] == f"Bearer {SECRET}"
    assert isinstance(error, RequestRefusedError)
    assert error.message == "bad key ..."
    assert SECRET not in f"{error} {error!r} {vars(error)} {caplog.text}"


async def test_a_key_that_is_not_there_keeps_the_model_from_starting() -> None:
    async with ChatServer(world) as server, open_runtime() as runtime:
        with pytest.raises((SpawnError, ApiKeyError), match="NO_SUCH_KEY: it is not set"):
            await model_of(runtime, server, api_key_env="NO_SUCH_KEY")
