from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from passel.protocols.control import Supervision
from passel.runtime.supervision.policy import Failed, GiveUp, Restart, RestartPolicy


def test_the_pause_doubles_up_to_its_limit() -> None:
    options = Supervision(max_restarts=6, within=60.0, backoff=0.5, max_backoff=3.0)
    policy = RestartPolicy(options)
    pauses = [policy.handle(Failed(float(n))) for n in range(6)]
    assert pauses == [Restart(p) for p in (0.5, 1.0, 2.0, 3.0, 3.0, 3.0)]


def test_one_failure_more_than_allowed_gives_up() -> None:
    policy = RestartPolicy(Supervision(max_restarts=2, within=10.0))
    assert isinstance(policy.handle(Failed(0.0)), Restart)
    assert isinstance(policy.handle(Failed(1.0)), Restart)
    assert policy.handle(Failed(2.0)) == GiveUp(3, 10.0)


def test_failures_that_left_the_window_are_forgiven() -> None:
    policy = RestartPolicy(Supervision(max_restarts=1, within=10.0, backoff=0.1))
    for turn in range(5):
        assert policy.handle(Failed(10.0 * turn)) == Restart(0.1)
    assert isinstance(policy.handle(Failed(49.9)), GiveUp)


def test_no_restarts_means_that_the_first_failure_ends_it() -> None:
    assert isinstance(RestartPolicy(Supervision(max_restarts=0)).handle(Failed(5.0)), GiveUp)


@given(
    gaps=st.lists(st.floats(0.0, 30.0), min_size=1, max_size=40),
    restarts=st.integers(0, 6),
    within=st.floats(0.1, 60.0),
)
def test_it_gives_up_exactly_when_the_window_holds_too_many(
    gaps: list[float], restarts: int, within: float
) -> None:
    policy = RestartPolicy(Supervision(max_restarts=restarts, within=within))
    at, seen = 0.0, list[float]()
    for gap in gaps:
        at += gap
        seen.append(at)
        effect = policy.handle(Failed(at))
        recent = [when for when in seen if when > at - within]
        assert isinstance(effect, GiveUp) == (len(recent) > restarts)
        if isinstance(effect, GiveUp):
            break
