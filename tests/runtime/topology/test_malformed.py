"""A sound file is broken in hundreds of ways; each gives a typed error that names file and line."""

from __future__ import annotations

import random
import re

import pytest

from passel.runtime.topology import TopologyError, check, parse_topology

_WORDS = ["", "no", "[", "}", "{", ": :", "*x", "&x", "!!set", "-1", "0", "1e9", "null", "'", '"',
          "${", "${nope}", "${a b}", "\t", "\x00", "\ud7ff", "[1, 2]", "{ref: nobody}", "a: b", "- x",
          "%", "@", "`", "|", ">", "? x", "<<: 1", "🐗", "~", "---\n", "...\n"]  # fmt: skip


def _cut(text: str, dice: random.Random) -> str:
    """Drop a piece."""
    start = dice.randrange(len(text))
    return text[:start] + text[start + dice.randrange(1, 30) :]


def _swap_word(text: str, dice: random.Random) -> str:
    """Put a strange word where a value or key was."""
    words = list(re.finditer(r"[\w.$:{}\"-]+", text))
    word = dice.choice(words)
    return text[: word.start()] + dice.choice(_WORDS) + text[word.end() :]


def _insert(text: str, dice: random.Random) -> str:
    """Put a strange word between others."""
    at = dice.randrange(len(text))
    return text[:at] + dice.choice(_WORDS) + text[at:]


def _misspell(text: str, dice: random.Random) -> str:
    """Change one letter."""
    at = dice.choice([i for i, c in enumerate(text) if c.isalpha()])
    return text[:at] + dice.choice("qxzk") + text[at + 1 :]


def _repeat_line(text: str, dice: random.Random) -> str:
    """Give a line twice."""
    lines = text.splitlines(keepends=True)
    at = dice.randrange(len(lines))
    return "".join([*lines[:at], lines[at], *lines[at:]])


def _indent(text: str, dice: random.Random) -> str:
    """Move a line."""
    lines = text.splitlines(keepends=True)
    at = dice.randrange(len(lines))
    lines[at] = dice.choice([" ", "   ", "\t"]) + lines[at]
    return "".join(lines)


@pytest.mark.parametrize("mutate", [_cut, _swap_word, _insert, _misspell, _repeat_line, _indent])
@pytest.mark.parametrize("seed", range(50))
def test_a_broken_file_gives_a_typed_error_that_names_file_and_line(
    sound: str, mutate: object, seed: int
) -> None:
    """300 files; those that a mutation left sound must have no problems at all."""
    assert callable(mutate)
    text = mutate(sound, random.Random(seed))
    try:
        problems = check(parse_topology(text, file="crew.yaml", environment={}))
    except TopologyError as error:
        problems = list(error.problems)
        assert problems
    for problem in problems:
        assert re.match(r"crew\.yaml:\d+:\d+: ", str(problem)), problem
        assert problem.message
        assert problem.mend


def test_most_of_the_broken_files_are_in_fact_broken(sound: str) -> None:
    """At least 100 of the files above end in an error, so that the test above means something."""
    broken = 0
    for mutate in (_cut, _swap_word, _insert, _misspell, _repeat_line, _indent):
        for seed in range(50):
            text = mutate(sound, random.Random(seed))
            try:
                broken += bool(check(parse_topology(text, environment={})))
            except TopologyError:
                broken += 1
    assert broken >= 200
