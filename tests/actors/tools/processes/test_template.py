"""Command lines with places for arguments."""

from __future__ import annotations

from typing import Any

import pytest

from passel.actors.tools import ToolArgumentsError, ToolDefinitionError
from passel.actors.tools.processes.template import CommandTemplate

NAMES = ("path", "pattern", "count", "files")


def filled(words: list[str], **given: Any) -> list[str]:
    return CommandTemplate("t", words, NAMES).fill(given)


def test_arguments_take_their_places_and_nothing_in_them_is_special() -> None:
    odd = "a b; rm -rf / $(x) `y` \"'* $1 {path} \n"
    assert filled(["grep", "{pattern}", "x{count}y"], pattern=odd, count=3) == ["grep", odd, "x3y"]
    assert filled(["p", "{{{count}}}"], count=True) == ["p", "{true}"]


def test_a_list_becomes_words_and_what_was_left_out_none() -> None:
    assert filled(["ls", "{files}", "{path}"], files=["a", "b"]) == ["ls", "a", "b"]
    assert filled(["ls", "--of={files}"], files=["a", "b"]) == ["ls", "--of=a,b"]


def test_a_text_that_would_be_an_option_is_refused() -> None:
    with pytest.raises(ToolArgumentsError, match="'path' is '--delete', which the command would"):
        filled(["ls", "{path}"], path="--delete")
    with pytest.raises(ToolArgumentsError, match="'files' is '-r'"):
        filled(["ls", "{files}"], files=["a", "-r"])
    with pytest.raises(ToolArgumentsError, match="would take for an option"):
        filled(["ls", "{path}x"], path="-")
    with pytest.raises(ToolArgumentsError, match="'-r', which the command would take"):
        filled(["ls", "{files}{path}"], path="-r")
    with pytest.raises(ToolArgumentsError, match="'files' is '-r,b,x'"):
        filled(["ls", "{files},{path}"], files=["-r", "b"], path="x")
    assert filled(["ls", "--", "{path}"], path="-r") == ["ls", "--", "-r"]
    assert filled(["ls", "--of={path}", "{count}"], path="-r", count=3) == ["ls", "--of=-r", "3"]
    with pytest.raises(ToolArgumentsError, match="'count' is '-3', which the command would"):
        filled(["head", "{count}"], count=-3)
    assert filled(["head", "--", "{count}", "x"], count=-3) == ["head", "--", "-3", "x"]
    with pytest.raises(ToolArgumentsError, match="NUL"):
        filled(["ls", "{path}"], path="a\0b")


@pytest.mark.parametrize(
    "words",
    [
        ["env", "--", "ls", "{path}"],  # ends the options of `env`, not those of `ls`
        ["grep", "--", "x", "{path}"],
        ["head", "-n", "{count}", "--", "{path}"],  # `-n` takes the `--` when there is no count
        ["head", "{files}", "--", "{path}"],
        ["ls", "{pattern}", "{path}"],  # an argument is no end of options, nor is one that is made
        ["ls", "-{pattern}", "{path}"],
        ["ls", "{path}", "--"],
    ],
)
def test_what_only_looks_like_an_end_of_options_is_none(words: list[str]) -> None:
    for pattern in ("--", "-", None):
        with pytest.raises(ToolArgumentsError, match="would take for an option"):
            filled(words, path="-r", pattern=pattern)


def test_behind_the_end_of_options_anything_may_stand() -> None:
    assert filled(["env", "--", "ls", "-l", "--", "{path}"], path="-r")[-1] == "-r"
    words = ["head", "-n", "{count}", "--", "{files}", "{pattern}", "x{path}", "{path}"]
    given: dict[str, Any] = {"files": ["-a", "--"], "pattern": None, "path": "-r"}
    assert filled(words, count=3, **given)[3:] == ["--", "-a", "--", "x-r", "-r"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "no fixed program"),
        (["{path}"], "no fixed program"),
        (["ls", "{other}"], r"has \{other\}, which is none of its parameters"),
        (["ls", "{path"], "a brace of its own; write it twice"),
    ],
)
def test_a_template_that_makes_no_sense_is_refused(words: list[str], says: str) -> None:
    with pytest.raises(ToolDefinitionError, match=says):
        CommandTemplate("t", words, NAMES)
