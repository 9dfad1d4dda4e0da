"""What is seen of processes that are stopped: by the detector, as events, and in /proc."""

from __future__ import annotations

import os
import signal
import subprocess
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passel.runtime.health.detector import (
    GLANCE_SECONDS,
    LOOK_SECONDS,
    Bounds,
    Changed,
    Continued,
    Declared,
    Detector,
    Heard,
    Joined,
    Looked,
    Lost,
    Reached,
    Stopped,
)
from passel.runtime.machine.standstill import standstill_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passel.runtime.health.detector import Effect

BOUNDS = Bounds()


class Glances:
    """A detector with one node of this host, and a clock; `since` is what a glance shows."""

    def __init__(self) -> None:
        self.now = 100.0
        self.since: int | None = None
        self.detector = Detector(BOUNDS)
        self.detector.handle(Joined("side", 1, self.now, here=True))
        self.detector.handle(Reached("side", 1, self.now))

    @property
    def state(self) -> str:
        return self.detector.peers["side"].state

    def look(self) -> list[Effect]:
        stopped = self.since is not None
        was_stopped = self.detector.peers["side"].standstill is not None
        effects: list[Effect] = []
        if self.since is not None:
            effects += self.detector.handle(Stopped("side", 1, self.now, self.since))
        elif was_stopped and not stopped:
            effects += self.detector.handle(Continued("side", 1, self.now))
        return effects + self.detector.handle(Looked(self.now))

    def let_pass(self, seconds: float) -> list[Effect]:
        """Look as often as is due while `seconds` pass."""
        until, effects = self.now + seconds, []
        while self.now + self.detector.pause <= until:
            self.now += self.detector.pause
            effects += self.look()
        self.now = until
        return effects


def verdicts(effects: list[Effect]) -> list[Declared]:
    return [effect for effect in effects if isinstance(effect, Declared)]


def states(effects: list[Effect]) -> list[str]:
    return [effect.state for effect in effects if isinstance(effect, Changed)]


def test_a_process_that_is_seen_to_be_stopped_is_dead_within_a_second() -> None:
    glances = Glances()
    glances.let_pass(5.0)
    start = glances.now
    glances.since = 7
    effects = glances.let_pass(0.9)
    assert states(effects)[-2:] == ["suspected", "dead"]
    (verdict,) = verdicts(effects)
    assert verdict.stopped
    assert BOUNDS.standstill <= verdict.silence < 0.9
    assert glances.now - start < 1.0
    assert not verdicts(glances.let_pass(60.0)), "it is said once"


def test_the_longest_way_to_the_verdict_is_shorter_than_a_second() -> None:
    assert GLANCE_SECONDS + BOUNDS.standstill + LOOK_SECONDS < 0.85


def test_a_process_that_continues_before_the_verdict_goes_on() -> None:
    glances = Glances()
    for number in range(50):
        glances.since = number
        assert not verdicts(glances.let_pass(BOUNDS.standstill - 0.05))
        assert glances.state == "suspected"
        glances.since = None
        glances.let_pass(0.3)
        assert glances.state != "suspected"


def test_a_process_that_runs_between_its_stops_is_never_dead() -> None:
    """Programs that limit a process's share of a core stop it for most of each tenth of a second."""
    glances = Glances()
    for number in range(1_000):
        glances.since = number
        assert not verdicts(glances.let_pass(0.1))


def test_what_a_process_said_before_it_was_stopped_is_no_sign_of_life() -> None:
    glances = Glances()
    glances.let_pass(1.0)
    glances.since = 3
    effects: list[Effect] = []
    for _ in range(10):
        effects += glances.let_pass(0.1)
        if glances.state != "dead":
            effects += glances.detector.handle(Heard("side", 1, glances.now))
    assert len(verdicts(effects)) == 1


def test_a_process_whose_probe_was_lost_while_it_was_stopped_is_to_be_heard_of() -> None:
    detector = Detector(Bounds.of(4.0))
    detector.handle(Joined("side", 1, 0.0, here=True))
    detector.handle(Reached("side", 1, 0.0))
    for tick in range(20):
        detector.handle(Stopped("side", 1, tick / 10, 1))
    detector.handle(Lost("side", 1, 2.0))
    assert detector.handle(Continued("side", 1, 2.1)) == []
    assert detector.peers["side"].state == "suspected"
    (alive,) = detector.handle(Reached("side", 1, 2.2))
    assert isinstance(alive, Changed)
    assert (alive.state, alive.silence) == ("alive", 0.0)


def test_who_says_how_long_a_node_may_be_silent_says_it_of_stopped_ones_too() -> None:
    assert Bounds.of(None) == Bounds()
    assert Bounds.of(3600.0).standstill == 3600.0


def test_a_standstill_that_the_observer_did_not_watch_makes_nobody_dead() -> None:
    """All processes were stopped, and the leader was the first to be continued."""
    glances = Glances()
    glances.let_pass(5.0)
    glances.since = 9
    glances.look()
    glances.now += 3600.0
    assert not verdicts(glances.look())
    glances.since = None
    glances.let_pass(0.3)
    assert glances.state != "dead"


@given(
    st.lists(st.tuples(st.floats(0.01, 2.0), st.floats(0.0, 1.5)), min_size=1, max_size=12),
    st.integers(0, 1 << 30),
)
def test_a_verdict_is_true_and_in_time_whatever_runs_and_stops(
    spells: list[tuple[float, float]], seed: int
) -> None:
    """Spells of running and standing still: whoever is declared dead stood still for all of it."""
    detector = Detector(BOUNDS)
    detector.handle(Joined("side", 1, 0.0, here=True))
    detector.handle(Reached("side", 1, 0.0))
    now, chance = 0.0, Random(seed)
    for number, (runs, stands) in enumerate(spells):
        begin, end = now + runs, now + runs + stands
        while now < end:
            now += detector.pause * chance.uniform(0.2, 1.0)
            found: list[Effect] = []
            if begin <= now < end:
                found = detector.handle(Stopped("side", 1, now, number))
            elif detector.peers["side"].standstill is not None:
                found = detector.handle(Continued("side", 1, now))
            found += detector.handle(Looked(now))
            if verdicts(found):
                assert now - begin >= BOUNDS.standstill
                return
            longest = GLANCE_SECONDS + BOUNDS.standstill + LOOK_SECONDS
            assert not begin + longest <= now < end, "it was not seen in time"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def stop(process: subprocess.Popen[bytes]) -> int:
    """Stop a process; return its standstill once it stands still."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    before = None  # its parent hears of it a moment before it is off its core
    while (now := standstill_of(process.pid)) is None or now != before:
        before = now
    return now


@pytest.mark.process
def test_proc_tells_one_standstill_of_a_process_from_another(
    sleeper: subprocess.Popen[bytes],
) -> None:
    assert standstill_of(sleeper.pid) is None
    first = stop(sleeper)
    assert standstill_of(sleeper.pid) == first
    sleeper.send_signal(signal.SIGCONT)
    os.waitid(os.P_PID, sleeper.pid, os.WCONTINUED)
    assert stop(sleeper) != first
    sleeper.kill()
    sleeper.wait()
    assert standstill_of(sleeper.pid) is None, "it is gone"
