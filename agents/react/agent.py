"""An agent that calls one tool after the other: what plans of tool calls are compared with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator  # noqa: TC003  # hints are read at run time
from contextlib import aclosing

from ...actors import Actor, ActorRef, handler
from ...actors.chat import ChatModel  # noqa: TC001  # hints are read at run time
from ...actors.tools import Toolbox, ToolError
from ...protocols.chat import ChatMessage, ChatRequest
from ...protocols.errors import PasselError
from ...protocols.plan import PlannedTask
from ..notation.verdict import Finished
from ..notation.wording import marked, shown
from ..spans import spans_for
from ..toolrun.budget import Account, Limited
from ..toolrun.catalogue import Catalogue, gather
from ..toolrun.errors import ToolRunError
from ..toolrun.saying import say
from ..toolrun.signature import checker
from ..toolrun.start_call import StartCall
from .messages import Conclusion, ReActSettings, StepTaken
from .prompts import STOP, opening
from .step import Misstep, read_step


class ReAct(Actor):
    """Answers questions as ReAct does (arXiv 2210.03629): think, call, look, and again.

    It takes the same models and tools as a `Compiler`. The conversation only grows, so a server that
    caches prefixes computes each part once.

    Args:
        model: Thinks.
        tools: Tool actors; those that offer the same tool share its calls. Each question asks them
            anew what they offer.
        settings: How it works.
    """

    def __init__(
        self,
        *,
        model: ActorRef[ChatModel],
        tools: list[ActorRef[Toolbox]],
        settings: ReActSettings = ReActSettings(),  # noqa: B008  # frozen
    ) -> None:
        self._model = model
        self._tools = tools
        self._settings = settings
        self._catalogue: Catalogue | None = None
        self._spans = spans_for()

    @handler(concurrent=True, raises=(ToolRunError, ToolError))
    async def answer(self, question: str) -> Conclusion:
        """Answer a question; a conclusion without an answer says why.

        Raises:
            NoToolsError: The tool actors offer no tools.
            ToolNameTakenError: Two of them offer unlike tools of one name.
        """
        async with aclosing(self._steps(question)) as events:
            async for event in events:
                if isinstance(event, Conclusion):
                    return event
        raise AssertionError("an agent ends with a conclusion or an error")

    @handler(raises=(ToolRunError, ToolError))
    async def answer_live(self, question: str) -> AsyncIterator[StepTaken | Conclusion]:
        """Answer a question as `answer` does; yield each step, then the conclusion."""
        async with aclosing(self._steps(question)) as events:
            async for event in events:
                yield event

    async def _steps(self, question: str) -> AsyncGenerator[StepTaken | Conclusion]:
        catalogue = self._catalogue = await gather(
            self._tools, before=self._catalogue, log=self.context.log
        )
        try:
            async with aclosing(self._walk(question, catalogue)) as events:
                async for event in events:
                    yield event
        finally:
            catalogue.withdraw()

    async def _walk(
        self, question: str, catalogue: Catalogue
    ) -> AsyncGenerator[StepTaken | Conclusion]:
        settings, began = self._settings, self.context.now()
        specs = catalogue.specs
        check = checker(specs)
        names = [spec.name for spec in specs]
        account = Account(settings.budget, settings.prices, began=began)
        run = f"{self.context.random.getrandbits(64):016x}"
        messages = opening(question, specs)

        def end(reason: Limited | str, answer: str | None = None, error: str = "") -> Conclusion:
            return Conclusion(
                answer=answer,
                reason=reason,  # type: ignore[arg-type]  # one of those that are listed
                error=error,
                steps=account.spent.rounds,
                spent=account.spent,
                seconds=round(self.context.now() - began, 6),
            )

        for number in range(1, settings.steps + 1):
            account.planned()
            try:
                said = await self._say(messages, account)
            except PasselError as error:
                yield end(account.exhausted(self.context.now()) or "model", error=str(error))
                return
            step = read_step(said, number, names, check)
            if isinstance(step, Finished):
                yield end("answered", step.answer)
                return
            spent = account.exhausted(self.context.now())
            if spent is None and isinstance(step, PlannedTask) and not account.may_call():
                spent = "calls"
            if spent is not None:
                yield end(spent)
                return
            if isinstance(step, Misstep):
                observed = f"That was not done: {step.reason}"
            else:
                account.called()
                observed = await self._observe(catalogue, step, run, account)
            yield StepTaken(step=number, said=said, observation=observed)
            messages = (
                *messages,
                ChatMessage(role="assistant", content=said),
                ChatMessage(role="user", content=f"Observation:\n{observed}\n"),
            )
        yield end("steps")

    async def _say(self, messages: tuple[ChatMessage, ...], account: Account) -> str:
        """Return what the model says next.

        Raises:
            ChatError: It gave no complete answer.
            UsageUnknownError: It did not say what it took, and has to.
        """
        settings = self._settings
        timeout = settings.model_timeout
        if account.until is not None:
            timeout = max(0.0, min(timeout, account.until - self.context.now()))
        request = ChatRequest(
            messages=messages,
            max_tokens=settings.step_tokens,
            temperature=settings.temperature,
            stop=(STOP,),
        )
        return await say(
            self._model,
            request,
            who="agent",
            timeout=timeout,
            used=account.used,
            wants_usage=account.wants_usage,
        )

    async def _observe(
        self, catalogue: Catalogue, step: PlannedTask, run: str, account: Account
    ) -> str:
        """Call a step's tool; return what it says, or what its failure does, on marked lines."""
        left = None if account.until is None else account.until - self.context.now()
        start = StartCall(
            task=step.id,
            attempt=1,
            tool=step.tool,
            arguments=step.arguments,
            keywords=step.keywords,
            key=f"{run}/{step.id}",
            timeout=catalogue.policies[step.tool].timeout,
        )
        try:
            async with asyncio.timeout(left):
                with self._spans.tool(start.tool, start.key):
                    text = shown(await catalogue.call(start))
        except PasselError as error:
            text = f"it failed: {error}"
        except TimeoutError:
            text = "it was cancelled: the time for the question is over"
        return marked(text, self._settings.observation_characters)
