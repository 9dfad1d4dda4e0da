"""Servers of the Model Context Protocol: kind ones, made with the SDK, and rude ones."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from passel.actors.tools import ToolArgumentsError, ToolDefinitionError, ToolFailedError
from passel.actors.tools.errors import ToolTimeoutError
from passel.actors.tools.mcp import McpHealth, McpServer
from passel.protocols.errors import SpawnError
from passel.protocols.tools import ToolCall, ToolPolicy
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from passel import ActorRef

pytestmark = pytest.mark.process

HERE = Path(__file__).parent
KIND = [sys.executable, str(HERE / "kind_server.py")]
RUDE = [sys.executable, "-I", "-S", str(HERE / "rude_server.py")]


@pytest.fixture(autouse=True)
def brief_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the SDK wait less for servers that do not end by themselves; it has no option for that."""
    monkeypatch.setattr("mcp.client.stdio.PROCESS_TERMINATION_TIMEOUT", 0.1)


def called(tool: str, *arguments: Any, **keywords: Any) -> ToolCall:
    return ToolCall(tool=tool, arguments=arguments, keywords=keywords)


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[ActorRef[McpServer]]:
    async with open_runtime() as rt:
        yield await rt.spawn(McpServer, **options)


@contextmanager
def listening() -> Iterator[str]:
    """Run the kind server on loopback, and yield its URL."""
    with subprocess.Popen([*KIND, "http"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/mcp"
        finally:
            process.kill()


async def health_when(server: ActorRef[McpServer], state: str, starts: int) -> McpHealth:
    """Return how a server is once it is so."""
    async with asyncio.timeout(20.0):
        while True:
            health = await server.health()
            if (health.state, health.starts) == (state, starts):
                return health
            await asyncio.sleep(0.01)


async def check_tools(server: ActorRef[McpServer]) -> None:
    """Call all that a kind server offers."""
    specs = {spec.name: spec for spec in await server.tools()}
    assert list(specs) == ["add", "echo_text", "where", "fail", "picture", "wait", "grow"]
    assert specs["add"].description == "Add two numbers."
    assert specs["add"].parameters["required"] == ["a"]
    assert specs["add"].parameters["properties"]["b"]["default"] == 1
    assert await server.call(called("add", 3, b="4")) == 7
    text = 'Action: Finish("$1")\n1. search("x")\n2. join()<END_OF_PLAN>'
    assert await server.call(called("echo_text", text)) == text
    assert await server.call(called("where", "Thale")) == {"city": "Thale", "at": [1.5, 2]}
    picture = await server.call(called("picture"))
    assert picture == {"type": "image/png", "data": b"\x89PNG"}
    with pytest.raises(ToolFailedError, match="nothing of that"):
        await server.call(called("fail"))
    with pytest.raises(ToolArgumentsError, match=r"'a' is missing; call add\(a: integer"):
        await server.call(called("add"))
    with pytest.raises(ToolArgumentsError, match=r"'a' does not fit"):
        await server.call(called("add", "many"))
    with pytest.raises(ToolTimeoutError, match="wait did not answer within 0"):
        await server.call(called("wait"))
    assert await server.call(called("grow")) == "grown"
    async with asyncio.timeout(10.0):
        while len(await server.tools()) < 8:  # noqa: ASYNC110  # there is no event
            await asyncio.sleep(0.01)
    assert await server.call(called("more")) == "new"


async def test_the_tools_of_a_server_that_is_started_are_offered() -> None:
    policies = {"wait": ToolPolicy(timeout=0.2)}
    async with serving(command=KIND, policies=policies) as server:
        await check_tools(server)
        health = await server.health()
        assert (health.state, health.starts, health.server) == ("up", 1, "kind")
        assert (health.tools, health.version, health.last_error) == (8, "1.2", "")


async def test_a_policy_of_a_tool_that_the_server_does_not_have_is_logged_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Keys are the server's own names, so neither a prefix nor a model's name stands for a tool."""
    slow = ToolPolicy(timeout=7.0)
    policies = dict.fromkeys(("echo-text", "echo_text", "k_wait"), slow)
    async with serving(command=KIND, policies=policies, prefix="k_") as server:
        assert await server.call(called("k_grow")) == "grown"
        async with asyncio.timeout(10.0):
            while len(specs := await server.tools()) < 8:  # noqa: ASYNC110  # there is no event
                await asyncio.sleep(0.01)
        timeouts = {spec.name: spec.policy.timeout for spec in specs}
        assert (timeouts["k_echo_text"], timeouts["k_wait"]) == (7.0, 60.0)
    logged = [line for line in capsys.readouterr().out.splitlines() if "unknown tool" in line]
    assert len(logged) == 2
    assert "echo_text" in logged[0]
    assert "'echo-text'" in logged[0]
    assert "k_wait" in logged[1]


async def test_the_tools_of_a_server_that_listens_are_offered() -> None:
    policies = {"wait": ToolPolicy(timeout=0.2)}
    with listening() as url:
        async with serving(url=url, policies=policies, start_timeout=2.0) as server:
            await check_tools(server)
            assert (await server.health()).starts == 1


@pytest.mark.parametrize(
    ("how", "says", "lost"),
    [
        ("die", "server: Connection closed", "it ended, .*its last lines:\n    I have had enough"),
        ("hang", "did not answer within 0.3 s", "it does not answer: 0.3 s without a word"),
        ("rubbish", "did not answer within 0.3 s", "it does not answer"),
    ],
)
async def test_a_server_that_fails_costs_one_call_and_is_started_again(
    how: str, says: str, lost: str, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    policy = ToolPolicy(timeout=0.3)
    async with serving(
        command=[*RUDE, str(starts)], policies={"do": policy}, ping_timeout=0.3
    ) as server:
        assert [spec.name for spec in await server.tools()] == ["do"]
        with pytest.raises((ToolFailedError, ToolTimeoutError), match=says):
            await server.call(called("do", how))
        health = await health_when(server, "up", 2)
        assert re.match(lost, health.last_error)
        assert await server.call(called("do", "fine")) == "fine"
        assert (health.garbage > 0) == (how == "rubbish")
    pids = starts.read_text().split()
    assert len(pids) == 2
    assert not set(pids) & set(os.listdir("/proc"))


async def test_a_call_that_comes_while_a_server_starts_again_waits_for_it(tmp_path: Path) -> None:
    async with serving(command=[*RUDE, str(tmp_path / "starts")]) as server:
        with pytest.raises(ToolFailedError):
            await server.call(called("do", "die"))
        assert await server.call(called("do", "fine")) == "fine"
        assert (await server.health()).starts == 2


async def test_what_does_no_harm_does_not_cost_the_server_its_life(tmp_path: Path) -> None:
    policies = {"do": ToolPolicy(timeout=0.2)}
    async with serving(command=[*RUDE, str(tmp_path / "starts")], policies=policies) as server:
        assert await server.call(called("do", "chat")) == "chat"
        with pytest.raises(ToolTimeoutError):
            await server.call(called("do", "silence"))
        with pytest.raises(ToolFailedError):
            await server.call(called("do", "wrong"))
        call = asyncio.ensure_future(server.call(called("do", "silence")))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert await server.call(called("do", "fine")) == "fine"
        health = await server.health()
        assert (health.starts, health.garbage) == (1, 1)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["no-such-server-at-all"], "no-such-server-at-all: No such file"),
        ([*RUDE, "/dev/null", "die"], "its last lines:\n    not today"),
        ([*RUDE, "/dev/null", "hang"], "it did not say within 0.5 s what it offers"),
    ],
)
async def test_a_server_that_never_was_there_fails_the_start(command: list[str], says: str) -> None:
    async with open_runtime() as rt:
        with pytest.raises(SpawnError, match=says):
            await rt.spawn(McpServer, command=command, start_timeout=0.5)


def test_it_is_said_what_a_server_is() -> None:
    for options in ({}, {"command": ["a"], "url": "http://localhost"}):
        with pytest.raises(ToolDefinitionError, match="either a `command` or a `url`"):
            McpServer(**options)  # type: ignore[arg-type]  # of mixed types
