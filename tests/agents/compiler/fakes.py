"""What a run talks to, without any runtime: models and tools that are functions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, cast

from passel.agents.compiler.joiner import Joiner
from passel.agents.compiler.messages import CompilerSettings, RunEvent, RunId
from passel.agents.compiler.planner import Planner
from passel.agents.compiler.run import Run
from passel.agents.spans import Spans
from passel.agents.toolrun.budget import Account, Prices
from passel.agents.toolrun.catalogue import Catalogue

if TYPE_CHECKING:
    from passel import ActorRef
    from passel.actors.chat import ChatModel
    from passel.actors.tools import Toolbox
    from passel.protocols.chat import ChatPiece, ChatRequest
    from passel.protocols.tools import ToolCall, ToolSpec

Say = Callable[["ChatRequest"], AsyncIterator["ChatPiece"]]
Do = Callable[["ToolCall"], Coroutine[Any, Any, Any]]


class _Handler:
    """A handler of a reference: options are passed over."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def options(self, **_: Any) -> Callable[..., Any]:
        return self._function

    def tell_nowait(self, *arguments: Any) -> None:
        self._function(*arguments)


class _Ref:
    def __init__(self, **handlers: Callable[..., Any]) -> None:
        for name, function in handlers.items():
            setattr(self, name, _Handler(function))


def model(say: Say) -> ActorRef[ChatModel]:
    """Return a model that says what a function yields."""
    return cast("ActorRef[ChatModel]", _Ref(chat=say))


def toolbox(do: Do) -> ActorRef[Toolbox]:
    """Return a tool actor that does what a function does; `tools` says no more than that it is there."""

    async def tools() -> tuple[ToolSpec, ...]:
        return ()

    return cast("ActorRef[Toolbox]", _Ref(call=do, tools=tools, withdraw=lambda _: None))


def run_with(
    plan: Say,
    join: Say,
    tools: dict[str, ToolSpec],
    do: Do,
    *,
    now: Callable[[], float],
    settings: CompilerSettings = CompilerSettings(),  # noqa: B008  # frozen
    tell: Callable[[RunEvent], None] = lambda _: None,
) -> Run:
    """Return a run over functions."""
    catalogue = Catalogue([(toolbox(do), tuple(tools.values()))])
    return Run(
        RunId("r"),
        "question?",
        planner=Planner(model(plan), catalogue.specs, settings),
        joiner=Joiner(model(join), settings),
        catalogue=catalogue,
        account=Account(settings.budget, Prices(), began=now()),
        settings=settings,
        journal=None,
        kept=None,
        now=now,
        began=now(),
        spans=Spans(),
        tell=tell,
    )
