from __future__ import annotations

import json
import signal
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import typer
from typer.testing import CliRunner

from passel.agents.plan_command import app

if TYPE_CHECKING:
    from typer.testing import Result

CREW = "tests.agents.compiler.crew"
PLAN = """\
1. height("Eiffel tower")
2. height("Big Ben")
3. add($1, $2)
4. join()
"""
FAULTY = (
    '1. height("Eiffel tower"\n2. echo("a", "b")\n3. find("x")\n4. echo($3)\n4. echo("again")\n'
)
TOOLS = [word for name in ("height", "add", "echo") for word in ("-t", f"{CREW}:{name}")]


def plan(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(app, list(words))


def written(folder: Path, text: str) -> str:
    path = folder / "a.plan"
    path.write_text(text)
    return str(path)


def test_a_plan_is_drawn_in_steps(tmp_path: Path) -> None:
    done = plan("show", written(tmp_path, PLAN))
    assert done.exit_code == 0
    assert done.stdout == (
        'at once:\n   1. height("Eiffel tower")\n   2. height("Big Ben")\n'
        "then:\n   3. add($1, $2)   needs 1, 2\n"
        "\n3 tasks; at most 2 at once; the longest way has 2: 1 -> 3\n"
    )


def test_what_is_wrong_with_a_plan_is_pointed_out(tmp_path: Path) -> None:
    done = plan("show", written(tmp_path, FAULTY), *TOOLS)
    assert done.exit_code == 1
    assert ' ! 1. height("Eiffel tower"\n' in done.stdout
    assert "4 cannot be run:" in done.stdout
    assert "  1, unclosed: the call has no closing parenthesis" in done.stdout
    assert "  2, arguments: echo takes 1 argument, 2 are given; write echo(word)" in done.stdout
    assert "  3, tool: there is no tool find; there are height, add, echo" in done.stdout
    assert "  4, duplicate: there is a task 4 already" in done.stdout


def test_calls_whose_lines_begin_wrongly_are_shown(tmp_path: Path) -> None:
    text = '1. height("a")\n2) height("b")\n3: add("$1", 2)\n* height("c")\n4. add("$2", 1)\n'
    done = plan("show", written(tmp_path, text))
    assert done.exit_code == 1
    assert " ! 2) height" in done.stdout
    assert "3 cannot be run:" in done.stdout
    assert "  2, number: its line begins `2) height(`; write `2. height(`" in done.stdout
    assert "  0, number: its line begins `* height(`; write `N. height(`" in done.stdout
    ran = plan("run", written(tmp_path, text), *TOOLS)
    assert ran.exit_code == 1
    assert "2 height refused: its line begins" in ran.stdout
    assert "4 add skipped: task 2 has no result" in ran.stdout


@pytest.mark.parametrize("ending", ["mmd", "dot", "svg"])
def test_a_plan_is_drawn_for_other_programs(tmp_path: Path, ending: str) -> None:
    picture = tmp_path / f"a.{ending}"
    done = plan("show", written(tmp_path, PLAN.replace("Big", "<Big>")), "-o", str(picture))
    assert done.exit_code == 0
    text = picture.read_text()
    if ending == "svg":
        drawn = ET.fromstring(text)
        assert len(drawn.findall("{*}rect")) == 3
        assert len(drawn.findall("{*}path")) == 2
    else:
        arrow = "-->" if ending == "mmd" else "->"
        assert f"t1 {arrow} t3" in text
        assert f"t2 {arrow} t3" in text


def test_refused_tasks_of_a_picture_are_told_apart_and_named(tmp_path: Path) -> None:
    done = plan("show", written(tmp_path, FAULTY), *TOOLS, "-f", "mermaid")
    assert done.exit_code == 1
    assert "class t3 refused" in done.stdout
    assert "task 3, tool: there is no tool find" in done.stderr


def test_json_plans_are_shown_too(tmp_path: Path) -> None:
    tasks = [
        {"id": 1, "tool": "height", "arguments": {"of": "Big Ben"}},
        {"id": 2, "tool": "add", "arguments": {"a": "$1", "b": 1}},
    ]
    done = plan("show", written(tmp_path, json.dumps({"tasks": tasks})))
    assert done.exit_code == 0
    assert '1. height(of="Big Ben")' in done.stdout
    assert '2. add(a="$1", b=1)   needs 1' in done.stdout


def test_a_json_task_with_a_field_that_there_is_not_is_refused_alone(tmp_path: Path) -> None:
    tasks = [
        {"id": 1, "tool": "height", "args": {"of": "Big Ben"}},
        {"id": 2, "tool": "echo", "arguments": {"word": "b"}},
    ]
    done = plan("show", written(tmp_path, json.dumps({"tasks": tasks})), *TOOLS)
    assert done.exit_code == 1
    assert "1 cannot be run:" in done.stdout
    assert "  1, arguments: the task does not read: Object contains unknown field" in done.stdout


def test_a_plan_runs_over_functions_of_this_process(tmp_path: Path) -> None:
    done = plan("run", written(tmp_path, PLAN), *TOOLS)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "3 add = 426.0"
    failing = plan("run", written(tmp_path, PLAN.replace("Ben", "Ban")), *TOOLS)
    assert failing.exit_code == 1
    assert "3 add skipped: task 2 has no result" in failing.stdout


def running(folder: Path, text: str, *tools: str) -> subprocess.Popen[str]:
    words = [word for name in tools for word in ("-t", f"tests.actors.tools.crew:{name}")]
    heard = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # in any shell
    )
    code = f"{heard}; from passel.agents.plan_command import app; app()"
    command = [sys.executable, "-c", code, "run", written(folder, text), *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.process
def test_a_thread_that_blocks_on_does_not_hold_the_command(tmp_path: Path) -> None:
    with running(tmp_path, '1. stall()\n2. echo("a")\n', "stall", "echo") as process:
        out, err = process.communicate(timeout=30)
    assert process.returncode == 1, err
    assert "1 stall failed: " in out
    assert "2 echo = a" in out


@pytest.mark.process
def test_an_interrupt_ends_the_command_while_a_thread_blocks(tmp_path: Path) -> None:
    with running(tmp_path, "1. doze()\n", "doze") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "1 doze begins\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) != 0


@pytest.mark.parametrize(
    ("text", "words", "says"),
    [
        ("no plan", [], "holds no task; write one a line"),
        ("[1,2", [], 'a plan in JSON is `{"tasks": [{"id": 1,'),
        ("{}", [], 'a plan in JSON is `{"tasks": [{"id": 1,'),
        (None, [], "cannot be read"),
        (PLAN, ["-t", "tests.none:none"], "No module named"),
    ],
)
def test_what_cannot_be_shown_says_why(
    tmp_path: Path, text: str | None, words: list[str], says: str
) -> None:
    path = written(tmp_path, text) if text else str(tmp_path / "missing")
    done = plan("show", path, *words)
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_result_does_not_steer_the_terminal(tmp_path: Path) -> None:
    done = plan("run", written(tmp_path, '1. echo("\x1b[31mred")\n2. join()\n'), *TOOLS)
    assert done.exit_code == 0, done.output
    assert r"\x1b[31mred" in done.stdout
    assert "\x1b" not in done.output


def test_unknown_formats_and_missing_tools_are_refused(tmp_path: Path) -> None:
    assert plan("show", written(tmp_path, PLAN), "-f", "png").exit_code == 2
    assert plan("run", written(tmp_path, PLAN)).exit_code == 2


@pytest.mark.process
def test_other_commands_do_not_load_the_compiler_for_it() -> None:
    code = "import sys, passel.agents.plan_command; print('passel.agents.compiler' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_command_is_found_by_its_entry_point() -> None:
    text = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    points = tomllib.loads(text)["project"]["entry-points"]["passel.commands"]
    loaded = EntryPoint("plan", points["plan"], "passel.commands").load()
    assert isinstance(loaded, typer.Typer)


def test_where_nothing_can_be_written_and_unknown_endings_are_said_in_a_line(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, PLAN)
    done = plan("show", path, "-o", str(tmp_path / "none" / "a.svg"))
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
    assert "cannot be written: [Errno 2]" in done.stderr
    picture = tmp_path / "a.png"
    done = plan("show", path, "-o", str(picture))
    assert done.exit_code == 2
    assert ".mmd" in done.stderr
    assert not picture.exists()


def test_a_long_result_is_cut_and_is_whole_in_json(tmp_path: Path) -> None:
    path = written(tmp_path, f'1. echo("{"x" * 5_000}")\n')
    cut = plan("run", path, *TOOLS)
    assert cut.stdout == f"1 echo = {'x' * 4_000}... and 1000 characters more\n"
    whole = json.loads(plan("run", path, *TOOLS, "--json").stdout)
    assert (whole["id"], whole["ending"], len(whole["result"])) == (1, "done", 5_000)


def test_a_plan_is_shown_as_json(tmp_path: Path) -> None:
    done = plan("show", written(tmp_path, PLAN.replace("join", "find")), *TOOLS, "--json")
    assert done.exit_code == 1
    tasks = json.loads(done.stdout)
    assert tasks[2] == {"id": 3, "tool": "add", "text": "3. add($1, $2)", "needs": [1, 2]}
    assert tasks[3]["fault"] == "tool"
    assert plan("show", written(tmp_path, PLAN), "--json", "-f", "svg").exit_code == 2
