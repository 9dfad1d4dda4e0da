"""The decode engine: ticks of many rows over shared blocks of keys and values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from . import models
from .adapter import Adapter
from .attention import plan
from .chat import ChatTemplate
from .decoder import Decoder, Tick, Write
from .gguf_file import GgufFile
from .hugging_face import HuggingFaceFolder
from .sampler import sample
from .segment import Block, KvShape, Segment
from .view import Row, RowView, row_views

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from .config import ModelConfig
    from .sampling import Sampling
    from .tokenizer import Tokenizer

_DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float64": torch.float64,
}

__all__ = ["Block", "Engine", "Row", "SeenRow", "SeenSpan", "Segment", "generate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSpan:
    """A row saw tokens [start, stop) of a block.

    Token l of the block stood at place origin + l of the row's view.
    """

    block: int
    start: int
    stop: int
    origin: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRow:
    """What one row of a tick wrote and saw.

    Token j of `tokens` became token `first + j` of block `own` and stood at place `place + j`
    of its view; it saw key l of a span (block-local) iff l <= place + j - origin, at the rotary
    distance place + j - origin - l.
    """

    own: int
    first: int
    place: int
    tokens: tuple[int, ...]
    view: tuple[SeenSpan, ...]


class Engine:
    """One model in memory, and the blocks that its rows share.

    Not safe to call from two threads at once: an actor owns it and calls it from its own
    blocking thread.
    """

    def __init__(
        self,
        model: Decoder,
        tokenizer: Tokenizer | None = None,
        *,
        chat: ChatTemplate | None = None,
        max_tokens: int | None = None,
        recorder: Callable[[tuple[SeenRow, ...]], None] | None = None,
    ) -> None:
        """Wrap a decoder.

        Args:
            model: The decoder.
            tokenizer: Its tokenizer; an engine for tests may do without.
            chat: Its chat template.
            max_tokens: Longest view a row may have; by default the model's context.
            recorder: Called once per tick, before it runs, with what every row sees.
        """
        self.model = model
        self.max_tokens = model.config.context if max_tokens is None else max_tokens
        self.recorder = recorder
        self.chat = chat or ChatTemplate(None)
        self._tokenizer = tokenizer
        self._numbers = count()
        c = model.config
        self._shape = KvShape(
            layers=c.layers,
            kv_heads=c.kv_heads,
            head_dim=c.head_dim,
            dtype=model.dtype,
            device=model.device,
        )

    @classmethod
    def load(
        cls,
        source: str | Path,
        *,
        adapter: str | Path | None = None,
        dtype: str = "float32",
        device: str = "cpu",
        threads: int | None = None,
        max_tokens: int | None = None,
    ) -> Engine:
        """Load a model.

        Args:
            source: A pulled model's name, a .gguf file, or a Hugging Face folder.
            adapter: Folder of a LoRA adapter, which is merged into the weights.
            dtype: `float32`, `bfloat16`, `float16` or `float64`.
            device: A torch device.
            threads: Threads torch uses in this process; None leaves them as they are.
            max_tokens: Longest view a row may have; by default the model's context.

        Raises:
            ModelNotFoundError: Nothing of that name is here.
            ModelFormatError: The checkpoint is damaged.
            UnsupportedModelError: The model needs something this engine lacks.
            ValueError: `dtype` is none of these.
        """
        kind = _DTYPES.get(dtype)
        if kind is None:
            raise ValueError(f"dtype must be one of {', '.join(_DTYPES)}, not {dtype!r}")
        if threads is not None:
            torch.set_num_threads(threads)
        path = Path(source)
        if not path.exists():
            path = models.path_of(str(source))
        checkpoint = HuggingFaceFolder(path) if path.is_dir() else GgufFile(path)
        source_text, special = checkpoint.chat_template()
        tensors = checkpoint.tensors()
        if adapter is not None:
            Adapter.read(Path(adapter)).merge_into(tensors)
        model = Decoder(checkpoint.config, tensors, dtype=kind, device=device)
        return cls(
            model,
            checkpoint.tokenizer(),
            chat=ChatTemplate(source_text, special=special),
            max_tokens=max_tokens,
        )

    @property
    def config(self) -> ModelConfig:
        """The model's shape."""
        return self.model.config

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer."""
        assert self._tokenizer is not None, "this engine was built without a tokenizer"
        return self._tokenizer

    @property
    def device(self) -> torch.device:
        """Where weights and blocks live."""
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        """The floating type of weights and blocks."""
        return self.model.dtype

    def block(self, capacity: int = 256) -> Block:
        """Make a new empty block with room for `capacity` tokens; it grows by doubling."""
        return Block(self._shape, block_id=next(self._numbers), capacity=capacity)

    @torch.inference_mode()
    def forward(self, rows: Sequence[Row], *, all_logits: bool = False) -> torch.Tensor:
        """Run one tick: append every row's new tokens to its own block.

        In every layer the keys and values of all rows' new tokens are written before any row
        attends, so rows that see each other's blocks see this tick's tokens too. On an error
        nothing has been written.

        Args:
            rows: The rows; they may differ in view and in number of new tokens.
            all_logits: Give logits of every new token, not of the last one of each row.

        Returns:
            (rows, vocab) float logits of each row's last new token, or (tokens, vocab) of all
            new tokens in row order.

        Raises:
            InvalidRowError: A row breaks a rule.
            ContextLengthError: A view would become too long.
        """
        if not rows:
            return torch.empty((0, self.config.vocab), device=self.device)
        views = row_views(rows, vocab=self.config.vocab, limit=self.max_tokens)
        if self.recorder is not None:
            self.recorder(_seen(rows, views))
        tick = self._tick(rows, views, all_logits=all_logits)
        logits = self.model.forward(tick)
        for row in rows:
            row.own.extend(row.tokens)
        return logits

    def _tick(self, rows: Sequence[Row], views: Sequence[RowView], *, all_logits: bool) -> Tick:
        """Make room, and lay out one forward pass."""
        writes: list[Write] = []
        ids: list[int] = []
        places: list[int] = []  # of each token in its block
        ends: list[int] = []
        reach = 0
        for row, view in zip(rows, views, strict=True):
            first, stop = len(row.own), len(row.own) + len(row.tokens)
            row.own.reserve(stop)
            target = row.own.storage[:, :, :, first:stop]
            writes.append(Write(len(ids), len(ids) + len(row.tokens), target.unbind()))
            ids += row.tokens
            places += range(first, stop)
            ends.append(len(ids) - 1)
            reach = max(reach, stop, *(view.length - o for o in view.origins.values()))
        self.model.rotation.reserve(reach)
        cos, sin = self.model.rotation.at(torch.tensor(places, device=self.device))
        return Tick(
            ids=torch.tensor(ids, device=self.device),
            cos=cos[:, None],
            sin=sin[:, None],
            writes=writes,
            chunks=plan(views, self.model.rotation, self.device),
            wanted=torch.tensor(range(len(ids)) if all_logits else ends, device=self.device),
        )


def _seen(rows: Sequence[Row], views: Sequence[RowView]) -> tuple[SeenRow, ...]:
    """Describe a tick for a recorder."""
    return tuple(
        SeenRow(
            own=row.own.id,
            first=len(row.own),
            place=view.place,
            tokens=tuple(row.tokens),
            view=tuple(
                SeenSpan(block=span.block.id, start=span.start, stop=span.stop, origin=origin)
                for span, origin in view.origins.items()
            ),
        )
        for row, view in zip(rows, views, strict=True)
    )


def generate(
    engine: Engine,
    prompt_ids: Sequence[int],
    sampling: Sampling,
    max_new: int,
    stop_ids: Collection[int] = (),
    *,
    stream: int = 0,
) -> Iterator[int]:
    """Decode one sequence; yields ids as they are drawn, a stop id included as the last.

    Raises:
        InvalidRowError: The prompt is empty or holds an unknown id.
        ContextLengthError: Prompt and output outgrow the engine's limit.
    """
    own = engine.block(len(prompt_ids) + max_new)
    tokens = list(prompt_ids)
    for place in range(max_new):
        logits = engine.forward([Row(tokens=tokens, view=[own], own=own)])
        (token,) = sample(logits, sampling, [stream], [place])
        yield token
        if token in stop_ids:
            return
        tokens = [token]
