from __future__ import annotations

import pytest

from passel.actors.chat.server_life import (
    Close,
    Drained,
    Emptied,
    Ended,
    GiveUp,
    Kill,
    Launch,
    Launched,
    LifePolicy,
    Probed,
    ServerLife,
)

POLICY = LifePolicy(start_timeout=60.0, max_restarts=2, within=100.0, backoff=1.0, most=30.0)


def state_of(life: ServerLife) -> str:
    return life.state


def ready(at: float = 0.0) -> ServerLife:
    life = ServerLife(POLICY)
    assert life.handle(Launched(at)) == life.handle(Probed(at + 1.0, True)) == []
    assert state_of(life) == "ready"
    return life


def test_a_server_is_ready_once_it_is_well() -> None:
    life = ServerLife(POLICY)

    assert state_of(life) == "waiting"
    life.handle(Launched(0.0))
    assert life.handle(Probed(59.0, False)) == []
    assert state_of(life) == "starting"
    life.handle(Probed(59.5, True))
    assert state_of(life) == "ready"


def test_a_server_that_does_not_come_up_is_killed() -> None:
    life = ServerLife(POLICY)
    life.handle(Launched(100.0))

    assert life.handle(Probed(159.9, False)) == []
    assert life.handle(Probed(160.0, False)) == [Kill("it was not ready within 60 s")]


def test_a_server_is_killed_once_after_three_failures_in_a_row() -> None:
    life = ready()

    said = [life.handle(Probed(9.0, ok)) for ok in (False, False, True, False, False, False, False)]

    assert said == [[]] * 5 + [[Kill("it failed 3 health checks in a row")], []]


def test_a_server_that_ends_is_started_again_after_growing_pauses_and_then_given_up() -> None:
    life = ready()

    assert life.handle(Ended(10.0)) == [Launch(1.0)]
    assert state_of(life) == "waiting"
    life.handle(Launched(11.0))
    assert life.handle(Ended(12.0)) == [Launch(2.0)]
    assert life.restarts == 2
    life.handle(Launched(14.0))
    assert life.handle(Ended(15.0)) == [GiveUp(2)]
    assert state_of(life) == "failed"
    assert life.is_over


def test_old_ends_are_forgotten() -> None:
    life = ready()

    assert [life.handle(Ended(at)) for at in (10.0, 60.0, 115.0)] == [
        [Launch(1.0)],
        [Launch(2.0)],
        [Launch(2.0)],
    ]


def test_a_drained_server_finishes_and_is_not_started_again() -> None:
    life = ready()

    assert life.handle(Drained()) == []
    assert state_of(life) == "draining"
    assert life.handle(Probed(5.0, True)) == []
    assert state_of(life) == "draining"
    assert life.handle(Emptied()) == [Close()]
    assert life.handle(Ended(6.0)) == []
    assert state_of(life) == "stopped"


@pytest.mark.parametrize("began", [True, False])
def test_a_server_that_waits_for_its_start_needs_no_end(began: bool) -> None:
    life = ready() if began else ServerLife(POLICY)
    if began:
        life.handle(Ended(5.0))

    life.handle(Drained())

    assert state_of(life) == "stopped"
    assert life.handle(Emptied()) == []


def test_a_server_whose_port_was_taken_is_started_again_at_once_and_not_for_ever() -> None:
    life = ServerLife(POLICY)
    said = []
    for at in range(POLICY.ports + 3):
        life.handle(Launched(float(at)))
        said += life.handle(Ended(float(at), port_taken=True))

    assert said == [Launch(0.0)] * POLICY.ports + [Launch(1.0), Launch(2.0), GiveUp(2)]
    assert life.is_over


def test_ports_that_were_taken_long_ago_do_not_count() -> None:
    life = ServerLife(POLICY)
    for turn in range(POLICY.ports * 2):
        at = turn * POLICY.within
        life.handle(Launched(at))
        assert life.handle(Ended(at, port_taken=True)) == [Launch(0.0)]
