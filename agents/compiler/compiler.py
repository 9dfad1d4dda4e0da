"""The compiler: an actor that answers questions by plans of tool calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable  # noqa: TC003  # hints are read at run time
from contextlib import aclosing

from ...actors import Actor, ActorRef, handler
from ...actors.chat import ChatModel  # noqa: TC001  # hints are read at run time
from ...actors.tools import Toolbox, ToolError
from ..spans import spans_for
from ..stream import told_by
from ..toolrun.budget import Account
from ..toolrun.catalogue import Catalogue, gather
from ..toolrun.errors import NoToolsError, ToolRunError
from .joiner import Joiner
from .journal import KeptRun, RunJournal, name_of
from .messages import Answer, CompilerSettings, RunEvent, RunId
from .planner import Planner
from .progress import Narrator, Said
from .run import Run


class Compiler(Actor):
    """Answers questions as LLMCompiler does (arXiv 2312.04511): plan, fetch, join.

    A planner writes a graph of tool calls; each call starts the moment its line is there and what it
    refers to has ended, while the planner still writes. A joiner reads the results and answers, or
    asks for another plan. Whatever fails inside a run is told to the joiner, or in the answer.

    Args:
        model: Plans and judges.
        tools: Tool actors; those that offer the same tool share its calls. Each run asks them anew
            what they offer, and leaves out those that are not there.
        joiner: Judges in the model's stead.
        journal: Keeps results, so that a run which is asked for again after everything was killed
            repeats no finished call.
        settings: How it works.

    Raises:
        NoToolsError: No tool actor was given.
        SpansUnavailableError: OpenTelemetry's spans are asked for, and its API is not installed.
    """

    def __init__(
        self,
        *,
        model: ActorRef[ChatModel],
        tools: list[ActorRef[Toolbox]],
        joiner: ActorRef[ChatModel] | None = None,
        journal: ActorRef[RunJournal] | None = None,
        settings: CompilerSettings = CompilerSettings(),  # noqa: B008  # frozen
    ) -> None:
        if not tools:
            raise NoToolsError
        self._model = model
        self._joiner = model if joiner is None else joiner
        self._tools = tools
        self._journal = journal
        self._settings = settings
        self._catalogue: Catalogue | None = None
        self._spans = spans_for()
        self._running: set[RunId] = set()

    @handler(concurrent=True, raises=(ToolRunError, ToolError))
    async def answer(self, question: str) -> Answer:
        """Answer a question; an answer that is none says why.

        Raises:
            NoToolsError: The tool actors offer no tools.
            ToolNameTakenError: Two of them offer unlike tools of one name.
        """
        return await self._answer(question, lambda _: None)

    @handler(raises=(ToolRunError, ToolError))
    async def answer_live(self, question: str) -> AsyncIterator[RunEvent]:
        """Answer a question as `answer` does; yield everything that happens, the answer last."""
        async with aclosing(self._events(question)) as events:
            async for event in events:
                yield event

    @handler(raises=(ToolRunError, ToolError))
    async def answer_shown(self, question: str) -> AsyncIterator[Said | Answer]:
        """Answer a question as `answer` does; yield what people see of it, the answer last."""
        narrator = Narrator()
        async with aclosing(self._events(question)) as events:
            async for event in events:
                for said in narrator.tell(event):
                    yield said

    def _events(self, question: str) -> AsyncGenerator[RunEvent]:
        """Yield what happens in a run; leaving it ends the run."""

        async def work(tell: Callable[[RunEvent], None]) -> None:
            await self._answer(question, tell)

        return told_by(work)

    async def _answer(self, question: str, tell: Callable[[RunEvent], None]) -> Answer:
        began = self.context.now()
        catalogue = self._catalogue = await gather(
            self._tools, before=self._catalogue, log=self.context.log
        )
        name, kept = await self._name(question)
        self._running.add(name)
        settings = self._settings
        account = Account(settings.budget, settings.prices, began=began)
        if kept is not None:
            account.go_on_from(kept.spent)
        wants = account.wants_usage
        run = Run(
            name,
            question,
            planner=Planner(self._model, catalogue.specs, settings, wants_usage=wants),
            joiner=Joiner(self._joiner, settings, wants_usage=wants),
            catalogue=catalogue,
            account=account,
            settings=settings,
            journal=self._journal,
            kept=None if kept is None else kept.rounds,
            now=self.context.now,
            began=began,
            spans=self._spans,
            tell=tell,
        )
        try:
            return await run.carry_out()
        finally:
            self._running.discard(name)
            if self._journal is None:
                catalogue.withdraw()  # nobody can resume it

    async def _name(self, question: str) -> tuple[RunId, KeptRun | None]:
        """Return the name of an unfinished run for the question and what is kept of it, or a new one.

        Names are never used again: a tool takes calls with the same key for the same call.
        """
        begin = name_of(question)
        if self._journal is not None:
            for name, kept in (await self._journal.unfinished(begin)).items():
                if name not in self._running:
                    return RunId(name), kept
        return RunId(f"{begin}-{self.context.random.getrandbits(64):016x}"), None
