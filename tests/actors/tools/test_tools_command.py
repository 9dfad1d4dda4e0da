"""`passel tools`."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from passel.actors.tools import ToolArgumentsError
from passel.actors.tools.documents import DocumentIndex
from passel.actors.tools_command import app

if TYPE_CHECKING:
    from typer.testing import Result

CLIMB = (
    "climb(place: Place, steps: integer (minimum 1, maximum 100), pace: one of 'fast', 'slow' "
    "(optional), notes: array of string or null (optional))"
)
CREW = "tests.actors.tools.crew"


def tools(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_functions_are_shown_as_models_see_them() -> None:
    shown = tools("show", f"{CREW}:climb_to", f"{CREW}:meet")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines() == [
        CLIMB,
        "    Climb to a place.",
        "    ",
        "    It is reached in steps.",
        "    8 at once, 5 s each; is called once for each key",
        "meet(who: string)",
        "    Wait in a thread until four have come.",
        "    4 at once, 60 s each; is repeated only if its node dies",
    ]
    (spec,) = json.loads(tools("show", f"{CREW}:echo", "--json").stdout)
    assert (spec["name"], spec["parameters"]["required"]) == ("echo", ["text"])


def test_functions_are_called_as_tools_are() -> None:
    called = tools("call", f"{CREW}:climb_to", '{"name": "Brocken"}', "steps=3")
    assert json.loads(called.stdout) == {"name": "Brocken", "height": 3.0}
    assert json.loads(tools("call", f"{CREW}:echo", "$1 == 2").stdout) == "$1 == 2"
    assert isinstance(tools("call", f"{CREW}:echo").exception, ToolArgumentsError)


def test_a_result_does_not_steer_the_terminal() -> None:
    text = "\x1b[31mred\x9b1m"
    called = tools("call", f"{CREW}:echo", text)
    assert json.loads(called.stdout) == text
    assert not {"\x1b", "\x9b"} & set(called.stdout)


@pytest.mark.process
def test_a_call_ends_the_command_when_its_thread_blocks_on() -> None:
    code = "from passel.actors.tools_command import app; app()"
    words = [sys.executable, "-c", code, "call", f"{CREW}:stall"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode != 0
    assert "ToolTimeoutError" in done.stderr


def test_a_folder_is_indexed(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Brocken\n\nIt is high.\n")
    (tmp_path / "b.org").write_text("Low.")
    index = tmp_path / "index.db"
    done = tools("index", str(tmp_path), str(index))
    assert done.stdout == (
        f"{index}: 1 passages of 1 files (1 read now, 0 skipped, 0 removed)\n"
    ), done.output
    assert [hit.path for hit in DocumentIndex(index).search("high", 3)] == ["a.md"]
    done = tools("index", str(tmp_path), str(index), "-s", ".org")
    assert "(1 read now, 0 skipped, 1 removed)" in done.stdout


def test_the_command_is_found_by_its_entry_point() -> None:
    text = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    points = tomllib.loads(text)["project"]["entry-points"]["passel.commands"]
    loaded = EntryPoint("tools", points["tools"], "passel.commands").load()
    assert isinstance(loaded, typer.Typer)


@pytest.mark.process
def test_other_commands_do_not_load_the_tools_for_it() -> None:
    code = "import sys, passel.actors.tools_command; print('passel.actors.tools' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
