"""Programs as tools, and what is left of them: nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from passel.actors.processes import run_command
from passel.actors.tools import (
    CommandFailedError,
    ToolArgumentsError,
    ToolDefinitionError,
    ToolTimeoutError,
)
from passel.actors.tools.processes import Command, CommandParameter, CommandTools
from passel.protocols.tools import ToolCall, ToolPolicy
from tests.runtime.worlds import open_runtime, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from passel import ActorRef

pytestmark = pytest.mark.process

BROOD = """
echo $$ > pids
sleep 600 & echo $! >> pids
setsid sh -c 'echo $$ >> pids; trap "" TERM; sleep 600 & echo $! >> pids; wait' &
while [ $(wc -l < pids) -lt 4 ]; do :; done
touch born
"""
"""A family of four: one in a session of its own, that wants to stay, with a child."""


def shell(script: str, **options: Any) -> Command:
    """Return a tool that is a script of the shell."""
    fields = {"name": "tool", "description": "Do it.", "command": ("sh", "-c", script)} | options
    return Command(**fields)


@asynccontextmanager
async def offering(*commands: Command, **options: Any) -> AsyncIterator[ActorRef[CommandTools]]:
    async with open_runtime(**options) as rt:
        yield await rt.spawn(CommandTools, commands=commands)


def called(*arguments: Any, **keywords: Any) -> ToolCall:
    return ToolCall(tool="tool", arguments=arguments, keywords=keywords)


def alive(pids: list[int]) -> list[int]:
    """Return those of the processes that still run."""
    found = []
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state not in "ZX":
            found.append(pid)
    return found


def brood(folder: Path) -> list[int]:
    """Return the processes of BROOD."""
    return [int(word) for word in (folder / "pids").read_text().split()]


@pytest.mark.parametrize("isolate", [False, True])
async def test_what_a_program_writes_is_the_result(isolate: bool) -> None:
    text = CommandParameter(description="What to sort.")
    order = CommandParameter(choices=("-r", "-u"), optional=True)
    sort = Command(
        name="tool",
        description="Sort lines.",
        command=("sort",),
        parameters={"text": text, "order": order},
        stdin="{text}\nAction: Finish($1)",
    )
    async with offering(sort, isolate=isolate) as tools:
        (spec,) = await tools.tools()
        assert spec.parameters == {
            "type": "object",
            "properties": {
                "text": {"type": "string", "description": "What to sort."},
                "order": {"enum": ["-r", "-u"]},
            },
            "required": ["text"],
            "additionalProperties": False,
        }
        assert await tools.call(called("b\n$2 {text}")) == "$2 {text}\nAction: Finish($1)\nb"


async def test_no_argument_becomes_an_option_of_a_program(tmp_path: Path) -> None:
    """`cat --version` and `head -n -- --version` would both tell of themselves."""
    (tmp_path / "--version").write_text("one\ntwo\n")
    parameters = {
        "lines": CommandParameter(type="integer", optional=True),
        "file": CommandParameter(optional=True),
    }

    def tool(name: str, *words: str) -> Command:
        return Command(
            name=name, description="Read.", command=words, parameters=parameters,
            directory=str(tmp_path),
        )  # fmt: skip

    head = tool("head", "env", "--", "head", "-n", "{lines}", "--", "{file}")
    cat = tool("cat", "env", "--", "cat", "{file}")
    async with offering(head, cat) as tools:
        call = ToolCall(tool="head", arguments=(1, "--version"))
        assert await tools.call(call) == "one"
        for wrong in (
            ToolCall(tool="head", keywords={"file": "--version"}),
            ToolCall(tool="cat", keywords={"file": "--version"}),
        ):
            with pytest.raises(ToolArgumentsError, match="would take for an option"):
                await tools.call(wrong)


async def test_output_may_be_json(tmp_path: Path) -> None:
    script = 'printf \'{{"folder": "%s", "word": "%s", "secret": "%s"}}\' "$PWD" "$WORD" "$SECRET"'
    os.environ["SECRET"] = "hidden"
    try:
        tool = shell(script, json=True, directory=str(tmp_path), environment={"WORD": "$1"})
        async with offering(tool) as tools:
            found = await tools.call(called())
    finally:
        del os.environ["SECRET"]
    assert found == {"folder": str(tmp_path), "word": "$1", "secret": ""}
    async with offering(shell("echo no", json=True)) as tools:
        with pytest.raises(CommandFailedError, match="its output is no JSON"):
            await tools.call(called())


@pytest.mark.parametrize("isolate", [False, True])
async def test_a_program_that_fails_says_how_and_what_it_wrote_last(isolate: bool) -> None:
    script = "seq 1 9 >&2; echo no such page >&2; exit 3"
    async with offering(shell(script), isolate=isolate) as tools:
        with pytest.raises(CommandFailedError) as caught:
            await tools.call(called())
    assert str(caught.value) == (
        "tool tool failed: exit code 3: its last lines:\n    6\n    7\n    8\n    9\n    no such page"
    )
    assert (caught.value.exit_code, caught.value.signal) == (3, None)
    assert caught.value.stderr.startswith("1\n2\n")
    async with offering(shell("kill -SEGV $$"), isolate=isolate) as tools:
        with pytest.raises(CommandFailedError, match="ended by SIGSEGV") as caught:
            await tools.call(called())
    assert (caught.value.exit_code, caught.value.signal) == (None, "SIGSEGV")


async def test_a_program_that_is_not_there_is_said() -> None:
    missing = shell("", command=("no-such-program-at-all",))
    async with offering(missing) as tools:
        with pytest.raises(CommandFailedError, match="no-such-program-at-all: No such file"):
            await tools.call(called())


async def test_a_program_that_writes_too_much_is_ended() -> None:
    async with offering(shell("yes", max_output=100_000)) as tools:
        with pytest.raises(CommandFailedError, match="wrote more than 100000 bytes"):
            await tools.call(called())


async def test_what_a_program_leaves_running_ends_with_it(tmp_path: Path) -> None:
    async with offering(shell(f"{BROOD} echo done", directory=str(tmp_path))) as tools:
        assert await tools.call(called()) == "done"
    assert len(brood(tmp_path)) == 4
    assert alive(brood(tmp_path)) == []


async def test_all_of_a_program_is_ended_when_its_time_is_over(tmp_path: Path) -> None:
    policy = ToolPolicy(timeout=1.0)
    tool = shell(f"{BROOD} wait", directory=str(tmp_path), policy=policy, grace=0.05)
    async with offering(tool) as tools:
        with pytest.raises(ToolTimeoutError, match="did not answer within 1 s"):
            await tools.call(called())
        assert len(brood(tmp_path)) == 4
        assert alive(brood(tmp_path)) == []


async def test_all_of_a_program_is_ended_when_its_caller_leaves(tmp_path: Path) -> None:
    tool = shell(f"{BROOD} wait", directory=str(tmp_path), grace=0.05)
    async with offering(tool) as tools:
        call = asyncio.ensure_future(tools.call(called()))
        await until((tmp_path / "born").exists)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await until(lambda: not alive(brood(tmp_path)))


async def test_a_program_that_is_ended_may_clean_up(tmp_path: Path) -> None:
    script = "trap 'touch clean; exit' TERM; touch born; while :; do sleep 0.01; done"
    tool = shell(script, directory=str(tmp_path), grace=10.0)
    async with offering(tool) as tools:
        call = asyncio.ensure_future(tools.call(called()))
        await until((tmp_path / "born").exists)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await until((tmp_path / "clean").exists)


def test_all_of_a_program_is_ended_when_its_node_is_killed(tmp_path: Path) -> None:
    program = f"""
import asyncio
from passel.actors.processes import run_command
asyncio.run(run_command(["sh", "-c", {BROOD + "wait"!r}], environment={{}}, max_output=1))
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path) as node:
        asyncio.run(until((tmp_path / "born").exists))
        os.kill(node.pid, signal.SIGKILL)
    asyncio.run(until(lambda: not alive(brood(tmp_path))))


async def test_limits_are_set_for_the_program() -> None:
    finished = await run_command(
        ["sh", "-c", "ulimit -n"],
        environment={"PATH": os.environ["PATH"]},
        limits={"nofile": 32},
        max_output=100,
    )
    assert finished.output == b"32\n"


def test_a_command_that_makes_no_sense_is_refused() -> None:
    for options, says in [
        ({"stdin": "{text}"}, r"its stdin has \{text\}"),
        ({"name": "not a name"}, "a name of letters"),
        ({"command": ("ls", "{x}")}, r"its command has \{x\}"),
    ]:
        with pytest.raises(ToolDefinitionError, match=says):
            CommandTools(commands=[shell("true", **options)])  # type: ignore[arg-type]  # a mapping
