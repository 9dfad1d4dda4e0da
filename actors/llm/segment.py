"""Key-value memory: append-only blocks, and immutable segments of them.

A token's key is stored once, rotated to its place inside its block counted from 0, and never
rotated again: whoever attends to it rotates the query by the distance instead. So a piece of
a block can stand anywhere in anybody's view without being copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class KvShape:
    """What one token's keys and values look like."""

    layers: int
    kv_heads: int
    head_dim: int
    dtype: torch.dtype
    device: torch.device


class Block:
    """An append-only run of tokens with their keys and values in every layer.

    Only an engine appends. Storage doubles when it is full, so that appending costs amortised
    O(1) copies per token; segments read it through the block and notice nothing.
    """

    __slots__ = ("_shape", "_tokens", "id", "storage")

    def __init__(self, shape: KvShape, *, block_id: int, capacity: int) -> None:
        self._shape = shape
        self._tokens: list[int] = []
        self.id = block_id
        self.storage = self._room(max(capacity, 1))  # (layers, 2, kv_heads, capacity, head_dim)

    def __len__(self) -> int:
        return len(self._tokens)

    def __repr__(self) -> str:
        return f"Block({self.id}, {len(self)} tokens)"

    @property
    def tokens(self) -> tuple[int, ...]:
        """The token ids in order."""
        return tuple(self._tokens)

    @property
    def capacity(self) -> int:
        """Tokens that fit before the storage grows."""
        return self.storage.shape[3]

    def segment(self, start: int = 0, stop: int | None = None) -> Segment:
        """Cut out tokens [start, stop) as an immutable segment, without copying.

        Raises:
            ValueError: The range does not lie within the tokens present now.
        """
        end = len(self) if stop is None else stop
        if not 0 <= start <= end <= len(self):
            raise ValueError(f"[{start}, {end}) does not lie within {self!r}")
        return Segment(block=self, start=start, stop=end)

    def reserve(self, length: int) -> None:
        """Make room for `length` tokens in all."""
        if length <= self.capacity:
            return
        grown = self._room(max(length, 2 * self.capacity))
        grown[:, :, :, : len(self)] = self.storage[:, :, :, : len(self)]
        self.storage = grown

    def extend(self, tokens: Sequence[int]) -> None:
        """Count tokens whose keys and values have just been written to the storage."""
        assert len(self) + len(tokens) <= self.capacity
        self._tokens.extend(tokens)

    def _room(self, capacity: int) -> torch.Tensor:
        s = self._shape
        size = (s.layers, 2, s.kv_heads, capacity, s.head_dim)
        return torch.empty(size, dtype=s.dtype, device=s.device)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Tokens [start, stop) of a block: immutable, handed on by reference."""

    block: Block
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def tokens(self) -> tuple[int, ...]:
        """The token ids in order."""
        return self.block.tokens[self.start : self.stop]
