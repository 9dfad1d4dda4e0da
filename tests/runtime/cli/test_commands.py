from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from passel.runtime.cli import exits
from tests.actors.cache.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from .conftest import Commands
else:
    Commands = Any

HERE = Path(__file__).parent
COMMANDS = ["run", "check", "graph", "schema", "ps", "ask", "logs", "stop", "node", "new"]


@pytest.fixture(autouse=True)
def import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands add to the import path; give it back afterwards."""
    monkeypatch.setattr(sys, "path", [*sys.path])


def test_the_version_is_printed(passel: Commands) -> None:
    result = passel("--version")
    assert result.exit_code == exits.OK
    assert result.stdout.startswith("passel")


def test_help_lists_the_commands_and_the_exit_codes(passel: Commands) -> None:
    text = passel("--help").stdout
    assert all(command in text for command in [*COMMANDS, "models"])
    assert "130" in text
    assert "137" in text


@pytest.mark.parametrize(
    "words", [[c] for c in COMMANDS] + [["models", w] for w in ("pull", "list", "export")]
)
def test_help_of_every_command_has_examples(passel: Commands, words: list[str]) -> None:
    text = passel(*words, "--help").stdout
    assert "Examples" in text
    assert f"passel {words[0]}" in text or words == ["node"]


def test_a_wrong_word_is_a_usage_error(passel: Commands) -> None:
    assert passel("frobnicate").exit_code == exits.USAGE
    assert passel("check").exit_code == exits.USAGE


def test_check_says_that_a_file_is_sound(passel: Commands) -> None:
    result = passel("check", str(HERE / "calls.yaml"))
    assert result.exit_code == exits.OK, result.output
    assert result.stdout.endswith("calls.yaml: sound\n")


def test_check_prints_each_problem_on_a_line(passel: Commands) -> None:
    result = passel("check", str(HERE / "calls.yaml"), "--set", "params.ask=og")
    assert result.exit_code == exits.USAGE
    assert "calls.yaml:7:23: main.ask: there is no Caller.og" in result.stderr


def test_check_looks_at_what_is_simulated(passel: Commands) -> None:
    words = ["--set", "simulate.invariants=cli_actors:Counter"]
    result = passel("check", str(HERE / "calls.yaml"), *words)
    assert result.exit_code == exits.USAGE
    assert 'simulate.invariants: "Counter" is no class of invariants; derive it' in result.stderr


def test_check_prints_problems_as_json(passel: Commands) -> None:
    words = ["--json", "--set", "actors.counter.nod=side"]
    result = passel("check", str(HERE / "calls.yaml"), *words)
    assert result.exit_code == exits.USAGE
    problem = json.loads(result.stdout)["problems"][0]
    assert problem["key"] == "actors.counter.nod"
    assert problem["mend"] == 'did you mean "node"?'


def test_a_missing_file_is_a_sentence(passel: Commands) -> None:
    for command in ("run", "graph"):
        result = passel(command, "nothing.yaml")
        assert result.exit_code == exits.USAGE
        assert "nothing.yaml: there is no such file; check the path" in result.stderr


def test_graph_chooses_its_format_by_option_or_ending(passel: Commands, tmp_path: Path) -> None:
    file = str(HERE / "calls.yaml")
    assert passel("graph", file).stdout.startswith("flowchart LR")
    assert passel("graph", file, "--format", "dot").stdout.startswith("digraph")
    assert passel("graph", file, "-o", str(tmp_path / "x.svg")).exit_code == exits.OK
    assert (tmp_path / "x.svg").read_text().startswith("<svg")
    assert passel("graph", file, "--format", "png").exit_code == exits.USAGE


@pytest.mark.parametrize("name", ["x.png", "x", "x.yaml"])
def test_graph_refuses_an_ending_that_it_does_not_draw(
    passel: Commands, tmp_path: Path, name: str
) -> None:
    output = tmp_path / name
    result = passel("graph", str(HERE / "calls.yaml"), "-o", str(output))
    assert result.exit_code == exits.USAGE
    assert "mermaid (.mmd, .mermaid), dot (.dot, .gv) or svg (.svg)" in result.stderr
    assert not output.exists()
    words = ["graph", str(HERE / "calls.yaml"), "-o", str(output), "--format", "dot"]
    assert passel(*words).exit_code == exits.OK
    assert output.read_text().startswith("digraph")


def test_an_output_that_cannot_be_written_is_a_sentence(passel: Commands, tmp_path: Path) -> None:
    for words in (["graph", str(HERE / "calls.yaml")], ["schema"]):
        result = passel(*words, "-o", str(tmp_path / "no" / "x.svg"))
        assert result.exit_code == exits.USAGE
        assert "x.svg cannot be written: No such file or directory; choose" in result.stderr


def test_times_below_nothing_are_refused(passel: Commands) -> None:
    for words in (
        ["run", str(HERE / "calls.yaml"), "--timeout", "-1"],
        ["run", str(HERE / "calls.yaml"), "--grace", "-1"],
        ["ask", "x", "a", "b", "--timeout", "-1"],
        ["stop", "x", "--timeout", "-1"],
    ):
        assert passel(*words).exit_code == exits.USAGE


def test_schema_is_json(passel: Commands, tmp_path: Path) -> None:
    assert json.loads(passel("schema").stdout)["title"] == "Passel topology"
    passel("schema", "-o", str(tmp_path / "schema.json"))
    assert (tmp_path / "schema.json").exists()


def test_models_are_listed(passel: Commands) -> None:
    rows = json.loads(passel("models", "list", "--json").stdout)
    assert "smollm2-135m" in [row["name"] for row in rows]
    assert "smollm2-135m" in passel("models", "list").stdout


def test_an_unknown_model_is_a_sentence(passel: Commands) -> None:
    result = passel("models", "pull", "no-such-model")
    assert result.exit_code == exits.USAGE
    assert 'no model "no-such-model" to pull; known: smollm2-135m' in result.stderr


def test_a_model_is_exported_once(passel: Commands, tmp_path: Path) -> None:
    source, folder = write_tiny_model(tmp_path / "tiny"), tmp_path / "copy"
    words = ("models", "export", str(source), str(folder), "--dtype", "float32")

    assert passel(*words).exit_code == exits.OK
    assert (folder / "config.json").is_file()
    again = passel(*words)
    assert again.exit_code == exits.FAILED
    assert "there is something already; name a new folder" in " ".join(again.stderr.split())


def test_new_writes_a_project_that_checks(
    passel: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert passel("new", "my-crew").exit_code == exits.OK
    files = {file.name for file in (tmp_path / "my-crew").iterdir()}
    assert files == {"topology.yaml", "my_crew_actors.py", "test_my_crew_actors.py", "README.md"}
    result = passel("check", "my-crew/topology.yaml")
    assert result.exit_code == exits.OK, result.output
    again = passel("new", "my-crew")
    assert again.exit_code == exits.USAGE
    assert "is not empty" in again.stderr
    assert passel("new", "1crew").exit_code == exits.USAGE


def test_commands_for_running_runtimes_say_when_there_is_none(
    passel: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSEL_RUN_DIR", str(tmp_path / "none"))
    assert passel("ps").stdout == "nothing is running\n"
    assert passel("ps", "--json").stdout == "[]\n"
    for words in (["ask", "x", "a", "b"], ["logs", "x"], ["stop", "x"], ["ps", "x"]):
        result = passel(*words)
        assert result.exit_code == exits.NOT_FOUND
        assert 'no running runtime is called "x"' in result.stderr


def test_a_plugin_adds_commands_and_a_broken_one_is_only_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import typer

    from passel.runtime.cli import app as app_module

    class Entry:
        def __init__(self, name: str, value: object) -> None:
            self.name, self.value = name, value

        def load(self) -> typer.Typer:
            if isinstance(self.value, Exception):
                raise self.value
            assert isinstance(self.value, typer.Typer)
            return self.value

    group = typer.Typer()
    group.command("hello")(lambda: None)
    entries = [Entry("greet", group), Entry("broken", ImportError("no wheels"))]
    monkeypatch.setattr(app_module, "entry_points", lambda group: entries)
    target = typer.Typer()
    app_module.add_plugins(target)
    assert [info.name for info in target.registered_groups] == ["greet"]
    assert "the command broken of" in capsys.readouterr().err
