from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passel.agents.compiler.embedded.metrics import tasks_of
from passel.agents.compiler.embedded.questions import SPLITS, Example, Split, examples
from passel.agents.compiler.embedded.questions.families_more import FAMILIES
from passel.agents.compiler.embedded.questions.subjects import EVENTS, KINDS, TOPICS
from passel.agents.compiler.embedded.questions.wordings import (
    AFTER,
    CHANGES,
    PLAIN,
    SUPPOSED,
    Wordings,
)
from passel.agents.compiler.embedded.questions.wordings_more import (
    CASES,
    CONVERTED,
    DIAMOND,
    IN_UNIT,
    LOOK_UP,
    PAIRS,
    RESULTS,
    THEN,
)
from passel.agents.compiler.embedded.toolset import declared_tools
from passel.agents.compiler.plan_file import plan_graph

TOOLS = declared_tools()


def steps(example: Example) -> list[list[int]]:
    """Return how many need, and are needed by, each task, step by step."""
    tasks = tasks_of(example.plan, TOOLS)
    assert tasks is not None, example.plan
    graph = plan_graph(tasks)
    return [[graph.in_degree(task) for task in step] for step in nx.topological_generations(graph)]


def has_its_shape(example: Example) -> bool:
    """Whether the graph of an example's plan is of the declared shape."""
    found = steps(example)
    roots, last = len(found[0]), found[-1]
    match example.shape:
        case "fan-out":
            return len(found) == 1 and roots >= 2
        case "fan-out and reduce":
            return len(found) == 2 and last == [roots]
        case "chains and reduce":
            middle = found[1]
            return len(found) == 3 and set(middle) == {1} and last == [roots]
        case "diamond":
            return found == [[0], [1, 1], [2]]
        case "two stages":
            return len(found) >= 3 and len(last) == 1 and roots >= 2 and max(map(max, found)) >= 2


@settings(max_examples=12, deadline=None)
@given(split=st.sampled_from(SPLITS), seed=st.integers(0, 2**32))
def test_every_plan_can_be_read_and_has_the_shape_that_is_declared(split: Split, seed: int) -> None:
    for example in examples(split, len(FAMILIES), seed=seed):
        assert has_its_shape(example), example


def test_the_same_seed_makes_the_same_questions_and_another_one_others() -> None:
    one = list(examples("training", 60, seed=1))

    assert list(examples("training", 60, seed=1)) == one
    assert list(examples("training", 60, seed=2)) != one
    assert len({example.question for example in one}) == 60


def test_every_family_has_its_turn() -> None:
    trained = {example.family for example in examples("training", len(FAMILIES))}
    kept = {example.family for example in examples("families", len(FAMILIES))}

    assert trained | kept == {family.name for family in FAMILIES}
    assert trained & kept == set()
    assert len(kept) >= 5


def test_only_the_split_of_branches_asks_of_five_subjects() -> None:
    for split in SPLITS:
        counts = {example.branches for example in examples(split, 100)}
        assert counts == {5} if split == "branches" else max(counts) <= 4


def test_subjects_that_are_kept_from_training_are_in_no_question_of_it() -> None:
    kept = {name for kind in (*KINDS, TOPICS) for name in kind.pool(held_out=True)}
    seen = " ".join(example.question for example in examples("training", 2_000))

    assert [name for name in sorted(kept) if len(name) > 6 and name in seen] == []
    assert all(
        set(kind.pool(held_out=True)).isdisjoint(kind.pool(held_out=False)) for kind in KINDS
    )
    assert all(len(set(kind.names)) == len(kind.names) for kind in (*KINDS, EVENTS, TOPICS))


ALL_WORDINGS = [
    SUPPOSED,
    DIAMOND,
    *(
        wordings
        for group in (PLAIN, AFTER, CHANGES, LOOK_UP, CONVERTED, IN_UNIT, RESULTS, THEN, CASES)
        for wordings in group.values()
    ),
    *PAIRS.values(),
]


@pytest.mark.parametrize("wordings", ALL_WORDINGS)
def test_wordings_that_are_kept_from_training_are_others(wordings: Wordings) -> None:
    training = set(wordings.pool(held_out=False))
    kept = set(wordings.pool(held_out=True))

    assert training
    assert kept
    assert training.isdisjoint(kept)
