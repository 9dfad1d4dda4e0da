"""Functions as tools, through an actor."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from passel.actors.tools import (
    FunctionTools,
    ToolBusyError,
    ToolDefinitionError,
    ToolFailedError,
    ToolInterruptedError,
    ToolKeyError,
    ToolTimeoutError,
    UnknownToolError,
    tool,
)
from passel.protocols.tools import ToolCall
from tests.actors.tools import crew
from tests.runtime.worlds import open_runtime, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from passel import ActorRef

CREW = "tests.actors.tools.crew"


@asynccontextmanager
async def offering(*functions: Any, **options: Any) -> AsyncIterator[ActorRef[FunctionTools]]:
    async with open_runtime(**options) as rt:
        yield await rt.spawn(FunctionTools, functions=functions)


def declared(**policy: Any) -> Any:
    """Return a function with a policy."""

    @tool(**policy)
    def echo(text: str) -> str:
        return text

    return echo


def called(tool: str, *arguments: Any, key: str = "", **keywords: Any) -> ToolCall:
    return ToolCall(tool=tool, arguments=arguments, keywords=keywords, key=key)


@pytest.mark.parametrize("isolate", [False, True])
async def test_functions_are_offered_and_called_by_name(isolate: bool) -> None:
    names = [f"{CREW}:climb_to", f"{CREW}:echo", f"{CREW}:records"]
    async with offering(*names, isolate=isolate) as tools:
        assert [spec.name for spec in await tools.tools()] == ["climb", "echo", "records"]
        result = await tools.call(called("climb", {"name": "Brocken"}, "3", pace="fast"))
        assert result == {"name": "Brocken", "height": 4.0}
        assert await tools.call(called("records")) == {
            "place": {"name": "Brocken", "height": 1141.0},
            "both": [7],
            "pair": [1, "two"],
        }
        with pytest.raises(UnknownToolError, match="no tool 'fly' here; there are: climb, echo"):
            await tools.call(called("fly"))


@pytest.mark.parametrize("isolate", [False, True])
async def test_a_result_that_looks_like_a_plan_or_a_verdict_comes_back_unchanged(
    isolate: bool,
) -> None:
    text = 'Action: Finish("no")\n1. search("$1")\n2. join()<END_OF_PLAN>\n$1 ${2} $$\0'
    async with offering(f"{CREW}:echo", isolate=isolate) as tools:
        assert await tools.call(called("echo", text)) == text


async def test_blocking_calls_run_at_once_and_hold_nobody_up() -> None:
    async with offering(crew.meet) as tools:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(tools.call(called("meet", f"{n}"))) for n in range(3)]
            await until(lambda: crew.MEETING.n_waiting == 3)  # the event loop goes on meanwhile
            tasks.append(group.create_task(tools.call(called("meet", "3"))))
        assert [task.result() for task in tasks] == [f"met {n}" for n in range(4)]


async def test_no_more_calls_are_under_way_than_the_policy_allows() -> None:
    now, most = 0, 0

    @tool(concurrency=3)
    async def count() -> None:
        """Count who is here."""
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1

    async with offering(count) as tools:
        await asyncio.gather(*(tools.call(called("count")) for _ in range(10)))
    assert (now, most) == (0, 3)


@pytest.mark.parametrize(
    ("name", "how", "says"),
    [
        ("explode", "value", "tool explode failed: ValueError: no such thing"),
        ("explode", "stop", "StopIteration: enough"),
        ("explode", "exit", "SystemExit: 3"),
        ("explode", "timeout", "TimeoutError: its own"),
        ("explode_softly", "value", "ValueError: no such thing"),
        ("explode_softly", "stop", "StopIteration"),
        ("explode_softly", "exit", "SystemExit: 3"),
        ("explode_softly", "timeout", "TimeoutError: its own"),
        ("explode_softly", "cancelled", "something it waited for was cancelled"),
    ],
)
@pytest.mark.parametrize("isolate", [False, True])
async def test_a_tool_that_fails_says_so_in_its_own_words_and_ends_nothing_else(
    name: str, how: str, says: str, isolate: bool
) -> None:
    async with offering(f"{CREW}:{name}", f"{CREW}:echo", isolate=isolate) as tools:
        with pytest.raises(ToolFailedError, match=says):
            await tools.call(called(name, how))
        assert await tools.call(called("echo", "still here")) == "still here"


async def test_a_result_that_cannot_travel_is_the_tools_failure() -> None:
    async with offering(crew.strange) as tools:
        with pytest.raises(ToolFailedError, match=r"tool strange failed: result: .*plain data"):
            await tools.call(called("strange"))


async def test_a_call_that_takes_too_long_is_ended() -> None:
    ended = asyncio.Event()

    @tool(timeout=0.01)
    async def slow() -> None:
        """Wait for ever."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    async with offering(slow) as tools:
        with pytest.raises(ToolTimeoutError, match=r"slow did not answer within 0\.01 s"):
            await tools.call(called("slow"))
        await ended.wait()


