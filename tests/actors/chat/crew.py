"""An actor that talks to a model, and what must hold of that under faults."""

from __future__ import annotations

from passel import Actor, ActorRef, PasselError, Runtime, handler
from passel.actors.chat import ChatModel
from passel.protocols.chat import ChatEnded, ChatMessage, ChatRequest, TextDelta
from passel.runtime.simulation import Invariants, Outcome

SAID = "a slow answer"


class Reader(Actor):
    """Asks a model, over and over."""

    def __init__(self, *, model: ActorRef[ChatModel]) -> None:
        self.model = model

    @handler
    async def read(self, times: int) -> int:
        """Return how many of the answers were whole; no other is ever taken for one."""
        return sum([await self._reads() for _ in range(times)])

    async def _reads(self) -> bool:
        request = ChatRequest(messages=(ChatMessage(role="user", content="go on"),))
        said, ended = "", False
        try:
            async for piece in self.model.chat.options(timeout=30.0)(request):
                said += piece.text if isinstance(piece, TextDelta) else ""
                ended = isinstance(piece, ChatEnded)
        except PasselError:
            return False
        assert ended
        assert said == SAID
        return True


class NothingRuns(Invariants):
    """At rest no model still answers anybody."""

    async def after(self, runtime: Runtime, outcome: Outcome) -> None:
        """Look at the model once all faults are over."""
        assert outcome.error is None
        model = await runtime.lookup("model", ChatModel)
        assert (await model.statistics()).running == 0
