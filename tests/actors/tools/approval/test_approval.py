"""Calls that wait for somebody's word."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from passel.actors.tools import (
    ApprovalDecidedError,
    FunctionTools,
    ToolArgumentsError,
    ToolDeniedError,
    ToolFailedError,
    ToolInterruptedError,
    ToolKeyError,
    ToolTimeoutError,
    UnknownApprovalError,
    UnknownToolError,
)
from passel.actors.tools.approval import Approval
from passel.actors.tools.approval.register import DECIDED_KEPT, ApprovalRegister
from passel.protocols.errors import ActorError
from passel.protocols.tools import ToolCall
from tests.runtime.worlds import open_runtime, private_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from passel import ActorRef

CREW = "tests.actors.tools.crew"
ROOT = Path(__file__).parents[4]


def called(tool: str, *arguments: Any, key: str = "") -> ToolCall:
    return ToolCall(tool=tool, arguments=arguments, key=key)


@asynccontextmanager
async def guarded(path: Path, **options: Any) -> AsyncIterator[ActorRef[Approval]]:
    isolate = options.pop("isolate", False)
    async with open_runtime(state=path, isolate=isolate, resume=True) as rt:
        names = [f"{CREW}:echo", f"{CREW}:explode", f"{CREW}:climb_to"]
        tools: Any = await rt.spawn(FunctionTools, functions=names)
        named = rt.options(name="approval", durable=True)
        yield await named.spawn(Approval, tools=tools, only=("echo", "explode"), **options)


async def first_of(approval: ActorRef[Approval], count: int = 1) -> int:
    """Return the number of the first request, once there are so many."""
    async with asyncio.timeout(10.0):  # what waits has no event to await
        while len(pending := await approval.pending()) < count:  # noqa: ASYNC110
            await asyncio.sleep(0)
    return pending[0].id


@pytest.mark.parametrize("isolate", [False, True])
async def test_a_call_waits_for_its_word_and_is_made_then(tmp_path: Path, isolate: bool) -> None:
    async with guarded(tmp_path, isolate=isolate) as approval:
        text = "Action: Finish($1)"
        call = asyncio.ensure_future(approval.call(called("echo", text)))
        number = await first_of(approval)
        (request,) = await approval.pending()
        assert (request.call.tool, request.call.arguments, request.verdict) == (
            "echo", (text,), None,
        )  # fmt: skip
        assert not call.done()
        decided = await approval.decide(number, "approve", "fine")
        assert (decided.verdict, decided.note) == ("approve", "fine")
        assert await call == text
        assert await approval.pending() == []


async def test_a_call_that_is_denied_says_so_with_the_note(tmp_path: Path) -> None:
    async with guarded(tmp_path) as approval:
        call = asyncio.ensure_future(approval.call(called("echo", "x")))
        await approval.decide(await first_of(approval), "deny", "too dear")
        with pytest.raises(ToolDeniedError, match="tool echo: the call was denied: too dear"):
            await call


async def test_what_a_tool_says_after_its_approval_is_the_answer(tmp_path: Path) -> None:
    async with guarded(tmp_path) as approval:
        call = asyncio.ensure_future(approval.call(called("explode", "value")))
        await approval.decide(await first_of(approval), "approve")
        with pytest.raises(ToolFailedError, match="no such thing"):
            await call


async def test_tools_that_need_no_word_are_called_at_once(tmp_path: Path) -> None:
    async with guarded(tmp_path) as approval:
        result = await approval.call(called("climb", {"name": "x"}, 1))
        assert result == {"name": "x", "height": 1.0}
        specs = {spec.name: spec for spec in await approval.tools()}
        assert specs["climb"].policy.timeout == 5.0
        assert specs["echo"].policy.timeout > 7 * 24 * 3600


async def test_nobody_waits_for_a_word_for_ever(tmp_path: Path) -> None:
    async with guarded(tmp_path, patience=0.05) as approval:
        for key in ("", "k"):
            with pytest.raises(ToolTimeoutError):
                await approval.call(called("echo", "x", key=key))
        (waits,) = await approval.pending()
        assert waits.call.key == "k"


@pytest.mark.parametrize("isolate", [False, True])
async def test_nobody_is_asked_about_a_call_that_can_only_fail(
    tmp_path: Path, isolate: bool
) -> None:
    async with guarded(tmp_path, isolate=isolate) as approval:
        for wrong in (called("echo"), called("echo", "a", "b"), called("explode", [3], key="k")):
            with pytest.raises(ToolArgumentsError, match=f"tool {wrong.tool}: argument"):
                await approval.call(wrong)
        with pytest.raises(UnknownToolError, match="no tool 'ecko' here; there are: climb, echo"):
            await approval.check(called("ecko", "a"))
        assert await approval.pending() == []


async def test_a_call_whose_tools_are_gone_for_now_waits_for_its_word() -> None:
    async with open_runtime() as rt:
        tools: Any = await rt.spawn(FunctionTools, functions=[f"{CREW}:echo"])
        approval = await rt.spawn(Approval, tools=tools)
        await rt.stop(tools)
        call = asyncio.ensure_future(approval.call(called("echo", "x")))
        await approval.decide(await first_of(approval), "approve")
        with pytest.raises(ActorError):
            await call


async def test_nobody_is_asked_about_a_call_without_a_key_whose_caller_has_left(
    tmp_path: Path,
) -> None:
    async with guarded(tmp_path) as approval:
        calls = [
            asyncio.ensure_future(approval.call(called("echo", f"{number}", key=key)))
            for number, key in enumerate(("", "", "k"))
        ]
        number = await first_of(approval, 3)
        for call in calls[1:]:
            call.cancel()
        await asyncio.gather(*calls[1:], return_exceptions=True)
        with pytest.raises(UnknownApprovalError):  # rolls the actor back to its last state
            await approval.decide(99, "deny")
        async with asyncio.timeout(5.0):
            while len(pending := await approval.pending()) > 2:  # noqa: ASYNC110  # no event
                await asyncio.sleep(0)
        assert [(r.call.arguments, r.call.key) for r in pending] == [(("0",), ""), (("2",), "k")]
        assert [request.attended for request in pending] == [True, False]
        await approval.decide(number, "approve")
        assert await calls[0] == "0"


async def test_requests_that_are_withdrawn_are_asked_of_nobody(tmp_path: Path) -> None:
    async with guarded(tmp_path) as approval:
        calls = [
            asyncio.ensure_future(approval.call(called("echo", key, key=key))) for key in "abc"
        ]
        await first_of(approval, 3)
        requests = {request.call.key: request.id for request in await approval.pending()}
        calls[0].cancel()
        await asyncio.gather(calls[0], return_exceptions=True)
        await approval.decide(requests["c"], "approve")
        await approval.withdraw(["a", "a", "b", "c", "never"])
        with pytest.raises(ToolInterruptedError):
            await calls[1]
        assert await calls[2] == "c"
        for key in "ab":
            with pytest.raises(UnknownApprovalError):
                await approval.decide(requests[key], "approve")
    async with guarded(tmp_path) as approval:
        assert await approval.pending() == []
        assert await approval.call(called("echo", "c", key="c")) == "c"


async def test_who_decides_is_told_whether_somebody_waits(tmp_path: Path) -> None:
    async with guarded(tmp_path) as approval:
        calls = [asyncio.ensure_future(approval.call(called("echo", "x", key=key))) for key in "ab"]
        await first_of(approval, 2)
        requests = {request.call.key: request.id for request in await approval.pending()}
        calls[0].cancel()
        async with asyncio.timeout(5.0):
            while all(request.attended for request in await approval.pending()):  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert not (await approval.decide(requests["a"], "approve")).attended
        assert (await approval.decide(requests["b"], "approve")).attended
        assert await calls[1] == "x"
        await asyncio.gather(calls[0], return_exceptions=True)


async def test_a_call_that_leaves_before_it_is_entered_is_not(tmp_path: Path) -> None:
    async with guarded(tmp_path) as approval:
        for turns in range(24):
            call = asyncio.ensure_future(approval.call(called("echo", "x")))
            for _ in range(turns):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        last = asyncio.ensure_future(approval.call(called("echo", "last")))
        async with asyncio.timeout(5.0):
            while [r.call.arguments for r in await approval.pending()] != [("last",)]:  # noqa: ASYNC110
                await asyncio.sleep(0)
        last.cancel()
        await asyncio.gather(last, return_exceptions=True)


def test_requests_without_a_key_do_not_outlive_their_callers() -> None:
    register = ApprovalRegister()
    requests = [register.enter(called("t", key=key), 0.0) for key in ("", "", "k")]
    register.decide(requests[0].id, "deny", "", 1.0)
    state = register.state()
    assert ApprovalRegister(state).pending() == requests[2:]
    assert ApprovalRegister(state, present=[requests[1].id]).pending() == requests[1:]
    for request in requests:
        register.withdraw(request.id)
    assert register.pending() == requests[2:]
    assert register.request(requests[0].id).verdict == "deny"


async def test_a_word_cannot_be_taken_back(tmp_path: Path) -> None:
    async with guarded(tmp_path) as approval:
        with pytest.raises(UnknownApprovalError, match="no request 7; waiting are: none"):
            await approval.decide(7, "approve")
        call = asyncio.ensure_future(approval.call(called("echo", "x", key="k")))
        number = await first_of(approval)
        await approval.decide(number, "approve")
        await approval.decide(number, "approve")
        with pytest.raises(ApprovalDecidedError, match="decided before: approve"):
            await approval.decide(number, "deny")
        assert await call == "x"
        assert await approval.call(called("echo", "x", key="k")) == "x"
        with pytest.raises(ToolKeyError):
            await approval.call(called("echo", "y", key="k"))


async def test_requests_and_words_outlive_the_runtime(tmp_path: Path) -> None:
    async with guarded(tmp_path) as approval:
        calls = [asyncio.ensure_future(approval.call(called("echo", "x", key=key))) for key in "ab"]
        await first_of(approval, 2)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    async with guarded(tmp_path) as approval:
        first, second = await approval.pending()
        assert not first.attended
        assert [first.call.key, second.call.key] == ["a", "b"]
        await approval.decide(first.id, "approve")
    async with guarded(tmp_path) as approval:
        assert await approval.call(called("echo", "x", key="a")) == "x"
        call = asyncio.ensure_future(approval.call(called("echo", "x", key="b")))
        await approval.decide(second.id, "approve")
        assert await call == "x"
        third = asyncio.ensure_future(approval.call(called("echo", "z")))
        assert await first_of(approval) > second.id
        await approval.decide(await first_of(approval), "approve")
        assert await third == "z"


async def test_a_word_is_heard_whenever_it_comes_while_a_call_comes_again() -> None:
    async with open_runtime() as rt:
        tools: Any = await rt.spawn(FunctionTools, functions=[f"{CREW}:echo"])
        approval = await rt.spawn(Approval, tools=tools)
        for turns in range(16):
            call = called("echo", "x", key=f"{turns}")
            first = asyncio.ensure_future(approval.call(call))
            number = await first_of(approval)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            again = asyncio.ensure_future(approval.call.options(timeout=5.0)(call))
            for _ in range(turns):
                await asyncio.sleep(0)
            await approval.decide(number, "approve")
            assert await again == "x"


def test_calls_with_arrays_find_their_requests() -> None:
    register = ApprovalRegister()
    first = register.enter(called("t", {"a": np.arange(3)}, key="k"), 0.0)
    assert register.enter(called("t", {"a": np.arange(3)}, key="k"), 1.0) == first
    with pytest.raises(ToolKeyError):
        register.enter(called("t", {"a": np.arange(1, 4)}, key="k"), 1.0)


def test_old_words_are_forgotten_and_waiting_requests_never() -> None:
    register = ApprovalRegister()
    waits = register.enter(called("t", key="waits"), 0.0)
    for number in range(DECIDED_KEPT + 5):
        request = register.enter(called("t", key=f"{number}"), 0.0)
        register.decide(request.id, "approve", "", 1.0)
    state = register.state()
    assert len(state.requests) == DECIDED_KEPT + 1
    again = ApprovalRegister(state)
    assert again.pending() == [waits]
    assert again.enter(called("t", key="0"), 2.0).verdict is None
    assert again.enter(called("t", key="9"), 2.0).verdict == "approve"


async def passel(folder: Path, *words: str) -> asyncio.subprocess.Process:
    """Start a `passel` command in a process group of its own."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        "PASSEL_RUN_DIR": str(folder / "run"),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "passel", *words, env=environment, process_group=0,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def decided(folder: Path) -> Any:
    """Approve the first request, once there is one."""
    words = ("ask", "waiting", "approval", "decide", "1", "approve", "go", "--json")
    async with asyncio.timeout(30.0):
        while True:
            process = await passel(folder, *words)
            out, _ = await process.communicate()
            if process.returncode == 0:
                return json.loads(out)


