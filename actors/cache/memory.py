"""The keys and values of a session: blocks by name, filled and read by the decode engine.

The one module of the cache that touches tensors; it runs in the actor's blocking thread. Importing
it loads no torch: the engine is handed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..llm.sampling import Sampling
from .errors import InvalidSessionError
from .layout import OTHERS, PROMPT, Layout, own_marker

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import torch

    from ...protocols.cache import BlockId, Draw, SessionSpec, WorkerId
    from ..llm.engine import Engine
    from ..llm.segment import Block, Segment
    from ..llm.view import Row
    from .board import Feed

PROMPT_CHUNK = 256
"""Tokens of a prompt that go through the model at once; bounds the memory of scores."""

STEP_CAPACITY = 48
"""Tokens a step's block has room for before it grows by doubling."""


class EngineVocabulary:
    """A model's tokenizer, as the board wants it. Control tokens never come from plain text."""

    def __init__(self, engine: Engine) -> None:
        self._tokenizer = engine.tokenizer
        self._size = engine.config.vocab

    @property
    def size(self) -> int:
        """How many ids the model knows."""
        return self._size

    @property
    def ends(self) -> frozenset[int]:
        """The ids that end a text."""
        return self._tokenizer.ends

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the ids of `text`; control tokens in it are read as plain text."""
        return tuple(self._tokenizer.encode(text, special=False))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of `ids`, control tokens spelled out."""
        return self._tokenizer.decode(ids)


