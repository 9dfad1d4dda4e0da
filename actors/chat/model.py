"""What all chat models have in common."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator  # noqa: TC003  # hints are read at run time
from contextlib import aclosing

import msgspec

from ...protocols.chat import ChatEnded, ChatPiece, ChatRequest
from ..actor import Actor
from ..handler import handler
from .errors import ChatError


class ChatStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What a chat model counts.

    Attributes:
        running: Answers under way now.
        waiting: Requests that wait for their turn, a part of those under way.
        answered: Answers that were complete.
        failed: Answers that ended with an error.
        abandoned: Answers whose reader left before the end.
        retried: Attempts beyond the first of a request.
    """

    running: int = 0
    waiting: int = 0
    answered: int = 0
    failed: int = 0
    abandoned: int = 0
    retried: int = 0


class ChatModel(Actor):
    """An actor that answers conversations: implement `answer`, and call `chat`.

    A parameter of this type, `ActorRef[ChatModel]`, takes any of them.
    """

    _running = 0
    _answered = 0
    _failed = 0
    _abandoned = 0

    @handler(raises=(ChatError,))
    async def chat(self, request: ChatRequest) -> AsyncIterator[ChatPiece]:
        """Answer a request piece by piece; the last piece is a `ChatEnded`.

        Answers to several requests are made side by side. Leaving the stream, or its deadline
        (`chat.options(timeout=30)`), ends the work on it.

        Raises:
            ChatError: There is no complete answer; the error says what mends that.
        """
        self._running += 1
        outcome = "_abandoned"
        try:
            async with aclosing(self.answer(request)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, ChatEnded):
                        outcome = "_answered"
                    yield piece
        except Exception:
            outcome = "_failed"
            raise
        finally:
            self._running -= 1
            setattr(self, outcome, getattr(self, outcome) + 1)

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatPiece]:
        """Yield the pieces of an answer, a `ChatEnded` last; to be implemented."""
        raise NotImplementedError(f"{type(self).__qualname__} has no `answer`")
        yield  # what makes it a generator

    @handler(concurrent=True)
    async def statistics(self) -> ChatStatistics:
        """Return how many answers there were, and what became of them."""
        return self.counted()

    def counted(self) -> ChatStatistics:
        """Return the numbers of this model; one that counts more adds them."""
        return ChatStatistics(
            running=self._running,
            answered=self._answered,
            failed=self._failed,
            abandoned=self._abandoned,
        )
