from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passel.actors.processes import CommandWords, InvalidCommandError

if TYPE_CHECKING:
    from pathlib import Path


def test_values_take_their_places_and_double_braces_are_braces() -> None:
    words = CommandWords(["run", "--x={x}", "{a.b}:{x}", "{{x}}", "it's; $HOME"])
    assert words.places == ("x", "a.b")
    assert words.fill({"x": "1 2", "a.b": "{x}"}) == [
        "run", "--x=1 2", "{x}:1 2", "{x}", "it's; $HOME"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "reason"),
    [([], "should name a program"), ([""], "should name a program"), (["a", "{"], "a brace")],
)
def test_what_is_no_command_is_refused(words: list[str], reason: str) -> None:
    with pytest.raises(InvalidCommandError, match=reason):
        CommandWords(words)


def test_a_place_for_which_there_is_no_value_is_refused() -> None:
    with pytest.raises(InvalidCommandError, match=r"no value for \{y\}, only for x, z"):
        CommandWords(["a", "{x}{y}"]).check(["x", "z"])


def test_a_program_of_the_working_folder_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tool").touch(mode=0o755)
    monkeypatch.chdir(tmp_path)

    CommandWords(["./tool"]).find(directory=None, path="/nowhere")


def test_a_program_is_looked_for_where_it_will_be_run(tmp_path: Path) -> None:
    (tmp_path / "tool").touch(mode=0o755)
    (tmp_path / "text").touch(mode=0o644)
    CommandWords(["./tool"]).find(directory=str(tmp_path), path=None)
    CommandWords(["tool"]).find(directory=None, path=str(tmp_path))
    for word in ("./text", "./gone", "tool"):
        with pytest.raises(InvalidCommandError, match="there is no program"):
            CommandWords([word]).find(directory=str(tmp_path), path="")
