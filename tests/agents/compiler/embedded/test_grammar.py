from __future__ import annotations

from functools import cache

import llguidance
import pytest

from passel.agents.compiler.embedded.grammar import plan_grammar
from passel.agents.compiler.embedded.prompt import plain_question
from passel.agents.compiler.embedded.questions import examples
from passel.agents.compiler.embedded.toolset import declared_tools

QUESTION = "If K2 grew by 15%, would Denali or K2 be higher?"


@cache
def bytes_only() -> llguidance.LLTokenizer:
    """Return a vocabulary of bytes: what a grammar accepts does not depend on it."""
    return llguidance.LLTokenizer("byte")


def accepts(question: str, plan: str) -> bool:
    """Whether a plan is a word of a question's grammar."""
    grammar = plan_grammar(declared_tools(), plain_question(question), lines=8)
    matcher = llguidance.LLMatcher(bytes_only(), llguidance.LLMatcher.grammar_from_lark(grammar))
    assert not matcher.is_error(), matcher.get_error()
    tokens = bytes_only().tokenize_str(plan)
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


PLAN = """1. lookup("K2", "height")
2. calculator("${1} * (1 + 15/100)")
3. lookup("Denali", "height")
4. pick(["K2", "Denali"], [$2, $3], "largest")
5. join()"""


def test_the_plan_that_is_wanted_is_a_word_of_the_grammar() -> None:
    assert accepts(QUESTION, PLAN)
    assert all(accepts(e.question, e.plan) for e in examples("subjects", 6, seed=3))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"Denali", "height"', '"Everest", "height"'),  # no span of the question
        ('"Denali", "height"', '"enali", "height"'),  # nor a part of a word
        ('"Denali", "height"', '"", "height"'),
        ('"Denali", "height"', '"Denali", "colour"'),
        ('"Denali", "height"', '"Denali"'),
        ("lookup", "look_up"),
        ("[$2, $3]", "[$2, $4]"),  # itself
        ("[$2, $3]", "[$2, $7]"),
        ("[$2, $3]", "[]"),
        ("15/100", "25/100"),  # a number that nobody said
        ("3. lookup", "4. lookup"),
        ("\n5. join()", ""),
        ("5. join()", "6. join()"),
    ],
)
def test_what_cannot_be_read_or_was_not_said_is_no_word_of_it(old: str, new: str) -> None:
    assert old in PLAN
    assert not accepts(QUESTION, PLAN.replace(old, new))


def test_what_has_a_meaning_inside_texts_is_taken_out_of_a_question() -> None:
    question = plain_question('Is "A\\B"\n worth $5  or\t$1?')

    assert question == "Is 'A/B' worth USD 5 or USD 1?"
    assert accepts(question, '1. search("A/B\' worth USD 5")\n2. join()')
