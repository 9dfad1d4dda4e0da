from __future__ import annotations

import pytest

from passel.protocols.control import Supervision
from passel.protocols.errors import RemoteError, SpawnError
from passel.runtime.supervision.directives import DIRECTIVES, directive_for, directives_of


@pytest.mark.parametrize("directive", DIRECTIVES)
def test_one_word_is_the_directive_for_every_error(directive: str) -> None:
    table = directives_of(directive, "actor a")  # type: ignore[arg-type]  # one of the four
    assert directive_for(Supervision(on_failure=table), KeyError("k")) == directive


def test_the_most_specific_class_that_is_named_counts_and_others_restart() -> None:
    table = directives_of({OSError: "stop", "TimeoutError": "resume"}, "actor a")
    supervision = Supervision(on_failure=table)
    assert directive_for(supervision, TimeoutError()) == "resume"
    assert directive_for(supervision, FileNotFoundError()) == "stop"
    assert directive_for(supervision, ValueError()) == "restart"


def test_an_error_that_came_from_another_actor_is_known_by_its_class_there() -> None:
    table = directives_of({"OutOfStockError": "resume", "RemoteError": "stop"}, "actor a")
    supervision = Supervision(on_failure=table)
    for name, directive in (("shop.OutOfStockError", "resume"), ("KeyError", "stop")):
        assert directive_for(supervision, RemoteError("side/shop", name, "", "")) == directive


def test_an_unknown_directive_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SpawnError, match="'reboot'; choose resume, restart, stop, escalate"):
        directives_of({KeyError: "reboot"}, "actor a")  # type: ignore[dict-item]  # a mistake
