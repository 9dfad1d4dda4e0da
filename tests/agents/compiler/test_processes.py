"""Runs over several processes, some of which are killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from passel import Runtime
from passel.actors.chat import ScriptedModel
from passel.actors.tools import FunctionTools
from passel.agents.compiler import Answer, Compiler, RunEvent, TaskSettled
from passel.agents.compiler.journal import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[3]
CREW = "tests.agents.compiler.crew"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder of this test's own; its path is short, as sockets want it."""
    with tempfile.TemporaryDirectory(prefix="p", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


async def test_a_dead_tool_node_costs_a_task_or_a_second_call_and_not_the_run(
    tmp_path: Path,
) -> None:
    """Both tools of the node wait when it is killed: one may be called again, the other may not."""
    plan = (
        f'1. patient("a", "{tmp_path}")\n2. stubborn("b", "{tmp_path}")\n3. echo("c")\n'
        "4. echo($1)\n5. echo($2)\n6. join()"
    )
    async with Runtime(run_directory=tmp_path) as runtime:
        await runtime.start_node("far", max_restarts=3)
        far = await runtime.options(name="far-tools", node="far", max_restarts=3).spawn(
            FunctionTools, functions=[f"{CREW}:patient", f"{CREW}:stubborn"]
        )
        near = await runtime.spawn(FunctionTools, functions=[f"{CREW}:echo"])
        model = await runtime.spawn(ScriptedModel, script=[plan, "Action: Finish(survived)"])
        compiler = await runtime.spawn(Compiler, model=model, tools=[far, near])
        events: list[RunEvent] = []
        async for event in compiler.answer_live("q"):
            events.append(event)
            if isinstance(event, TaskSettled) and event.outcome.id == 3:
                await until(lambda: (tmp_path / "a").exists() and (tmp_path / "b").exists())
                os.kill(runtime.pid_of("far"), signal.SIGKILL)
    outcomes = {int(e.outcome.id): e.outcome for e in events if isinstance(e, TaskSettled)}
    assert {n: o.ending for n, o in outcomes.items()} == {
        1: "done", 2: "failed", 3: "done", 4: "done", 5: "skipped"
    }  # fmt: skip
    assert "SIGKILL" in outcomes[2].error
    assert outcomes[1].attempts == 2
    assert isinstance(events[-1], Answer)
    assert events[-1].answer == "survived"


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


async def until(condition: Callable[[], Any]) -> None:
    """Wait for what another process does to files."""
    async with asyncio.timeout(30.0):
        while not condition():  # noqa: ASYNC110  # no event crosses from there
            await asyncio.sleep(0.02)


async def kept(folder: Path) -> int:
    """Return how many results the journal of the running runtime holds."""
    name = f'"{name_of("What now?")}"'
    asked = await passel(folder, "ask", "resumed", "journal", "unfinished", name, "--json")
    out, err = await asked.communicate()
    assert asked.returncode == 0, err.decode()
    (run,) = json.loads(out).values()
    rounds = run["rounds"]
    return len(rounds[0]["outcomes"]) if rounds and rounds[0]["plan"] else 0


async def test_a_run_that_was_killed_repeats_no_finished_call_when_it_is_resumed(
    tmp_path: Path,
) -> None:
    topology = str(Path(__file__).with_name("resumed.yaml"))
    words = [
        "run",
        topology,
        "--state",
        str(tmp_path / "state"),
        "--set",
        f"params.folder={tmp_path}",
    ]
    calls = tmp_path / "calls"

    def made() -> list[str]:
        return (
            [line.split()[0] for line in calls.read_text().splitlines()] if calls.exists() else []
        )

    killed = await passel(tmp_path, *words)
    try:
        await until(lambda: len(made()) == 4)
        async with asyncio.timeout(20.0):
            while await kept(tmp_path) < 3:
                pass
    finally:
        os.killpg(killed.pid, signal.SIGKILL)
        await killed.communicate()
    (tmp_path / "go").touch()
    resumed = await passel(tmp_path, *words, "--resume", "--json")
    out, err = await resumed.communicate()
    assert resumed.returncode == 0, err.decode()
    assert sorted(made()) == ["a", "a", "b", "w-b-a", "w-b-a"], "task 4 had not ended"
    assert '"answer": "done"' in out.decode()


async def test_the_example_answers_from_the_project_s_own_pages(tmp_path: Path) -> None:
    example = str(ROOT / "examples" / "compiler.yaml")
    run = await passel(tmp_path, "run", example, "--set", "params.pace=0")
    out, err = await run.communicate()
    assert run.returncode == 0, err.decode()
    text = out.decode()
    assert "answer: 24.0 times" in text
    assert "planner | 6. join()\njoiner | Thought" in text
    assert "failed: 0" in text


async def test_the_example_of_a_planner_needs_no_weights(tmp_path: Path) -> None:
    run = await passel(tmp_path, "run", str(ROOT / "examples" / "planner.yaml"))
    out, err = await run.communicate()
    assert run.returncode == 0, err.decode()
    assert "answer: Shard" in out.decode()
