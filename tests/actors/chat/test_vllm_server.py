"""Supervision of a server, with a program that behaves like one; `test_vllm.py` has the real one."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from passel import DeadActorError
from passel.actors.chat import ServerClosedError, ServerDiedError, VllmServer
from passel.protocols.chat import ChatEnded, ChatMessage, ChatPiece, ChatRequest, TextDelta
from tests.runtime.test_orphans import ended
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from passel import ActorRef, Runtime

pytestmark = pytest.mark.process

PROGRAM = [sys.executable, "-S", str(Path(__file__).parent / "fake_vllm.py")]


def asking(text: str) -> ChatRequest:
    return ChatRequest(messages=(ChatMessage(role="user", content=text),))


async def started(
    runtime: Runtime, *args: str, node: str = "", **options: Any
) -> ActorRef[VllmServer]:
    given: dict[str, Any] = {"health_every": 0.1, "backoff": 0.01, "end_grace": 0.2, **options}
    spawner = runtime.options(node=node, name="server")
    return await spawner.spawn(
        VllmServer, model="models/tiny", command=PROGRAM, args=list(args), **given
    )


async def said_by(server: ActorRef[VllmServer], text: str) -> str:
    pieces: list[ChatPiece] = [piece async for piece in server.chat(asking(text))]
    assert isinstance(pieces[-1], ChatEnded)
    return "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[1])


async def test_requests_wait_for_a_slow_start_which_is_told(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    async with open_runtime() as runtime:
        server = await started(runtime, "--gate", str(gate))
        answer = asyncio.ensure_future(said_by(server, "a b c"))
        with await asyncio.to_thread(gate.open, "w"):
            async with asyncio.timeout(20.0):
                while not (status := await server.status()).phase:  # noqa: ASYNC110  # no event
                    await asyncio.sleep(0)
            assert (status.state, status.phase) == ("starting", "loading weights")
            assert not answer.done()

        assert await answer == "abc"
        status = await server.ready()
        assert (status.state, status.restarts) == ("ready", 0)
        assert (await server.log(1)) == ["INFO Application startup complete."]
    await asyncio.get_running_loop().shutdown_default_executor()


async def test_a_server_that_is_killed_lives_again_and_its_answers_say_so() -> None:
    async with open_runtime(isolate=True) as runtime:
        server = await started(runtime)
        first = (await server.ready()).pid
        pieces = []
        with pytest.raises(ServerDiedError) as caught:
            async for piece in server.chat(asking("die")):
                pieces.append(piece)  # noqa: PERF401  # they count although the stream raises

        assert pieces == [TextDelta("die")]
        assert (await server.ready()).restarts == 1
        assert (caught.value.how, caught.value.pieces) == ("SIGKILL", 1)
        assert caught.value.lines[-1] == "Segmentation something"
        assert await said_by(server, "back again") == "backagain"
        status = await server.ready()
        assert status.restarts == 1
        assert status.pid != first


async def test_a_request_of_which_nothing_came_goes_to_the_next_process() -> None:
    async with open_runtime() as runtime:
        server = await started(runtime)
        pid = (await server.ready()).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

        assert await said_by(server, "still here") == "stillhere"
        assert (await server.statistics()).failed == 0


async def test_a_server_that_hangs_is_killed_and_lives_again() -> None:
    async with open_runtime() as runtime:
        server = await started(runtime)
        await server.ready()
        with pytest.raises(ServerDiedError, match="SIGKILL; it failed 3 health checks in a row"):
            await said_by(server, "hang")

        assert await said_by(server, "well again") == "wellagain"


async def test_a_server_that_does_not_start_is_given_up_with_what_it_said() -> None:
    async with open_runtime() as runtime:
        server = await started(runtime, "--crash", max_restarts=1)
        with pytest.raises(ServerDiedError, match=r"exit code 3.*not started again") as caught:
            await said_by(server, "?")

        assert caught.value.given_up
        assert caught.value.lines[-1] == "ValueError: unknown flag --nonsense"


async def test_a_server_whose_port_was_taken_meanwhile_gets_another_one(tmp_path: Path) -> None:
    async with open_runtime() as runtime:
        server = await started(runtime, "--beaten", str(tmp_path / "beaten"), max_restarts=0)

        assert await said_by(server, "still here") == "stillhere"
        assert (await server.status()).restarts == 1


async def test_a_command_that_is_not_there_is_said() -> None:
    async with open_runtime() as runtime:
        server = await runtime.options(on_failure="stop").spawn(
            VllmServer, model="tiny", command=["./no-such-program"], max_restarts=0
        )
        with pytest.raises(ServerDiedError, match="no-such-program: No such file or directory"):
            await said_by(server, "?")
        await runtime.watch(server)
        with pytest.raises(DeadActorError):
            await server.status()


async def test_a_drained_server_finishes_and_takes_nothing_new() -> None:
    async with open_runtime() as runtime:
        server = await started(runtime)
        stream = server.chat(asking("wait"))
        assert await anext(stream) == TextDelta("wait")
        draining = asyncio.ensure_future(server.drain())
        while (await server.status()).state != "draining":  # noqa: ASYNC110  # there is no event
            await asyncio.sleep(0)
        with pytest.raises(ServerClosedError, match="draining"):
            await said_by(server, "new")
        assert not draining.done()
        await stream.aclose()  # type: ignore[attr-defined]  # its iterators have it

        assert await draining == 0
        assert (await server.status()).state == "stopped"
        with pytest.raises(ServerClosedError, match="stopped"):
            await said_by(server, "new")


async def test_a_drain_has_an_end_even_with_a_stubborn_server() -> None:
    async with open_runtime() as runtime:
        server = await started(runtime, "--stubborn")
        stream = server.chat(asking("wait"))
        assert await anext(stream) == TextDelta("wait")

        assert await server.drain(grace=0.05) == 1
        with pytest.raises(ServerDiedError, match="SIGKILL"):
            await anext(stream)


async def test_nothing_is_left_when_the_actor_ends_not_even_what_the_server_started() -> None:
    async with open_runtime() as runtime:
        server = await started(runtime)
        brood = int(await said_by(server, "brood"))
        pid = (await server.status()).pid
        await runtime.stop(server)

        for gone in (pid, brood):
            assert gone is not None
            with pytest.raises(ProcessLookupError):
                os.kill(gone, 0)


@pytest.mark.parametrize("victim", ["node", "warden"])
async def test_nothing_is_left_when_who_watches_it_is_killed(victim: str) -> None:
    async with open_runtime() as runtime:
        if victim == "node":
            await runtime.start_node("side")
        server = await started(runtime, node="side" if victim == "node" else "")
        brood = int(await said_by(server, "brood"))
        pid = (await server.status()).pid
        assert pid is not None
        warden = parent_of(pid)
        os.kill(runtime.pid_of("side") if victim == "node" else warden, signal.SIGKILL)
        async with asyncio.timeout(5.0):
            await ended(pid)
            await ended(warden)
            if victim == "node":
                await ended(brood)
        if victim == "warden":
            os.kill(brood, signal.SIGKILL)  # what has left the server's group, nobody knows of now
            assert await said_by(server, "back") == "back"
    await asyncio.get_running_loop().shutdown_default_executor()


async def test_a_server_sees_what_it_is_allowed_to_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_OTHERS", "x")
    monkeypatch.setenv("WANTED", "x")
    async with open_runtime() as runtime:
        server = await started(runtime, environment=["WANTED"], variables={"MORE": "1"})
        names = (await said_by(server, "env")).split(" ")

    assert {"WANTED", "MORE", "PATH", "VLLM_API_KEY"} <= set(names)
    assert "SECRET_OF_OTHERS" not in names