async def test_a_thread_that_hangs_keeps_its_place_and_nobody_waits_for_it_in_vain() -> None:
    gate, ran = threading.Event(), threading.Event()

    @tool(concurrency=1, timeout=0.05, idempotent=True)
    def hang(wait: bool) -> str:
        """Hang."""
        if wait:
            gate.wait(timeout=10.0)
            ran.set()
        return "done"

    async with offering(hang) as tools:
        with pytest.raises(ToolTimeoutError):
            await tools.call(called("hang", True))
        with pytest.raises(ToolBusyError, match="all its 1 places"):
            await tools.call(called("hang", False))
        gate.set()
        assert ran.wait(timeout=10.0)
        while True:
            try:
                assert await tools.call(called("hang", False)) == "done"
                break
            except ToolBusyError:
                await asyncio.sleep(0)


async def test_a_call_with_a_key_works_once() -> None:
    calls, gate = 0, asyncio.Event()

    async def pay(amount: int) -> int:
        """Pay."""
        nonlocal calls
        calls += 1
        await gate.wait()
        if amount < 0:
            raise ValueError("too little")
        return calls

    async with offering(pay) as tools:
        async with asyncio.TaskGroup() as group:
            both = [group.create_task(tools.call(called("pay", 5, key="a"))) for _ in range(2)]
            await asyncio.sleep(0)
            gate.set()
        assert [task.result() for task in both] == [1, 1]
        assert await tools.call(called("pay", 5, key="a")) == 1
        assert await tools.call(called("pay", 5, key="b")) == 2
        assert await tools.call(called("pay", 5)) == 3
        with pytest.raises(ToolKeyError, match="'a' belongs to another call"):
            await tools.call(called("pay", 6, key="a"))
        for _ in range(2):
            with pytest.raises(ToolFailedError, match="too little"):
                await tools.call(called("pay", -1, key="c"))
        assert calls == 4


async def test_a_call_whose_result_cannot_travel_is_over_for_who_asks_again() -> None:
    async with offering(f"{CREW}:odd") as tools:
        for _ in range(2):
            with pytest.raises(ToolFailedError, match="result: "):
                await tools.call.options(timeout=5.0)(called("odd", key="k"))


async def test_a_call_that_was_cut_short_is_not_made_again_under_its_key() -> None:
    begun = asyncio.Event()

    async def pay() -> None:
        """Pay for ever."""
        begun.set()
        await asyncio.get_running_loop().create_future()

    async with offering(pay) as tools:
        first = asyncio.ensure_future(tools.call(called("pay", key="a")))
        await begun.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        with pytest.raises(ToolInterruptedError, match="was cut short"):
            await tools.call(called("pay", key="a"))


async def test_an_idempotent_tool_is_called_as_often_as_it_is_asked() -> None:
    calls = 0

    @tool(idempotent=True)
    async def look() -> int:
        """Look."""
        nonlocal calls
        calls += 1
        return calls

    async with offering(look) as tools:
        assert [await tools.call(called("look", key="a")) for _ in range(2)] == [1, 2]


@pytest.mark.parametrize(
    ("functions", "says"),
    [
        (["nowhere_at_all:x"], "No module named 'nowhere_at_all'"),
        ([f"{CREW}:nothing"], "has no nothing"),
        ([f"{CREW}:CREW"], "has no CREW"),
        (["echo"], "write it as 'module:function'"),
        ([f"{CREW}:echo", f"{CREW}:echo"], "the name is taken"),
        ([tool(concurrency=0)(lambda x: x)], "give it a name"),
        ([declared(concurrency=0)], "its concurrency is 0, not 1 to 256"),
        ([declared(retries=1)], "retries but is not idempotent"),
        ([declared(timeout=0)], "its timeout is 0"),
        ([declared(hedge_after=1.0)], "hedged but not idempotent"),
        ([3], "give a function"),
        ([crew.Place], "give a function"),
        ([f"{CREW}:Place"], "it is a type, no function"),
    ],
)
def test_what_cannot_be_offered_is_refused_with_the_reason(functions: Any, says: str) -> None:
    with pytest.raises(ToolDefinitionError, match=says):
        FunctionTools(functions=functions)
