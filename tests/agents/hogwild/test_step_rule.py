from __future__ import annotations

import pytest

from passel.agents.hogwild.answers import boxed, same_answer
from passel.agents.hogwild.step_rule import SENTENCE_ENDS, StepRule, StepSettings, ends_step
from passel.protocols.cache import (
    Answer,
    Epoch,
    Finish,
    Joined,
    Next,
    Park,
    Sampled,
    StepLog,
    Tick,
    TickNumber,
    TokenLog,
    WorkerId,
)

ALICE = WorkerId("Alice")
BOB = WorkerId("Bob")
PLAIN = StepSettings(prefix="{name} {step}:", check=" check?", check_every=100)


def joined(*steps: StepLog, drawn: int = 0, pending: Tick | None = None) -> Joined:
    log = TokenLog(worker=ALICE, epoch=Epoch(1), steps=steps, drawn=drawn, pending=pending)
    return Joined(epoch=Epoch(1), log=log)


def tick(text: str, *, ends: bool = False, total: int = 10, last_mark: int = 0) -> Tick:
    return Tick(
        number=TickNumber(1),
        sampled=(
            Sampled(worker=BOB, token=99, text=r"\boxed{9}"),
            Sampled(worker=ALICE, token=7, text=text, ends=ends),
        ),
        lengths=(),
        total=total,
        last_mark=last_mark,
    )


def played(pieces: list[str], settings: StepSettings = PLAIN) -> Answer:
    rule = StepRule(ALICE, settings)
    answer = rule.handle(joined())
    for piece in pieces:
        answer = rule.handle(tick(piece))
    return answer


def test_the_first_answer_opens_step_one_with_the_worker_s_own_words() -> None:
    rule = StepRule(ALICE, StepSettings(prefix="{name} {step}:", opening=" Hello."))
    assert rule.handle(joined()) == Next(begin="Alice 1: Hello.")


def test_a_token_in_mid_sentence_goes_on() -> None:
    assert played([" We", " add"]) == Next(tokens=(7,))


def test_a_blank_line_after_a_sentence_ends_the_step_with_its_last_token() -> None:
    assert played([" Done", ".", "\n\n"]) == Next(tokens=(7,), begin="Alice 2:")


@pytest.mark.parametrize("end", sorted(SENTENCE_ENDS))
def test_sentences_of_many_scripts_end_a_step(end: str) -> None:
    assert ends_step("text" + end, "\n\n")


@pytest.mark.parametrize(
    ("before", "added"),
    [
        ("First:", "\n\n"),
        ("No end", "\n\n"),
        ("One line.", "\n"),
        ("```\nprint(1).", "\n\n"),
        ("~~~\ncode.", "\n\n"),
        ("$$ x = 1.", "\n\n"),
        ("", "\n\n"),
        ("Long ago.\n\n", " x"),
    ],
)
def test_these_end_no_step(before: str, added: str) -> None:
    assert not ends_step(before, added)


@pytest.mark.parametrize(
    ("before", "added"),
    [
        ("Done", ".\n\n"),
        ("Done.\n", "\n"),
        ("Done.", "\n\nNext"),
        ("```\ncode.\n``` Done.", "\n\n"),
        ("Done. ", "\n\n"),
    ],
)
def test_these_end_a_step(before: str, added: str) -> None:
    assert ends_step(before, added)


def test_a_check_is_asked_when_the_team_wrote_enough_since_the_last_one() -> None:
    rule = StepRule(ALICE, PLAIN)
    rule.handle(joined())
    due = rule.handle(tick("Yes.\n\n", total=101))
    assert due == Next(tokens=(7,), begin="Alice 2: check?", mark=True)
    early = rule.handle(tick("Yes.\n\n", total=150, last_mark=101))
    assert early == Next(tokens=(7,), begin="Alice 3:")


def test_a_box_in_the_worker_s_own_text_ends_the_session() -> None:
    found = played([" So", r" \boxed{", "4", "2", "}."])
    assert found == Finish(reason="answer", tokens=(7,), answer="42")


def test_a_box_in_another_worker_s_text_is_not_ours() -> None:
    assert played(["}"]) == Next(tokens=(7,))


def test_the_end_of_text_token_is_not_written() -> None:
    rule = StepRule(ALICE, PLAIN)
    rule.handle(joined())
    assert rule.handle(tick("", ends=True)) == Finish(reason="end of text")


def test_limits_of_tokens_and_steps_finish_with_the_last_token() -> None:
    assert played(["a", "b"], StepSettings(max_tokens=2)) == Finish(reason="limit", tokens=(7,))
    assert played(["a.\n\n"], StepSettings(max_steps=1)) == Finish(reason="limit", tokens=(7,))


def test_an_overlong_step_is_cut() -> None:
    settings = StepSettings(prefix="{name} {step}:", max_step_tokens=2)
    assert played(["a", "b"], settings) == Next(tokens=(7,), begin="Alice 2:")


def test_a_tick_without_this_worker_says_nothing_to_it() -> None:
    rule = StepRule(WorkerId("Carol"), PLAIN)
    rule.handle(joined())
    assert rule.handle(tick("x")) == Park()


def test_a_restarted_worker_goes_on_where_its_log_ends() -> None:
    """Whoever reads the log must say what the earlier life would have said."""
    pieces = [" One", ".", "\n\n", " Two", ".", "\n\n", " Three"]
    for cut in range(1, len(pieces)):
        first = StepRule(ALICE, PLAIN)
        answers = [first.handle(joined())]
        steps: list[tuple[str, bool]] = []
        for number, piece in enumerate(pieces[:cut]):
            answer = answers[-1]
            assert isinstance(answer, Next)
            if answer.begin is not None:
                steps = [(text, True) for text, _ in steps] + [(answer.begin, False)]
            pending = tick(piece)
            expected = first.handle(pending)
            answers.append(expected)
            log = [StepLog(tokens=(1,), text=text, finished=done, forced=1) for text, done in steps]
            second = StepRule(ALICE, PLAIN)
            resumed = second.handle(joined(*log, drawn=number + 1, pending=pending))
            assert resumed == expected
            steps[-1] = (steps[-1][0] + piece, False)


def test_settings_come_from_plain_values_and_unknown_ones_are_refused() -> None:
    rule = StepRule.load(ALICE, {"prefix": "{name}>", "max_tokens": 3})
    assert rule.handle(joined()) == Next(begin="Alice>")
    with pytest.raises(ValueError, match="colour"):
        StepRule.load(ALICE, {"colour": "red"})


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{42}.", "42"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{1} and then \boxed{2}", "2"),
        (r"\boxed{1} and then \boxed{2", "1"),
        (r"\boxed{}", None),
        (r"\boxed{...}", None),
        ("no box }", None),
    ],
)
def test_the_last_whole_box_counts(text: str, answer: str | None) -> None:
    assert boxed(text) == answer


def test_answers_are_compared_as_numbers_where_they_are_numbers() -> None:
    assert same_answer("1,200.0", "1200")
    assert same_answer("$25$.", "25")
    assert same_answer("A B", "a b")
    assert not same_answer("24", "25")