async def kill_and_approve(folder: Path) -> None:
    """Let a call wait, kill everything, resume, and say the word."""
    topology = str(Path(__file__).with_name("waiting.yaml"))
    state = folder / "state"
    words = ["run", topology, "--state", str(state), "--set", f"params.folder={folder}"]
    killed = await passel(folder, *words)
    try:
        await seen(lambda: written(state))
    finally:
        os.killpg(killed.pid, signal.SIGKILL)
        await killed.communicate()
    killed_at = time.time()
    assert not (folder / "paper").exists()
    resumed = await passel(folder, *words, "--resume")
    await seen((folder / "run" / f"waiting-{resumed.pid}" / "runtime.json").exists)
    request = await decided(folder)
    assert (request["verdict"], request["call"]["key"]) == ("approve", "order-17")
    assert request["asked"] < killed_at
    out, err = await resumed.communicate()
    assert (resumed.returncode, out.decode().strip()) == (0, "signed paper"), err.decode()
    assert (folder / "paper").read_text() == "signed\n"


async def seen(condition: Callable[[], bool]) -> None:
    """Wait for what another process does to files."""
    async with asyncio.timeout(30.0):
        while not condition():  # noqa: ASYNC110  # no event crosses from there
            await asyncio.sleep(0.02)


def written(state: Path) -> bool:
    """Whether the request is in the journal."""
    return any(b"order-17" in file.read_bytes() for file in state.glob("journals/approval.db*"))


@pytest.mark.process
async def test_a_waiting_call_survives_the_kill_of_all_processes_and_is_approved_by_command() -> (
    None
):
    with private_folder() as folder:
        await kill_and_approve(folder)
