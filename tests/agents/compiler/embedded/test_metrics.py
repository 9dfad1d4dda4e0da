from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passel.agents.compiler.embedded.metrics import grade, mcnemar
from passel.agents.compiler.embedded.toolset import declared_tools

TOOLS = declared_tools()
WANTED = """1. lookup("K2", "height")
2. lookup("Denali", "height")
3. calculator("${1} * (1 + 20/100)")
4. pick(["K2", "Denali"], [$3, $2], "largest")
5. join()"""


def verdict(plan: str) -> str:
    """Say what a plan is worth beside the one that is wanted."""
    found = grade(plan, WANTED, TOOLS)
    if found.same_calls:
        return "same"
    return "graph" if found.same_graph else "valid" if found.valid else "nothing"


@pytest.mark.parametrize(
    ("old", "new", "worth"),
    [
        ("", "", "same"),
        ("${1} * (1 + 20/100)", "1.2 * ${1}", "same"),
        ('"K2"', '"the K2"', "same"),
        ('(["K2", "Denali"], [$3, $2]', '(["Denali", "K2"], [$2, $3]', "same"),
        ('(["K2", "Denali"], [$3, $2]', '(["Denali", "K2"], [$3, $2]', "graph"),
        ("20/100", "30/100", "graph"),
        ('"K2", "height"', '"K2", "prominence"', "graph"),
        ("largest", "smallest", "graph"),
        ("[$3, $2]", "[$1, $2]", "valid"),
        ("${1} *", "${2} *", "valid"),
        ('"K2", "height"', '"K2", "colour"', "nothing"),
        ("5. join()", "", "nothing"),
        ("$3", "$7", "nothing"),
    ],
)
def test_a_plan_is_worth_what_it_has_in_common_with_the_wanted_one(
    old: str, new: str, worth: str
) -> None:
    plan = WANTED.replace(old, new)

    assert verdict(plan) == worth


def test_the_order_of_lines_does_not_matter() -> None:
    turned = """1. lookup("Denali", "height")
7. lookup("K2", "height")
8. calculator("${7} * (1 + 20/100)")
9. pick(["K2", "Denali"], [$8, $1], "largest")
10. join()"""

    assert verdict(turned) == "same"


def test_a_ratio_has_an_order() -> None:
    wanted = (
        '1. lookup("A", "area")\n2. lookup("B", "area")\n3. combine([$1, $2], "ratio")\n4. join()'
    )

    assert grade(wanted, wanted, TOOLS).same_calls
    assert not grade(wanted.replace("[$1, $2]", "[$2, $1]"), wanted, TOOLS).same_calls


def test_mcnemar_is_the_two_sided_sign_test_of_the_discordant_pairs() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 5) == 1.0
    assert mcnemar(10, 0) == pytest.approx(2 / 2**10)
    assert mcnemar(9, 1) == pytest.approx(2 * (1 + 10) / 2**10)


@settings(max_examples=20, deadline=None)
@given(wins=st.integers(0, 200), losses=st.integers(0, 200))
def test_mcnemar_is_a_probability_and_has_no_side(wins: int, losses: int) -> None:
    p = mcnemar(wins, losses)

    assert 0.0 < p <= 1.0
    assert p == mcnemar(losses, wins)
