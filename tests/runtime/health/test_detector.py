"""The detector as function calls: events with times in, verdicts out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passel.runtime.health.clock_offset import ClockOffset
from passel.runtime.health.detector import (
    LOOK_SECONDS,
    QUESTION_SECONDS,
    Answered,
    Bounds,
    Changed,
    Declared,
    Detector,
    Heard,
    Interval,
    Joined,
    Left,
    Looked,
    Lost,
    Question,
    Reached,
)

if TYPE_CHECKING:
    from passel.runtime.health.detector import Effect

BOUNDS = Bounds(2.5)


class Watch:
    """A detector with one node, and a clock that looks as often as it is told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self.detector = Detector(BOUNDS)
        self.detector.handle(Joined("side", 1, self.now))
        self.detector.handle(Reached("side", 1, self.now))

    @property
    def state(self) -> str:
        return self.detector.peers["side"].state

    def let_pass(self, seconds: float) -> list[Effect]:
        """Look as often as is due while `seconds` pass; questions are left open."""
        until, effects = self.now + seconds, []
        while self.now < until:
            self.now = min(until, self.now + self.detector.pause)
            effects += self.detector.handle(Looked(self.now))
        return effects

    def lose(self) -> list[Effect]:
        return self.detector.handle(Lost("side", 1, self.now))

    def reach(self) -> list[Effect]:
        return self.detector.handle(Reached("side", 1, self.now))

    def answer(self, took: float) -> list[Effect]:
        return self.detector.handle(Answered("side", 1, self.now, self.now - took))


def test_a_node_that_answers_is_alive_and_is_asked_about_once_a_second() -> None:
    watch = Watch()
    questions = 0
    for _ in range(100):
        found = watch.let_pass(QUESTION_SECONDS / 10)
        questions += found.count(Question("side", 1))
        assert set(found) <= {Question("side", 1)}
        watch.answer(0.001)
    assert questions in {9, 10, 11}
    assert watch.state == "alive"


def test_a_node_that_leaves_a_question_open_is_busy_however_long_and_never_dead() -> None:
    watch = Watch()
    effects = watch.let_pass(600.0)
    assert effects.count(Question("side", 1)) == 1, "one question is open at a time"
    assert [e.state for e in effects if isinstance(e, Changed)] == ["busy"]
    assert watch.answer(600.0) == [Changed("side", 1, "alive", 0.0)]


def test_a_message_of_a_busy_node_shows_that_its_loop_turns() -> None:
    watch = Watch()
    watch.let_pass(3.0)
    assert watch.detector.handle(Heard("side", 1, watch.now)) == [Changed("side", 1, "alive", 0.0)]


def test_a_node_whose_probe_is_lost_is_suspected_at_once_and_dead_within_the_limit() -> None:
    watch = Watch()
    watch.let_pass(10.0)
    start = watch.now
    assert watch.lose() == [Changed("side", 1, "suspected", BOUNDS.suspicion)]
    effects = watch.let_pass(10.0)
    verdicts = [e for e in effects if isinstance(e, Declared)]
    assert len(verdicts) == 1, "it is said once"
    assert BOUNDS.steady <= verdicts[0].silence <= BOUNDS.steady + 2 * LOOK_SECONDS
    assert watch.state == "dead"
    assert watch.reach() == [], "nothing that it does in this life changes that"
    assert watch.now == pytest.approx(start + 10.0)


def test_from_its_last_heartbeat_a_silent_node_is_dead_within_three_seconds() -> None:
    longest = BOUNDS.heartbeat + BOUNDS.silence + LOOK_SECONDS
    assert longest < 3.0


def test_a_node_that_comes_back_before_the_verdict_goes_on() -> None:
    watch = Watch()
    watch.lose()
    assert not any(isinstance(e, Declared) for e in watch.let_pass(1.0))
    effect = watch.reach()
    assert [e.state for e in effect if isinstance(e, Changed)] == ["alive"]
    assert watch.detector.peers["side"].silence == 0.0
    assert not any(isinstance(e, Declared) for e in watch.let_pass(600.0))


def test_a_message_is_a_sign_of_life_also_while_the_probe_is_lost() -> None:
    watch = Watch()
    watch.lose()
    for _ in range(20):
        assert not any(isinstance(e, Declared) for e in watch.let_pass(1.0))
        watch.detector.handle(Heard("side", 1, watch.now))
    assert any(isinstance(e, Declared) for e in watch.let_pass(BOUNDS.silence))


def test_a_node_that_was_silent_lately_is_given_all_of_the_bound() -> None:
    watch = Watch()
    peer = watch.detector.peers["side"]
    assert watch.detector.limit(peer, watch.now) == BOUNDS.steady
    watch.lose()
    watch.let_pass(0.8)
    watch.reach()
    assert watch.detector.limit(peer, watch.now) == BOUNDS.silence
    assert watch.detector.limit(peer, watch.now + 3600.0) == BOUNDS.steady, "it is forgotten"


def test_time_in_which_the_observer_was_held_up_makes_nobody_dead() -> None:
    """Ctrl-Z of the leader, or blocking code in it: all its probes are lost, then answered."""
    watch = Watch()
    watch.let_pass(5.0)
    watch.now += 3600.0
    watch.lose()
    assert not any(isinstance(e, Declared) for e in watch.detector.handle(Looked(watch.now)))
    watch.now += 3600.0
    assert not any(isinstance(e, Declared) for e in watch.detector.handle(Looked(watch.now)))
    watch.reach()
    assert watch.state == "alive"


def test_a_node_that_never_answers_its_first_heartbeat_is_dead_in_the_end() -> None:
    detector = Detector(BOUNDS)
    detector.handle(Joined("side", 1, 0.0))
    effects = [e for tick in range(1, 30) for e in detector.handle(Looked(tick * 0.1))]
    assert [e.life for e in effects if isinstance(e, Declared)] == [1]


def test_what_is_said_of_another_life_counts_for_nothing() -> None:
    watch = Watch()
    watch.detector.handle(Left("side", 1))
    assert watch.lose() == []
    watch.detector.handle(Joined("side", 2, watch.now))
    assert watch.lose() == []
    watch.detector.handle(Left("side", 1))
    assert watch.detector.peers["side"].life == 2


def test_how_long_an_answer_may_take_follows_how_long_it_took() -> None:
    interval = Interval()
    for _ in range(50):
        interval.add(0.010)
    assert interval.bound == pytest.approx(0.010, abs=0.001)
    interval.add(0.200)
    assert interval.bound > 0.100


def test_the_offset_of_a_clock_comes_from_the_shortest_round_trip() -> None:
    clock = ClockOffset()
    assert clock.offset is None
    clock.add(asked=10.0, answered=12.0, theirs=511.9)
    clock.add(asked=20.0, answered=20.002, theirs=520.001)
    clock.add(asked=30.0, answered=31.0, theirs=530.1)
    assert clock.offset == pytest.approx(500.0)
    assert clock.round_trip == pytest.approx(0.002)
    for at in range(40, 60):
        clock.add(asked=at, answered=at + 0.5, theirs=at + 600.25)
    assert clock.offset == pytest.approx(600.0), "old samples are forgotten: clocks drift"