class Memory:
    """Holds a session's blocks, prefills prompt and markers, and runs ticks.

    Args:
        engine: The model.
        spec: The session.
        layout: How blocks stand in a view.
        prompt: Ids of the rendered conversation and of the marker that ends it.

    Raises:
        InvalidSessionError: No token can be drawn as the session says.
    """

    def __init__(
        self, engine: Engine, *, spec: SessionSpec, layout: Layout, prompt: Sequence[int]
    ) -> None:
        self._engine = engine
        self._spec = spec
        self._layout = layout
        self._prompt = tuple(prompt)
        self._blocks: dict[BlockId, Block] = {}
        self._finished: dict[BlockId, Segment] = {}
        self._streams = {worker: number for number, worker in enumerate(spec.workers)}
        self._banned = banned_ids(engine, spec.draw)
        draw = spec.draw
        try:
            self._sampling = Sampling(
                temperature=draw.temperature, top_k=draw.top_k, top_p=draw.top_p, seed=draw.seed
            )
        except ValueError as error:
            raise InvalidSessionError(reason=str(error)) from error

    def block(self, name: BlockId) -> Block:
        """Return the block of that name.

        Raises:
            KeyError: Nothing was written to it yet.
        """
        return self._blocks[name]

    def prefill(self) -> None:
        """Compute the prompt, then every marker, in context or alone as the session says."""
        self._fill(PROMPT, self._prompt, context=())
        texts = self.marker_texts()
        for name, context in self._layout.markers(self._spec.workers):
            seen = context if self._spec.headers == "contextual" else ()
            ids = self._engine.tokenizer.encode(texts[name], special=False)
            self._fill(name, ids, context=seen)

    def marker_texts(self) -> Mapping[BlockId, str]:
        """Return the text of every marker block."""
        own = self._spec.markers.own
        texts = {own_marker(name): own.replace("{name}", name) for name in self._spec.workers}
        return {OTHERS: self._spec.markers.others, **texts}

    def run(self, feeds: Sequence[Feed], committed: Iterable[BlockId]) -> dict[WorkerId, int]:
        """Run one tick: append every feed's tokens, draw the next token of those that want one.

        Steps in `committed` are whole after this tick and become immutable segments of the
        common history: by reference, without a copy or a rotation.
        """
        for feed in feeds:
            if feed.block not in self._blocks:
                self._blocks[feed.block] = self._engine.block(STEP_CAPACITY)
        logits = self._engine.forward([self._row(f.block, f.tokens, f.view) for f in feeds])
        for name in committed:
            self._finished[name] = self._blocks[name].segment()
        return self._draw(feeds, logits)

    def complete(self, text: str, max_tokens: int) -> str:
        """Continue the prompt with `text` and greedily draw up to `max_tokens` more; return those.

        A fresh single stream: the prompt's block, computed from place 0 alone, is what a new
        prefill of it would give; all that stands behind it is computed anew. Of a text that does
        not fit, the end is kept.
        """
        room = self._engine.max_tokens - len(self._prompt) - max_tokens
        ids = self._engine.tokenizer.encode(text, special=False)[-max(1, room) :]
        own = self._engine.block(len(ids) + max_tokens)
        drawn: list[int] = []
        feed = ids
        while len(drawn) < max_tokens:
            logits = self._feed(own, feed, before=(PROMPT,))
            (token,) = self._sample(logits, Sampling(), [0], [len(drawn)], banned=())
            if token in self._engine.tokenizer.ends:
                break
            drawn.append(token)
            feed = [token]
        return self._engine.tokenizer.decode(drawn)

    def _fill(self, name: BlockId, ids: Sequence[int], *, context: Sequence[BlockId]) -> None:
        self._blocks[name] = self._engine.block(max(1, len(ids)))
        if ids:
            self._feed(self._blocks[name], ids, before=context)

    def _feed(self, own: Block, ids: Sequence[int], *, before: Sequence[BlockId]) -> torch.Tensor:
        """Append ids in chunks; return the logits (1, vocab) of the last one."""
        assert ids, "a forward needs tokens"
        from ..llm.view import Row  # loads torch

        view = [*(self._entry(name) for name in before), own]
        last = (len(ids) - 1) // PROMPT_CHUNK * PROMPT_CHUNK
        for at in range(0, last, PROMPT_CHUNK):
            self._engine.forward([Row(tokens=ids[at : at + PROMPT_CHUNK], view=view, own=own)])
        return self._engine.forward([Row(tokens=ids[last:], view=view, own=own)])

    def _row(self, name: BlockId, tokens: Sequence[int], view: Sequence[BlockId]) -> Row:
        from ..llm.view import Row  # loads torch

        own = self._blocks[name]
        seen = [self._entry(block) for block in view[:-1] if block in self._blocks]
        return Row(tokens=tokens, view=[*seen, own], own=own)

    def _entry(self, name: BlockId) -> Segment | Block:
        return self._finished[name] if name in self._finished else self._blocks[name]

    def _draw(self, feeds: Sequence[Feed], logits: torch.Tensor) -> dict[WorkerId, int]:
        wanted = [(row, feed) for row, feed in enumerate(feeds) if feed.place is not None]
        if not wanted:
            return {}
        streams = [self._streams[feed.worker] for _, feed in wanted]
        places = [feed.place for _, feed in wanted if feed.place is not None]
        rows = logits[[row for row, _ in wanted]]
        drawn = self._sample(rows, self._sampling, streams, places, banned=self._banned)
        return {feed.worker: token for (_, feed), token in zip(wanted, drawn, strict=True)}

    @staticmethod
    def _sample(
        logits: torch.Tensor,
        sampling: Sampling,
        streams: Sequence[int],
        places: Sequence[int],
        *,
        banned: Sequence[int],
    ) -> list[int]:
        from ..llm.sampler import sample  # loads torch

        return sample(logits, sampling, streams, places, banned=banned)


def banned_ids(engine: Engine, draw: Draw) -> tuple[int, ...]:
    """Return the ids that a session never draws.

    These are ids whose text, white space aside, is one of the banned texts, control tokens that
    end no text (they would only confuse), and end tokens where the session bans them.
    """
    tokenizer = engine.tokenizer
    size = engine.config.vocab
    unknown = range(tokenizer.size, size)  # rows of the head that no token owns
    specials = {i for i in tokenizer.specials if i not in tokenizer.ends}
    banned = specials | (set(tokenizer.ends) if draw.ban_ends else set()) | set(unknown)
    if draw.banned:
        texts = frozenset(draw.banned)
        banned |= {i for i in range(tokenizer.size) if tokenizer.decode([i]).strip() in texts}
    return tuple(sorted(i for i in banned if i < size))


def without_controls(engine: Engine, text: str) -> str:
    """Return `text` with the model's control tokens cut out, for text from strangers."""
    controls = [engine.tokenizer.decode([token]) for token in sorted(engine.tokenizer.specials)]
    while True:  # cutting one may join the halves of another
        shorter = text
        for control in controls:
            shorter = shorter.replace(control, "")
        if shorter == text:
            return text
        text = shorter
