from __future__ import annotations

from passel.runtime.delivery.refusals import PEERS_TOLD_APART, QUIET_SECONDS, Refusals


def test_the_first_refusal_of_a_peer_is_worth_a_line() -> None:
    refusals = Refusals()
    assert refusals.note("a", 0.0) == 0
    assert refusals.note("b", 0.0) == 0


def test_those_that_follow_are_counted_and_said_together() -> None:
    refusals = Refusals()
    refusals.note("a", 0.0)
    assert [refusals.note("a", 1.0) for _ in range(100)] == [None] * 100
    assert refusals.note("a", QUIET_SECONDS) == 100
    assert refusals.note("a", QUIET_SECONDS + 1.0) is None
    assert refusals.note("a", 3 * QUIET_SECONDS) == 1


def test_a_crowd_of_peers_is_one() -> None:
    """Whoever may call itself what it likes would else get a line, and memory, for each name."""
    refusals = Refusals()
    said = [refusals.note(f"peer {number}", 0.0) for number in range(100_000)]
    assert sum(line is not None for line in said) == PEERS_TOLD_APART + 1
    assert len(refusals._silences) == PEERS_TOLD_APART + 1


def test_peers_of_old_make_room_for_others() -> None:
    refusals = Refusals()
    for number in range(PEERS_TOLD_APART):
        refusals.note(f"peer {number}", 0.0)
    assert refusals.note("late", 1.0) == 0, "the first of the others"
    assert refusals.note("later", 1.0) is None
    assert refusals.note("much later", 2 * QUIET_SECONDS) == 0
    assert len(refusals._silences) == 1
