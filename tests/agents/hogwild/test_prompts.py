from __future__ import annotations

import pytest

from passel.agents.hogwild import NAMES, team_names, team_prompt
from passel.agents.hogwild.prompts import SUFFIX
from passel.agents.hogwild.step_rule import ends_step

PROBLEM = "How many {curly} pigs are 6 * 7?"


@pytest.mark.parametrize("count", range(2, 9))
def test_a_team_s_prompt_names_everybody_and_the_problem(count: int) -> None:
    names = team_names(count)
    prompt = team_prompt(PROBLEM, names)
    (turn,) = prompt.turns
    assert all(name in turn.content for name in names)
    assert not any(name in turn.content for name in NAMES[count:])
    assert turn.content.endswith(PROBLEM)
    assert len(prompt.openings) == count


def test_what_the_prompt_says_of_the_markers_is_what_stands_between_the_blocks() -> None:
    prompt = team_prompt(PROBLEM, team_names(2))
    for marker in (prompt.markers.past, prompt.markers.others):
        assert marker.strip() in prompt.turns[0].content
    assert "<...>" in prompt.markers.own


def test_one_worker_alone_gets_a_plain_prompt_without_markers() -> None:
    prompt = team_prompt(PROBLEM, team_names(1))
    assert "Alice" not in prompt.turns[0].content
    assert prompt.markers.own == prompt.markers.others == prompt.markers.past == ""
    assert prompt.prefix.format(name="Alice", step=2) == "**Step 2:**"


def test_steps_of_the_examples_end_as_the_step_rule_wants() -> None:
    content = team_prompt(PROBLEM, team_names(2)).turns[0].content
    steps = [part for part in content.split("\n\n") if part.startswith("**")]
    assert len(steps) == 6
    assert all(ends_step(step, "\n\n") for step in steps)


def test_the_finisher_opens_a_box() -> None:
    assert SUFFIX.endswith("\\boxed{")


@pytest.mark.parametrize("count", [0, 9])
def test_there_are_names_for_one_to_eight(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 8"):
        team_names(count)


@pytest.mark.model
@pytest.mark.parametrize("count", [2, 8])
def test_the_default_prompt_is_at_most_800_tokens(count: int) -> None:
    from passel.actors.llm.gguf_file import GgufFile
    from passel.actors.llm.models import path_of

    tokenizer = GgufFile(path_of("smollm2-135m")).tokenizer()
    prompt = team_prompt("x " * 50, team_names(count))
    assert len(tokenizer.encode(prompt.turns[0].content)) <= 750
