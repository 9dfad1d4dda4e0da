from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from passel.runtime.names.lives import NAMES_KEPT, Lives


def test_each_name_begins_with_its_first_life() -> None:
    lives = Lives()
    assert [lives.next(name) for name in ("a", "b", "a", "a", "b")] == [1, 1, 2, 3, 2]


@given(st.lists(st.integers(0, 3), max_size=8))
def test_no_life_is_given_twice_under_a_name_however_many_names_there_are(turns: list[int]) -> None:
    lives = Lives()
    given_out: dict[str, list[int]] = {}
    for number, turn in enumerate(turns):
        given_out.setdefault(f"n{turn}", []).append(lives.next(f"n{turn}"))
        if turn == 0:
            for other in range(NAMES_KEPT // 2):
                lives.next(f"{number}/{other}")
    for numbers in given_out.values():
        assert numbers == sorted(set(numbers))


def test_names_are_kept_up_to_a_bound() -> None:
    lives = Lives()
    for number in range(3 * NAMES_KEPT):
        lives.next(f"n{number}")
    assert len(lives._given) == NAMES_KEPT
