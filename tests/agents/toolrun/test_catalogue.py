"""Where calls of tools go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from passel.agents.toolrun.catalogue import Catalogue
from passel.agents.toolrun.start_call import StartCall
from passel.protocols.errors import DeadActorError
from passel.protocols.plan import TaskId
from passel.protocols.tools import ToolSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from passel import ActorRef
    from passel.actors.tools import Toolbox

SPEC = ToolSpec(name="echo", description="Echo.", parameters={"type": "object"})


class Box:
    """A tool actor that is not there for so many calls, and writes down what it is asked."""

    def __init__(self, name: str, asked: list[str], absences: int = 0) -> None:
        self._name, self._asked, self._absences = name, asked, absences
        self.call = self.tools = self

    def options(self, *, key: bool = False, timeout: float = 0.0) -> Callable[..., Any]:
        """Return the handler: the one with a key is `tools`."""

        async def answer(*_: Any) -> str:
            self._asked.append(f"{self._name} {'tools' if key else 'call'}")
            if not key and self._absences:
                self._absences -= 1
                raise DeadActorError(self._name, "its node has died")
            return self._name

        return answer


def catalogue(*boxes: Box) -> Catalogue:
    return Catalogue([(cast("ActorRef[Toolbox]", box), [SPEC]) for box in boxes])


def start(attempt: int) -> StartCall:
    return StartCall(TaskId(1), attempt, "echo", (), {}, "key", 1.0)


async def test_an_actor_that_was_gone_is_waited_for_before_its_next_call() -> None:
    asked: list[str] = []
    tools = catalogue(Box("a", asked, absences=1))
    with pytest.raises(DeadActorError):
        await tools.call(start(1))
    assert await tools.call(start(2)) == "a"
    assert await tools.call(start(1)) == "a"
    assert asked == ["a call", "a tools", "a call", "a call"]


async def test_calls_go_elsewhere_while_an_actor_is_gone() -> None:
    asked: list[str] = []
    tools = catalogue(Box("a", asked, absences=1), Box("b", asked))
    with pytest.raises(DeadActorError):
        await tools.call(start(1))
    assert [await tools.call(start(attempt)) for attempt in (2, 1)] == ["b", "b"]
