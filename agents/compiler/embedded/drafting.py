"""Has a model write plans, held to the grammar of each question, on the decode engine.

The prompt up to the question is the same for all and is computed once. What the grammar leaves no
choice about is not decoded: it goes through the model together with the next token that was chosen.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

import torch

from ....actors.llm.engine import Block, Engine, Row
from ....actors.llm.sampler import sample
from ....actors.llm.sampling import Sampling
from .grammar import plan_grammar
from .prompt import plain_question, prompt_around

if TYPE_CHECKING:
    from collections.abc import Sequence

    import llguidance

    from ....actors.llm import Tokenizer
    from ....protocols.tools import ToolSpec

MAX_TOKENS: Final = 768
"""Most tokens of a plan."""

_GREEDY: Final = Sampling()


class Draft:
    """One plan while it is being written.

    Attributes:
        tokens: What was written so far.
        prompt: Tokens of its prompt, the part that all share included.
        shared: Tokens of that part.
        chosen: How many of the tokens the model chose; all others were forced.
        over: Whether nothing follows.
        cut: Whether that is since it is as long as it may be.
    """

    def __init__(
        self,
        pending: list[int],
        own: Block,
        matcher: llguidance.LLMatcher | None,
        sampling: Sampling,
        *,
        shared: int,
    ) -> None:
        self.tokens: list[int] = []
        self.prompt = shared + len(pending)
        self.shared = shared
        self.chosen = 0
        self.over = False
        self.cut = False
        self.pending = pending
        self.own = own
        self.matcher = matcher
        self.sampling = sampling


class Drafter:
    """Writes plans with one model for one set of tools.

    Not safe to use from two threads at once, as the engine is not.

    Args:
        engine: The model.
        tools: What plans may call.
        constrained: Whether plans are held to the grammar; without it, the model may write
            anything, which is for measuring what the grammar is worth.
        max_tokens: Most tokens of a plan.
    """

    def __init__(
        self,
        engine: Engine,
        tools: Sequence[ToolSpec],
        *,
        constrained: bool = True,
        max_tokens: int = MAX_TOKENS,
    ) -> None:
        self._engine = engine
        self._max_tokens = max_tokens
        self._tools = tools
        self._constrained = constrained
        before, after = prompt_around(engine.chat, tools)
        self._after = engine.tokenizer.encode(after)
        prefix = engine.tokenizer.encode(before)
        block = engine.block(len(prefix))
        engine.forward([Row(tokens=prefix, view=[block], own=block)])
        self._prefix = block.segment()

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer."""
        return self._engine.tokenizer

    def begin(self, question: str, sampling: Sampling = _GREEDY) -> Draft:
        """Begin a plan for a question."""
        question = plain_question(question)
        matcher = self._matcher(question) if self._constrained else None
        asked = self._engine.tokenizer.encode(question, special=False)
        pending = [*asked, *self._after]
        draft = Draft(
            pending, self._engine.block(len(pending) + 256), matcher, sampling,
            shared=len(self._prefix),
        )  # fmt: skip
        self._force(draft)
        return draft

    def step(self, drafts: Sequence[Draft]) -> list[list[int]]:
        """Let each of some drafts grow; return the tokens that each grew by."""
        rows = [
            Row(tokens=draft.pending, view=[self._prefix, draft.own], own=draft.own)
            for draft in drafts
        ]
        sizes = [len(draft.tokens) for draft in drafts]
        logits = self._masked(self._engine.forward(rows), drafts)
        places = [len(draft.tokens) for draft in drafts]
        chosen = sample(logits, [d.sampling for d in drafts], [0] * len(drafts), places)
        for draft, token in zip(drafts, chosen, strict=True):
            self._take(draft, token)
        return [draft.tokens[size:] for draft, size in zip(drafts, sizes, strict=True)]

    def text(self, draft: Draft) -> str:
        """Return what was written so far."""
        return self._engine.tokenizer.decode(draft.tokens, special=False)

    def _take(self, draft: Draft, token: int) -> None:
        draft.pending = []
        draft.chosen += 1
        if token in self._engine.tokenizer.ends:
            draft.over = True
            return
        draft.tokens.append(token)
        draft.pending.append(token)
        if draft.matcher is not None:
            draft.matcher.consume_token(token)
            self._force(draft)
        draft.cut = not draft.over and len(draft.tokens) >= self._max_tokens
        draft.over = draft.over or draft.cut

    @staticmethod
    def _force(draft: Draft) -> None:
        """Take what the grammar leaves no choice about."""
        if draft.matcher is None:
            return
        forced = draft.matcher.compute_ff_tokens()
        draft.matcher.consume_tokens(forced)
        assert not draft.matcher.is_error(), draft.matcher.get_error()
        draft.tokens += forced
        draft.pending += forced
        draft.over = draft.matcher.is_stopped()

    def _masked(self, logits: torch.Tensor, drafts: Sequence[Draft]) -> torch.Tensor:
        """Leave in logits (drafts, vocab) only what may come next."""
        if not self._constrained:
            return logits
        import numpy as np  # slow to start

        bits = b"".join(draft.matcher.compute_bitmask() for draft in drafts if draft.matcher)
        packed = np.frombuffer(bits, dtype=np.uint8).reshape(len(drafts), -1)
        allowed = np.unpackbits(packed, axis=1, count=logits.shape[1], bitorder="little")
        mask = torch.from_numpy(allowed == 0).to(logits.device)
        return logits.masked_fill(mask, float("-inf"))

    def _matcher(self, question: str) -> llguidance.LLMatcher:
        import llguidance  # optional: the [planner] extra

        grammar = llguidance.LLMatcher.grammar_from_lark(plan_grammar(self._tools, question))
        matcher = llguidance.LLMatcher(self._vocabulary, grammar)
        assert not matcher.is_error(), matcher.get_error()
        return matcher

    @cached_property
    def _vocabulary(self) -> llguidance.LLTokenizer:
        import llguidance  # optional: the [planner] extra

        tokenizer = self._engine.tokenizer
        return llguidance.LLTokenizer(
            tokenizer.serialized(),
            n_vocab=tokenizer.size,
            eos_token=sorted(tokenizer.ends),
            slices=[],
        )
