from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passel.agents.compiler.embedded.metrics import grade, tasks_of
from passel.agents.compiler.embedded.questions import examples
from passel.agents.compiler.embedded.rules import plan_by_rules
from passel.agents.compiler.embedded.toolset import declared_tools

TOOLS = declared_tools()


@pytest.mark.parametrize(
    ("question", "plan"),
    [
        (
            "Which is the tallest: the Eiffel Tower, Old Tom or Bank of China Tower?",
            """1. lookup("Eiffel Tower", "height")
2. lookup("Old Tom", "height")
3. lookup("Bank of China Tower", "height")
4. pick(["Eiffel Tower", "Old Tom", "Bank of China Tower"], [$1, $2, $3], "largest")
5. join()""",
        ),
        (
            "If the Nile grew by 5% and the Po were halved in length, what is their total length?",
            """1. lookup("Nile", "length")
2. calculator("${1} * (1 + 5/100)")
3. lookup("Po", "length")
4. calculator("${3} / 2")
5. combine([$2, $4], "sum")
6. join()""",
        ),
        (
            "How many days lie between the launch of Sputnik and the Moon landing?",
            """1. lookup("launch of Sputnik", "date")
2. lookup("Moon landing", "date")
3. days_between($1, $2)
4. join()""",
        ),
        (
            "What is the average depth of Loch Ness and Lake Como in feet?",
            """1. lookup("Loch Ness", "depth")
2. lookup("Lake Como", "depth")
3. combine([$1, $2], "mean")
4. convert($3, "feet")
5. join()""",
        ),
    ],
)
def test_rules_plan_what_they_were_made_for(question: str, plan: str) -> None:
    assert plan_by_rules(question) == plan


def test_rules_plan_most_questions_of_the_training_wordings() -> None:
    """A weak baseline would make any model look good."""
    graded = [grade(plan_by_rules(e.question), e.plan, TOOLS) for e in examples("training", 80)]

    assert sum(found.same_calls for found in graded) >= 75


@settings(max_examples=20, deadline=None)
@given(question=st.text(max_size=120))
def test_whatever_is_asked_the_plan_can_be_read(question: str) -> None:
    assert tasks_of(plan_by_rules(question), TOOLS) is not None
