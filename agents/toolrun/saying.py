"""Has a model say something, and hears what it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.chat import ChatEnded, ChatRequest, TextDelta, Usage
from ..stream import closing
from .errors import UsageUnknownError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...actors import ActorRef
    from ...actors.chat import ChatModel


async def say(
    model: ActorRef[ChatModel],
    request: ChatRequest,
    *,
    who: str,
    timeout: float,
    used: Callable[[Usage], None],
    wants_usage: bool,
    wrote: Callable[[str], None] = lambda _: None,
) -> str:
    """Return a model's whole answer.

    Args:
        model: Answers.
        request: What it is asked.
        who: Whose model it is, for errors.
        timeout: Seconds it may take.
        used: Is told what it took, if it says so.
        wants_usage: Whether it must.
        wrote: Is given the text, piece by piece.

    Raises:
        ChatError: It gave no complete answer.
        DeadActorError: It is gone.
        DeadlineError: It took too long.
        UsageUnknownError: It did not say what it took, and has to.
    """
    said: list[str] = []
    usage: Usage | None = None
    async with closing(model.chat.options(timeout=timeout)(request)) as pieces:
        async for piece in pieces:
            if isinstance(piece, TextDelta):
                wrote(piece.text)
                said.append(piece.text)
            elif isinstance(piece, ChatEnded):
                usage = piece.usage
    if usage is not None:
        used(usage)
    elif wants_usage:
        raise UsageUnknownError(who)
    return "".join(said)
