from __future__ import annotations

import pytest

from passel.agents.notation.verdict import (
    Finished,
    Replan,
    Unreadable,
    Verdict,
    read_json_verdict,
    read_verdict,
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Thought: all there\nAction: Finish(42)", Finished("42", "all there")),
        ("Action: Finish(First for Women (magazine))", Finished("First for Women (magazine)")),
        ("Action: Finish(Replanning of Paris)", Finished("Replanning of Paris")),
        ("Action: Finish(one\ntwo (2)\nthree)\n", Finished("one\ntwo (2)\nthree")),
        ("Action: Finish(fine :) really)", Finished("fine :) really")),
        ("Action: Finish(fine :)\nreally)", Finished("fine :)\nreally")),
        ("Action: Finish(an open ( one)", Finished("an open ( one")),
        ("Action: Finish(3)\nThat was easy (for me).", Finished("3")),
        ("Action: Finish()", Finished("")),
        ("Thought: a\nb\nAction: Replan(no price yet)", Replan("no price yet", "a\nb")),
        ("**Thought:** a\n**Action:** Finish(x)", Finished("x", "a")),
        ("Action: Finish(a)<END_OF_RESPONSE> and (so) on)", Finished("a")),
        ("Thought: Action: Replan(x) would do\nAction: Finish(y)",
         Finished("y", "Action: Replan(x) would do")),
    ],
)  # fmt: skip
def test_a_verdict_is_what_its_verb_and_parentheses_say(text: str, meant: Verdict) -> None:
    assert read_verdict(text) == meant


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("The answer is 42.", "no `Action"),
        ("Action: Finish(42", "no closing"),
        ("Action: finish(42)", "no `Action"),
        ("Action: Finisher(42)", "no `Action"),
        ("> Action: Finish(42)", "no `Action"),
        ("", "no `Action"),
    ],
)
def test_what_is_no_verdict_says_why(text: str, reason: str) -> None:
    verdict = read_verdict(text)
    assert isinstance(verdict, Unreadable)
    assert reason in verdict.reason


def test_a_verdict_may_be_json() -> None:
    finished = '```json\n{"thought": "t", "verb": "finish", "text": "a (b)"}\n```'
    assert read_json_verdict(finished) == Finished("a (b)", "t")
    assert read_json_verdict('{"verb": "replan", "text": "more"}') == Replan("more")
    assert isinstance(read_json_verdict('{"verb": "end", "text": "x"}'), Unreadable)
    assert isinstance(read_json_verdict("42"), Unreadable)
