"""The order of a link: exactly once and in order, whatever a transport does to multiparts."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from passel.protocols.envelope import Mark
from passel.runtime.delivery.reliability import (
    FIRST_PATIENCE,
    LAST_PATIENCE,
    TICK,
    Acknowledge,
    GoBackN,
    Resend,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passel.runtime.delivery.reliability import Effect

Multipart = tuple[Mark, bytes]


def send(flow: GoBackN, payload: bytes = b"") -> Mark:
    """Send one multipart; return its Mark."""
    mark = flow.mark()
    flow.keep([payload])
    return mark


def ticks(flow: GoBackN, until: float) -> list[tuple[float, Effect]]:
    """Return what time alone calls for up to `until`, and when."""
    now, effects = 0.0, []
    while now <= until:
        effects += [(now, effect) for effect in flow.tick(now)]
        pause = flow.pause(now)
        if pause is None:
            break
        now += pause
    return effects


def test_multiparts_are_numbered_from_one_and_let_through_in_order() -> None:
    sender, receiver = GoBackN(), GoBackN()
    marks = [send(sender) for _ in range(3)]

    assert [mark.number for mark in marks] == [1, 2, 3]
    assert [receiver.accept(mark) for mark in marks] == [True, True, True]


def test_what_comes_twice_or_before_a_lost_one_is_dropped_and_counted() -> None:
    sender, receiver = GoBackN(), GoBackN()
    first, second, third = (send(sender) for _ in range(3))

    assert [receiver.accept(m) for m in (first, first, third)] == [True, False, False]
    assert receiver.accept(second)
    assert receiver.dropped == 2


def test_an_acknowledgement_lets_go_of_what_was_kept() -> None:
    sender = GoBackN()
    for _ in range(3):
        send(sender, b"payload")

    sender.accept(Mark(0, 2))

    assert sender.acknowledged == 2
    assert list(sender.forget()) == [[b"payload"]]


def test_an_acknowledgement_of_what_was_never_sent_is_ignored() -> None:
    sender = GoBackN()
    send(sender)

    sender.accept(Mark(0, 9))

    assert sender.acknowledged == 0


def test_an_acknowledgement_travels_with_what_is_sent_anyway() -> None:
    flow = GoBackN()
    flow.accept(Mark(1, 0))

    assert send(flow) == Mark(1, 1)
    assert flow.owed == 0


def test_an_acknowledgement_without_company_leaves_at_the_next_tick() -> None:
    flow = GoBackN()
    flow.accept(Mark(1, 0))

    assert flow.pause(0.0) == TICK
    assert flow.tick(TICK) == [Acknowledge()]
    assert flow.lone_mark() == Mark(0, 1)
    assert flow.pause(TICK) is None


def test_a_link_with_nothing_unacknowledged_needs_no_timer() -> None:
    flow = GoBackN()
    send(flow)
    assert flow.pause(0.0) is not None

    flow.accept(Mark(0, 1))

    assert flow.tick(0.1) == []
    assert flow.pause(0.1) is None


def test_a_silent_peer_is_asked_at_growing_intervals_and_sent_nothing_again() -> None:
    flow = GoBackN()
    send(flow)

    asked = ticks(flow, until=20.0)

    assert {effect for _, effect in asked} == {Acknowledge(wanted=True)}
    times = [0.0, *(now for now, _ in asked)]
    gaps = [round(b - a, 6) for a, b in pairwise(times)]
    assert gaps[:5] == [FIRST_PATIENCE, 0.5, 1.0, 2.0, 4.0]
    assert set(gaps[5:]) == {LAST_PATIENCE}


def test_progress_makes_the_sender_patient_again() -> None:
    flow = GoBackN()
    for _ in range(2):
        send(flow)
    assert len(ticks(flow, until=4.0)) == 4

    flow.accept(Mark(0, 1))

    assert flow.tick(4.0) == []
    assert flow.pause(4.0) == FIRST_PATIENCE


def test_the_question_is_answered_with_what_was_received() -> None:
    flow = GoBackN()
    flow.accept(Mark(1, 0))
    question = Mark(0, 0, wanted=True)

    assert flow.accept(question)
    assert flow.answer(question) == [Acknowledge()]
    assert flow.lone_mark() == Mark(0, 1)


def test_what_was_lost_before_the_question_is_sent_again_in_order() -> None:
    flow = GoBackN()
    for payload in (b"a", b"b", b"c"):
        send(flow, payload)
    flow.tick(0.0)
    assert flow.tick(1.0) == [Acknowledge(wanted=True)]
    answer = Mark(0, 1)

    flow.accept(answer)

    assert flow.answer(answer) == [Resend(([b"b"], [b"c"]))]
    assert flow.answer(answer) == [], "one answer is enough"
    assert flow.resent == 2


def test_an_acknowledgement_nobody_asked_for_sends_nothing_again() -> None:
    flow = GoBackN()
    for _ in range(2):
        send(flow)

    late = Mark(0, 1)
    flow.accept(late)

    assert flow.answer(late) == []


def test_a_busy_peer_that_answers_late_is_sent_nothing_again() -> None:
    sender, receiver = GoBackN(), GoBackN()
    marks = [send(sender) for _ in range(5)]
    questions = [sender.lone_mark(wanted=e.wanted) for _, e in ticks(sender, until=9.0)]  # type: ignore[union-attr]  # only questions

    for mark in (*marks, *questions):
        assert receiver.accept(mark)
        answers = [receiver.lone_mark() for _ in receiver.answer(mark)] if not mark.number else []
        for answer in answers:
            sender.accept(answer)
            assert sender.answer(answer) == []
    assert sender.resent == 0
    assert sender.pause(10.0) is None


@dataclass
class End:
    """One end of a link over a channel that loses, repeats and reorders."""

    flow: GoBackN = field(default_factory=GoBackN)
    got: list[bytes] = field(default_factory=list)
    out: list[list[bytes]] = field(default_factory=list)

    def send(self, payload: bytes) -> None:
        """Send one multipart: its Mark as it would stand in the batch frame, and a payload."""
        mark = self.flow.mark()
        parts = [bytes((mark.number, mark.acknowledged, False)), payload]
        self.flow.keep(parts)  # type: ignore[arg-type]  # bytes are buffers
        self.out.append(parts)

    def carry_out(self, effects: Sequence[Effect]) -> None:
        """Do what a link does with effects."""
        for effect in effects:
            if isinstance(effect, Resend):
                self.out.extend(list(parts) for parts in effect.multiparts)  # type: ignore[arg-type]  # bytes
            else:
                mark = self.flow.lone_mark(wanted=effect.wanted)
                self.out.append([bytes((0, mark.acknowledged, mark.wanted))])

    def take(self, parts: list[bytes]) -> None:
        """Take one multipart from the channel."""
        number, acknowledged, wanted = parts[0]
        mark = Mark(number, acknowledged, bool(wanted))
        if self.flow.accept(mark):
            if number:
                self.got.append(parts[1])
            else:
                self.carry_out(self.flow.answer(mark))


def run(
    seed: int, loss: float, repeat: float, reorder: float, count: int, slow: float = 0.3
) -> tuple[End, End]:
    """Let both ends send `count` multiparts over a bad channel, which becomes sound at the end."""
    source = random.Random(seed)
    left, right = End(), End()
    now, sent = 0.0, 0
    while True:
        if sent < count and source.random() < 0.5:
            sent += 1
            left.send(b"l%d" % sent)
            right.send(b"r%d" % sent)
        now += source.choice((TICK, slow))
        for end in (left, right):
            end.carry_out(end.flow.tick(now))
        bad = now < 30.0
        for here, there in ((left, right), (right, left)):
            batch, here.out = here.out, []
            if bad:
                batch = [p for p in batch if source.random() >= loss]
                batch += [p for p in batch if source.random() < repeat]
                if source.random() < reorder:
                    source.shuffle(batch)
            for parts in batch:
                there.take(parts)
        settled = not left.out and not right.out
        if (
            settled
            and sent == count
            and left.flow.pause(now) is None
            and right.flow.pause(now) is None
        ):
            return left, right
        assert now < 400.0, "the two ends never settle"


@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(
    seed=st.integers(0, 2**32),
    loss=st.floats(0.0, 0.9),
    repeat=st.floats(0.0, 0.9),
    reorder=st.floats(0.0, 1.0),
    count=st.integers(0, 60),
)
def test_what_is_delivered_is_what_was_sent(
    seed: int, loss: float, repeat: float, reorder: float, count: int
) -> None:
    left, right = run(seed, loss, repeat, reorder, count)

    assert right.got == [b"l%d" % (index + 1) for index in range(count)]
    assert left.got == [b"r%d" % (index + 1) for index in range(count)]
    assert left.flow.acknowledged == right.flow.acknowledged == count


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 2**32))
def test_a_sound_channel_carries_everything_once(seed: int) -> None:
    left, right = run(seed, loss=0.0, repeat=0.0, reorder=0.0, count=40, slow=0.1)

    for end in (left, right):
        assert end.flow.resent == end.flow.dropped == 0
