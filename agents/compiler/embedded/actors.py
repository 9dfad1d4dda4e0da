"""Chat models that write plans without an endpoint: by rules, or with a small model of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ....actors.chat import ChatModel, MissingPackageError, UnansweredRequestError
from ....actors.llm import Sampling, TextStream
from ....actors.threads import share_cores
from ....protocols.chat import ChatEnded, TextDelta, Usage
from ..prompts import first_question
from .rules import plan_by_rules
from .toolset import declared_tools

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ....protocols.chat import ChatPiece, ChatRequest
    from .drafting import Drafter

ADAPTER: Final = Path(__file__).parent / "adapter"
"""The adapter that comes with the package."""

_ONCE: Final = (
    "it writes the first plan for a question, and no verdicts and no second plans; give the compiler"
    " a joiner of its own and Budget(replans=0)"
)


class RulePlanner(ChatModel):
    """Plans by rules: a compiler's model that needs no weights, for the tools of `declared_tools`.

    It answers the first prompt of a planner and no other.
    """

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatPiece]:
        """Yield a plan, line by line.

        Raises:
            UnansweredRequestError: The request is another one than for a first plan.
        """
        for line in plan_by_rules(_question(request, "RulePlanner")).splitlines(keepends=True):
            yield TextDelta(line)
        yield ChatEnded(reason="stop", usage=Usage())


class EmbeddedPlanner(ChatModel):
    """Plans with a small model in this process, held to the plan language and to the question's words.

    Every plan can be read: its calls are of `declared_tools`, with as many arguments as these take, and
    references lead upwards; the texts in it are spans of the question. Whether it is the right plan is
    another matter: docs/planner.md has the figures. It answers the first prompt of a planner and no
    other. Answers that are under way take turns, token by token.

    Args:
        adapter: Folder of the adapter that the model was trained with; empty for the one that comes
            with the package, which is for the default model.
        model: A pulled model's name, a .gguf file, or a Hugging Face folder.
        dtype: Name of a torch floating type.
        device: A torch device.
        threads: Threads torch uses in this process; None leaves them as they are.
    """

    def __init__(
        self,
        *,
        adapter: str = "",
        model: str = "smollm2-135m",
        dtype: str = "float32",
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        super().__init__()
        self._adapter = Path(adapter) if adapter else ADAPTER
        self._model = model
        self._dtype = dtype
        self._device = device
        self._threads = threads
        self._drafter: Drafter | None = None

    async def started(self) -> None:
        """Load model and adapter in the actor's own thread.

        Raises:
            MissingPackageError: The extra `planner` is not installed.
            ModelError: Model or adapter are not here, damaged, or of a kind that is not run.
        """
        self._drafter = await self.context.run_blocking(self._load)

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatPiece]:
        """Yield a plan as it is written.

        Raises:
            UnansweredRequestError: The request is another one than for a first plan.
        """
        assert self._drafter is not None, "it is loaded when the actor starts"
        question = _question(request, "EmbeddedPlanner")
        sampling = Sampling(temperature=request.temperature, seed=request.seed or 0)
        run = self.context.run_blocking
        draft = await run(self._drafter.begin, question, sampling)
        text = TextStream(self._drafter.tokenizer)
        yield TextDelta("".join(map(text.push, draft.tokens)))
        limit = request.max_tokens
        while not draft.over and (limit is None or len(draft.tokens) < limit):
            (tokens,) = await run(self._drafter.step, [draft])
            yield TextDelta("".join(map(text.push, tokens)))
        reason = "stop" if draft.over and not draft.cut else "length"
        usage = Usage(prompt=draft.prompt, cached=draft.shared, completion=len(draft.tokens))
        yield ChatEnded(reason=reason, usage=usage)

    def _load(self) -> Drafter:
        try:
            import llguidance  # noqa: F401  # optional: the [planner] extra

            share_cores()  # before torch loads
            from ....actors.llm.engine import Engine  # slow to start
            from .drafting import Drafter
        except ModuleNotFoundError as error:
            raise MissingPackageError(error.name or "", extra="planner") from error
        engine = Engine.load(
            self._model, adapter=self._adapter, dtype=self._dtype, device=self._device,
            threads=self._threads,
        )  # fmt: skip
        return Drafter(engine, declared_tools())


def _question(request: ChatRequest, model: str) -> str:
    question = first_question(request.messages)
    if question is None:
        raise UnansweredRequestError(model, reason=_ONCE)
    return question
