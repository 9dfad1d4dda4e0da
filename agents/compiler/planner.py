"""The planner: has a chat model write a plan, and reads it while it is being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.chat import ChatEnded, ChatRequest, JsonSchema, TextDelta, Usage
from ..notation.reader import PlanReader
from ..notation.scanner import END_OF_PLAN
from ..stream import closing
from ..toolrun.errors import UsageUnknownError
from ..toolrun.signature import checker
from .prompts import planner_messages
from .structured import JsonPlanReader, plan_schema

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from ...actors import ActorRef
    from ...actors.chat import ChatModel
    from ...protocols.plan import PlanItem
    from ...protocols.tools import ToolSpec
    from ..notation.item_reader import ItemReader
    from .messages import CompilerSettings, Round


class Planner:
    """Writes plans for questions over a fixed set of tools.

    Args:
        model: Writes them.
        tools: What plans may call.
        settings: How they are written.
        wants_usage: Whether the model must say what it took.
    """

    def __init__(
        self,
        model: ActorRef[ChatModel],
        tools: Sequence[ToolSpec],
        settings: CompilerSettings,
        *,
        wants_usage: bool = False,
    ) -> None:
        self._model = model
        self._tools = tools
        self._settings = settings
        self._wants_usage = wants_usage
        self._check = checker(tools)

    async def write(
        self, question: str, rounds: Sequence[Round], wrote: Callable[[str], None]
    ) -> AsyncGenerator[PlanItem | Usage]:
        """Yield the items of the next plan as they are written, then what the model took.

        Args:
            question: What is to be answered.
            rounds: Earlier plans and what came of them.
            wrote: Is given the text, piece by piece.

        Raises:
            ChatError: The model gave no complete answer.
            DeadActorError: The model is gone.
            DeadlineError: It took too long.
            UsageUnknownError: It did not say what it took, and has to.
        """
        reader = self.reader(rounds)
        timeout = self._settings.model_timeout
        usage: Usage | None = None
        request = self.request(question, rounds)
        async with closing(self._model.chat.options(timeout=timeout)(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, TextDelta):
                    wrote(piece.text)
                    for item in reader.feed(piece.text):
                        yield item
                elif isinstance(piece, ChatEnded):
                    usage = piece.usage
        if usage is not None:
            yield usage
        for item in reader.finish():
            yield item
        if usage is None and self._wants_usage:
            raise UsageUnknownError("planner")

    def request(self, question: str, rounds: Sequence[Round]) -> ChatRequest:
        """Return what the model is asked."""
        settings = self._settings
        json = settings.form == "json"
        return ChatRequest(
            messages=planner_messages(question, rounds, self._tools, settings),
            max_tokens=settings.plan_tokens,
            temperature=settings.temperature,
            stop=() if json else (END_OF_PLAN,),
            form=JsonSchema(plan_schema(self._tools)) if json else None,
        )

    def read(self, text: str, rounds: Sequence[Round]) -> list[PlanItem]:
        """Return the items of a plan that was written before."""
        return self.reader(rounds).read(text)

    def reader(self, rounds: Sequence[Round]) -> ItemReader:
        """Return a reader for the plan that comes after these rounds."""
        kind = JsonPlanReader if self._settings.form == "json" else PlanReader
        earlier = [outcome.id for done in rounds for outcome in done.outcomes]
        return kind([tool.name for tool in self._tools], earlier=earlier, check=self._check)
