from __future__ import annotations

import pytest

from passel import DeadActorError
from passel.protocols.address import Address
from passel.protocols.errors import NameTakenError
from passel.runtime.names.directory import Names

A1, A2 = Address("side", "a", 1), Address("side", "a", 2)


def test_a_reserved_name_is_known_but_leads_nowhere_yet() -> None:
    names = Names()
    names.reserve("a")
    assert names.find("a") is None
    with pytest.raises(NameTakenError, match="an actor that is being spawned"):
        names.reserve("a")
    names.bind("a", A1)
    assert names.find("a") == A1
    with pytest.raises(NameTakenError, match="side/a"):
        names.reserve("a")


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(DeadActorError, match="no living actor has this name"):
        Names().find("a")


def test_only_the_incarnation_that_is_meant_frees_a_name() -> None:
    names = Names()
    names.reserve("a")
    names.bind("a", A2)
    assert not names.release(A1)
    assert names.find("a") == A2
    assert names.release(A2)
    names.reserve("a")


def test_names_of_a_dead_node_are_kept_until_they_are_bound_or_freed() -> None:
    names = Names()
    for name, node in (("a", "side"), ("b", "side"), ("c", "other")):
        names.reserve(name)
        names.bind(name, Address(node, name, 1))
    assert names.unsettle("side") == ["a", "b"]
    assert names.find("a") is None
    assert list(names.all()) == ["c"]
    assert names.unsettle("side") == []
    names.bind("a", A2)
    names.free("b")
    names.free("b")
    assert names.find("a") == A2
    with pytest.raises(DeadActorError):
        names.find("b")


def test_an_actor_that_is_gone_does_not_free_a_name_that_is_reserved_again() -> None:
    names = Names()
    names.reserve("a")
    names.bind("a", A1)
    names.unsettle("side")
    assert not names.release(A1)
    with pytest.raises(NameTakenError):
        names.reserve("a")
