from __future__ import annotations

import pytest

from passel.runtime.security import GUEST, Admission, Roster

ONE, TWO, THREE = (bytes([n]) * 32 for n in (1, 2, 3))


def test_a_key_that_was_admitted_is_welcome_under_its_owners_name() -> None:
    roster = Roster()
    assert roster.judge(ONE) == (Admission.UNKNOWN, "")
    assert roster.admit("side", 1, ONE)
    assert roster.judge(ONE) == (Admission.WELCOME, "side/1")


def test_a_life_keeps_the_key_it_was_announced_with() -> None:
    roster = Roster()
    roster.admit("side", 1, ONE)
    assert not roster.admit("side", 1, TWO)
    assert roster.judge(TWO)[0] is Admission.UNKNOWN
    assert roster.admit("side", 1, ONE), "the same once more is no news"


def test_a_key_has_one_owner() -> None:
    roster = Roster()
    roster.admit("side", 1, ONE)
    assert not roster.admit("other", 1, ONE)
    assert roster.judge(ONE) == (Admission.WELCOME, "side/1")


def test_a_life_that_is_over_is_refused_and_never_comes_back() -> None:
    roster = Roster()
    roster.admit("side", 1, ONE)
    roster.dismiss("side", 1)
    assert roster.judge(ONE) == (Admission.REFUSED, "")
    assert not roster.admit("side", 1, ONE)
    assert not roster.admit("side", 1, TWO)
    assert not roster.admit("side", 2, ONE), "a key lives one life"
    assert roster.admit("side", 2, TWO)


def test_news_of_an_end_may_come_before_news_of_the_beginning() -> None:
    roster = Roster()
    roster.dismiss("side", 1)
    assert not roster.admit("side", 1, ONE)
    assert roster.admit("side", 2, TWO)


def test_a_newer_life_takes_the_place_of_the_older() -> None:
    roster = Roster()
    roster.admit("side", 1, ONE)
    roster.admit("side", 2, TWO)
    assert roster.judge(ONE)[0] is Admission.REFUSED
    assert not roster.admit("side", 1, THREE)
    roster.dismiss("side", 1)
    assert roster.judge(TWO) == (Admission.WELCOME, "side/2")


@pytest.mark.parametrize(
    ("owner", "identity", "vouched"),
    [
        ("side/1", b"side/1", True),
        ("side/1", b"side/1/8f2e", True),
        ("side/1", b"side/11", False),
        ("side/1", b"side/2", False),
        ("side/1", b"leader/1", False),
        ("side/2", b"side/2", False),
        ("", b"side/1", False),
        (GUEST, b"@guest-77-0a1b2c/1", True),
        (GUEST, b"side/1", False),
    ],
)
def test_the_owner_of_a_key_calls_itself_by_its_own_name(
    owner: str, identity: bytes, *, vouched: bool
) -> None:
    roster = Roster()
    roster.admit("side", 1, ONE)
    roster.admit_guests(TWO)
    assert roster.vouches(owner, identity) is vouched


def test_nobody_is_vouched_for_once_its_life_is_over() -> None:
    """Its connection may still be there: libzmq asks for a key only when one is made."""
    roster = Roster()
    roster.admit("side", 1, ONE)
    roster.dismiss("side", 1)
    assert not roster.vouches("side/1", b"side/1")


def test_guests_have_one_key_together() -> None:
    roster = Roster()
    roster.admit_guests(ONE)
    assert roster.judge(ONE) == (Admission.WELCOME, GUEST)
    assert not roster.admit("side", 1, ONE)


def test_every_change_is_told_once() -> None:
    roster, changes = Roster(), list[str]()
    roster.on_change = lambda: changes.append("change")
    roster.admit("side", 1, ONE)
    roster.admit("side", 1, ONE)
    roster.dismiss("side", 1)
    roster.dismiss("side", 1)
    assert len(changes) == 2


def test_the_keys_of_past_lives_are_not_kept_for_ever() -> None:
    roster = Roster()
    for life in range(1, 3_000):
        roster.admit("side", life, life.to_bytes(32, "big"))
    assert roster.judge((1).to_bytes(32, "big"))[0] is Admission.UNKNOWN
    assert roster.judge((2_998).to_bytes(32, "big"))[0] is Admission.REFUSED
    assert roster.judge((2_999).to_bytes(32, "big"))[0] is Admission.WELCOME
