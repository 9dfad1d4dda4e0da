from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passel.actors.rotation import REST, Rotation, place_of


def test_round_robin_goes_round() -> None:
    rotation = Rotation(3, "round_robin")
    assert [rotation.pick() for _ in range(7)] == [0, 1, 2, 0, 1, 2, 0]


def test_the_least_loaded_is_next_and_ties_go_round() -> None:
    rotation = Rotation(3, "least_loaded")
    picked = []
    for _ in range(3):
        picked.append(rotation.pick())
        rotation.begin(picked[-1])
    assert picked == [0, 1, 2]
    rotation.end(1, dead=False)
    assert rotation.pick() == 1


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=60))
def test_what_is_picked_never_has_more_to_do_than_another(steps: list[tuple[int, bool]]) -> None:
    rotation = Rotation(5, "least_loaded")
    for index, begins in steps:
        if begins:
            rotation.begin(index)
        elif rotation.loads[index]:
            rotation.end(index, dead=False)
        assert rotation.loads[rotation.pick()] == min(rotation.loads)


@pytest.mark.parametrize("route", ["least_loaded", "round_robin"])
def test_a_dead_member_sits_out_and_is_tried_again(route: Any) -> None:
    """It answers at once, so it would otherwise look like the one with least to do."""
    rotation = Rotation(2, route)
    while rotation.pick() != 0:
        pass
    rotation.begin(0)
    rotation.end(0, dead=True)
    picks = [rotation.pick() for _ in range(4 * REST)]
    assert set(picks[: 2 * REST - 1]) == {1}
    assert 0 in picks


def test_when_all_are_dead_they_take_turns() -> None:
    rotation = Rotation(2, "round_robin")
    for index in range(2):
        rotation.begin(index)
        rotation.end(index, dead=True)
    assert {rotation.pick() for _ in range(2)} == {0, 1}


def test_keys_spread_evenly_and_only_those_of_a_member_that_goes_move() -> None:
    names = [f"worker-{n}" for n in range(5)]
    keys = [f"user {n}" for n in range(2_000)]
    before = {key: names[place_of(key, names)] for key in keys}
    assert all(300 < count < 500 for count in Counter(before.values()).values())
    left = names[:2] + names[3:]
    moved = [key for key in keys if left[place_of(key, left)] != before[key]]
    assert {before[key] for key in moved} == {"worker-2"}
