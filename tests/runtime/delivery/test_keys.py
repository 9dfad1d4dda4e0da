"""The table of keys: what arrives first runs, what comes again gets the same answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passel.protocols.errors import KeysFullError
from passel.runtime.delivery.keys import Answer, KeyTable, RequestKey, Run, Wait, made_key

KEY = RequestKey("leader/", "add", "k")
SEVEN = Answer(failed=False, body=b"\x07")


def table(capacity: int = 4) -> KeyTable[str]:
    """Return an empty table."""
    return KeyTable("far/counter", capacity)


def test_the_first_request_runs_and_those_that_come_meanwhile_wait() -> None:
    keys = table()

    assert keys.enter(KEY, "first") == Run()
    assert keys.enter(KEY, "second") == Wait()
    assert keys.finish(KEY, SEVEN) == ["first", "second"]


def test_what_comes_afterwards_gets_the_kept_answer() -> None:
    keys = table()
    keys.enter(KEY, "first")
    keys.finish(KEY, SEVEN)

    assert keys.enter(KEY, "late") == SEVEN
    assert keys.finish(KEY, SEVEN) == []


def test_a_settled_key_is_forgotten_and_runs_anew() -> None:
    keys = table()
    keys.enter(KEY, "first")
    keys.finish(KEY, SEVEN)

    assert keys.settle(KEY)
    assert not keys.settle(KEY)
    assert len(keys) == 0
    assert keys.enter(KEY, "another") == Run()


def test_a_request_that_took_no_effect_leaves_no_trace() -> None:
    keys = table()
    keys.enter(KEY, "first")
    keys.enter(KEY, "second")

    assert keys.abandon(KEY) == ["first", "second"]
    assert keys.enter(KEY, "third") == Run()


def test_callers_and_handlers_do_not_share_keys() -> None:
    keys = table()
    keys.enter(KEY, "first")

    assert keys.enter(KEY._replace(source="side/worker"), "other caller") == Run()
    assert keys.enter(KEY._replace(method="take"), "other handler") == Run()


def test_a_full_table_refuses_new_keys_and_forgets_none() -> None:
    keys = table(capacity=2)
    one, two, three = (KEY._replace(key=key) for key in "abc")
    for key in (one, two):
        keys.enter(key, "first")
        keys.finish(key, SEVEN)

    with pytest.raises(KeysFullError, match="far/counter remembers 2 keys"):
        keys.enter(three, "first")
    assert keys.enter(one, "again") == keys.enter(two, "again") == SEVEN
    keys.settle(one)
    assert keys.enter(three, "first") == Run()


def test_the_answers_of_a_former_life_are_given_again() -> None:
    keys = table()
    keys.restore({KEY: SEVEN})

    assert keys.enter(KEY, "again") == SEVEN


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["enter", "finish"]))))
def test_nothing_runs_twice_before_it_is_settled(steps: list[tuple[str, str]]) -> None:
    keys, runs = table(), dict.fromkeys("ab", 0)
    asked: dict[str, int] = dict.fromkeys("ab", 0)
    answered = dict.fromkeys("ab", 0)
    for name, step in steps:
        key = KEY._replace(key=name)
        if step == "enter":
            asked[name] += 1
            found = keys.enter(key, name)
            runs[name] += isinstance(found, Run)
            answered[name] += isinstance(found, Answer)
        else:
            answered[name] += len(keys.finish(key, SEVEN))
    assert all(count <= 1 for count in runs.values())
    for name in "ab":
        answered[name] += len(keys.finish(KEY._replace(key=name), SEVEN))
    assert answered == asked, "nobody waits for ever, nobody is answered twice"


MADE = made_key("0" * 16, 7)


@pytest.mark.parametrize(
    ("source", "key"), [("side/Worker#3", "1~order-17"), ("side/worker", MADE), ("side/", MADE)]
)
def test_a_key_that_nobody_can_come_back_with_ends_with_its_senders_life(
    source: str, key: str
) -> None:
    keys = table()
    answered, running = (RequestKey(source, method, key) for method in ("add", "wait"))
    keys.enter(answered, "first", life=2)
    keys.enter(running, "second", life=2)
    keys.finish(answered, SEVEN)
    keys.forget("side", 1)
    keys.forget("other", 2)
    assert len(keys) == 2, "that was another life, and another node"
    keys.forget("side", 2)
    assert keys.enter(running, "third", life=2) == Wait(), "it is under way, and runs once"
    assert keys.finish(running, SEVEN) == ["second", "third"]
    assert len(keys) == 0


@pytest.mark.parametrize("source", ["side/worker", "side/"])
def test_a_key_that_its_user_chose_outlives_the_node_of_a_sender_that_may_come_back(
    source: str,
) -> None:
    keys = table()
    key = RequestKey(source, "add", "order-17")
    keys.enter(key, "first", life=1)
    keys.finish(key, SEVEN)
    keys.forget("side", 1)
    assert keys.enter(key, "again", life=2) == SEVEN


def test_keys_of_this_node_itself_end_with_nobody_elses_life() -> None:
    keys = table()
    key = RequestKey("side/Worker#3", "add", MADE)
    keys.enter(key, "first")
    keys.finish(key, SEVEN)
    keys.forget("side", 9)
    assert len(keys) == 1
