"""The joiner: has a chat model read what came of a plan, and decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.chat import ChatMessage, ChatRequest, JsonSchema
from ..notation.verdict import (
    END_OF_RESPONSE,
    VERDICT_SCHEMA,
    Unreadable,
    Verdict,
    read_json_verdict,
    read_verdict,
)
from ..toolrun.saying import say
from .prompts import joiner_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...actors import ActorRef
    from ...actors.chat import ChatModel
    from ...protocols.chat import Usage
    from .messages import CompilerSettings, Round


class Joiner:
    """Decides, from the results of a round, between an answer and another plan.

    A verdict is read from what the model says and from nothing else.

    Args:
        model: Decides.
        settings: How it writes.
        wants_usage: Whether the model must say what it took.
    """

    def __init__(
        self,
        model: ActorRef[ChatModel],
        settings: CompilerSettings,
        *,
        wants_usage: bool = False,
    ) -> None:
        self._model = model
        self._settings = settings
        self._wants_usage = wants_usage

    async def judge(
        self,
        question: str,
        rounds: Sequence[Round],
        *,
        last: bool,
        wrote: Callable[[str], None],
        used: Callable[[Usage], None],
        timeout: float,
    ) -> Verdict:
        """Return the verdict on the latest round; what is unreadable is asked for once more.

        Args:
            question: What is to be answered.
            rounds: All plans and what came of them.
            last: Whether no other plan can be made.
            wrote: Is given the text, piece by piece.
            used: Is told what the model took.
            timeout: Seconds it may take.

        Raises:
            ChatError: The model gave no complete answer.
            DeadActorError: The model is gone.
            DeadlineError: It took too long.
            UsageUnknownError: It did not say what it took, and has to.
        """
        messages = joiner_messages(question, rounds, self._settings, last=last)
        text = await self._say(messages, wrote, used, timeout)
        verdict = self.read(text)
        if not isinstance(verdict, Unreadable):
            return verdict
        complaint = (
            f"That cannot be read: {verdict.reason}. Write it again, in the form you were told."
        )
        again = (
            *messages,
            ChatMessage(role="assistant", content=text),
            ChatMessage(role="user", content=complaint),
        )
        return self.read(await self._say(again, wrote, used, timeout))

    def read(self, text: str) -> Verdict:
        """Return the verdict that a text is."""
        return read_json_verdict(text) if self._settings.form == "json" else read_verdict(text)

    async def _say(
        self,
        messages: tuple[ChatMessage, ...],
        wrote: Callable[[str], None],
        used: Callable[[Usage], None],
        timeout: float,
    ) -> str:
        settings = self._settings
        json = settings.form == "json"
        request = ChatRequest(
            messages=messages,
            max_tokens=settings.verdict_tokens,
            temperature=settings.temperature,
            stop=() if json else (END_OF_RESPONSE,),
            form=JsonSchema(VERDICT_SCHEMA) if json else None,
        )
        return await say(
            self._model,
            request,
            who="joiner",
            timeout=timeout,
            used=used,
            wants_usage=self._wants_usage,
            wrote=wrote,
        )
