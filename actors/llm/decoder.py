"""A compact Llama-family decoder: grouped queries, RMSNorm, SwiGLU, rotary positions.

It runs SmolLM2, Llama 2 and 3 (arXiv 2407.21783), Qwen2 (bias on q, k, v; arXiv 2407.10671) and
Qwen3 (RMSNorm on each query and key head; arXiv 2505.09388). Keys and values go to the blocks of
the rows; attention follows a plan that is made once per tick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import rms_norm, silu

from .attention import Chunk, attention
from .errors import ModelFormatError
from .linear import Linear
from .rope import Rotation, inverse_frequencies, rotate

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from .config import ModelConfig


@dataclass(frozen=True, slots=True)
class Write:
    """Where tokens [start, stop) of a tick keep their keys and values.

    `places` holds, per layer, a (2, kv_heads, tokens, head_dim) view of the block's storage.
    """

    start: int
    stop: int
    places: Sequence[torch.Tensor]


@dataclass(frozen=True, slots=True)
class Tick:
    """One forward pass: new tokens of all rows, flattened in row order.

    Attributes:
        ids: (tokens,) token ids.
        cos: (tokens, 1, head_dim) rotation of each token's key to its place in its block.
        sin: Likewise, with the sign of the half-split rotation.
        writes: Where the keys and values go, all tokens covered once.
        chunks: Who sees what.
        wanted: (rows,) tokens whose logits are asked for.
    """

    ids: torch.Tensor
    cos: torch.Tensor
    sin: torch.Tensor
    writes: Sequence[Write]
    chunks: Sequence[Chunk]
    wanted: torch.Tensor


@dataclass(frozen=True, slots=True)
class _Layer:
    """Weights of one block; q, k, v and gate, up are fused."""

    attention_norm: torch.Tensor
    qkv: Linear
    query_norm: torch.Tensor | None
    key_norm: torch.Tensor | None
    output: Linear
    feed_norm: torch.Tensor
    gate_up: Linear
    down: Linear


class Decoder:
    """The weights of a model and its forward pass over one tick.

    Queries are scaled by head_dim ** -0.5 in the rotation tables' place: the scale is folded
    into the query rows of the fused projection (or the query norm, where there is one).
    """

    def __init__(
        self,
        config: ModelConfig,
        tensors: MutableMapping[str, torch.Tensor],
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        packed: bool | None = None,
    ) -> None:
        """Take weights by their Hugging Face names; `tensors` is emptied as they are used.

        Raises:
            ModelFormatError: A weight is missing.
        """
        self.config = config
        self.dtype = dtype
        self.device = torch.device(device)
        self._tensors = tensors
        self._packed = packed
        frequencies = inverse_frequencies(config.rope, config.head_dim)
        self.rotation = Rotation(frequencies, dtype=dtype, device=self.device)
        self._embedding = self._take("model.embed_tokens.weight")
        self._layers = [self._layer(f"model.layers.{i}.") for i in range(config.layers)]
        self._norm = self._take("model.norm.weight")
        head = self._embedding if config.tied else self._take("lm_head.weight")
        self._head = Linear(head, packed=packed)
        self._tensors = {}

    @torch.inference_mode()
    def forward(self, tick: Tick) -> torch.Tensor:
        """Run one tick; writes keys and values, returns float32+ logits (wanted, vocab)."""
        eps = self.config.norm_eps
        hidden = self._embedding[tick.ids]  # (tokens, hidden)
        for number, layer in enumerate(self._layers):
            normed = rms_norm(hidden, hidden.shape[-1:], layer.attention_norm, eps)
            queries = self._project(normed, layer, number, tick)
            mixed = [
                attention(queries[chunk.start : chunk.stop], chunk, number) for chunk in tick.chunks
            ]
            hidden = hidden + layer.output(mixed[0] if len(mixed) == 1 else torch.cat(mixed))
            normed = rms_norm(hidden, hidden.shape[-1:], layer.feed_norm, eps)
            gate, up = layer.gate_up(normed).chunk(2, -1)
            hidden = hidden + layer.down(silu(gate) * up)
        last = rms_norm(hidden[tick.wanted], hidden.shape[-1:], self._norm, eps)
        logits = self._head(last)
        return logits if logits.dtype == torch.float64 else logits.float()

    def _project(
        self, normed: torch.Tensor, layer: _Layer, number: int, tick: Tick
    ) -> torch.Tensor:
        """Make queries, keys and values; write the latter; return (tokens, heads, head_dim)."""
        c = self.config
        qkv = layer.qkv(normed).view(-1, c.heads + 2 * c.kv_heads, c.head_dim)
        queries, keys = qkv[:, : c.heads], qkv[:, c.heads : c.heads + c.kv_heads]
        values = qkv[:, c.heads + c.kv_heads :]
        if layer.query_norm is not None and layer.key_norm is not None:
            queries = rms_norm(queries, (c.head_dim,), layer.query_norm, c.norm_eps)
            keys = rms_norm(keys, (c.head_dim,), layer.key_norm, c.norm_eps)
        fresh = torch.stack((rotate(keys, tick.cos, tick.sin), values))
        fresh = fresh.transpose(1, 2)  # (2, kv_heads, tokens, head_dim)
        for write in tick.writes:
            write.places[number].copy_(fresh[:, :, write.start : write.stop])
        return queries

    def _layer(self, prefix: str) -> _Layer:
        """Fuse and keep the weights of one block."""
        own, feed = f"{prefix}self_attn.", f"{prefix}mlp."
        scale = self.config.head_dim**-0.5
        parts = [self._take(f"{own}{x}_proj.weight") for x in "qkv"]
        biases = [self._maybe(f"{own}{x}_proj.bias") for x in "qkv"]
        query_norm, key_norm = None, None
        if self.config.qk_norm:
            query_norm = self._take(f"{own}q_norm.weight") * scale
            key_norm = self._take(f"{own}k_norm.weight")
        else:
            parts[0] = parts[0] * scale
            biases[0] = None if biases[0] is None else biases[0] * scale
        present = [bias for bias in biases if bias is not None]
        gate_up = torch.cat([self._take(f"{feed}{x}_proj.weight") for x in ("gate", "up")])
        return _Layer(
            attention_norm=self._take(f"{prefix}input_layernorm.weight"),
            qkv=self._linear(torch.cat(parts), torch.cat(present) if present else None),
            query_norm=query_norm,
            key_norm=key_norm,
            output=self._linear(
                self._take(f"{own}o_proj.weight"), self._maybe(f"{own}o_proj.bias")
            ),
            feed_norm=self._take(f"{prefix}post_attention_layernorm.weight"),
            gate_up=self._linear(gate_up),
            down=self._linear(self._take(f"{feed}down_proj.weight")),
        )

    def _linear(self, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Linear:
        return Linear(weight, bias, packed=self._packed)

    def _maybe(self, name: str) -> torch.Tensor | None:
        tensor = self._tensors.pop(name, None)
        return None if tensor is None else tensor.to(self.device, self.dtype)

    def _take(self, name: str) -> torch.Tensor:
        tensor = self._maybe(name)
        if tensor is None:
            raise ModelFormatError("the checkpoint", reason=f"it has no weight {name}")
        return tensor
