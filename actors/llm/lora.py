"""The decoder as a function that can be differentiated, for training low-rank adapters.

Its twin `decoder` serves; this one learns. Weights are frozen; each linear layer of a block gets a
change of low rank (LoRA, arXiv 2106.09685). A batch may share the beginning of all its sequences: its
keys and values are computed once, and what is learned of it flows back through all of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import linear, rms_norm, scaled_dot_product_attention, silu

from .adapter import write
from .rope import Rotation, inverse_frequencies, rotate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .config import ModelConfig

LINEARS = (
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj",
    "mlp.up_proj", "mlp.down_proj",
)  # fmt: skip
"""The linear layers of a block."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the tokens of a batch stand: those that are shared first, then sequence after sequence.

    Attributes:
        shared: How many are shared.
        batch: Sequences.
        cos: (tokens, 1, head_dim) rotation of each token.
        sin: Likewise, with the sign of the half-split rotation.
        seen: (time, shared + time) truth: what each place of a sequence sees.
    """

    shared: int
    batch: int
    cos: torch.Tensor
    sin: torch.Tensor
    seen: torch.Tensor


class LoraModel(nn.Module):
    """A frozen Llama-shaped model whose low-rank changes are its parameters.

    Args:
        config: The model's shape; biases and norms of queries and keys are not supported.
        tensors: Weights by their Hugging Face names.
        rank: Rank of the changes.
        alpha: They are scaled by alpha / rank.
        dtype: Type of the frozen weights and of products; parameters are float32.
        device: A torch device.

    Raises:
        ValueError: The model is of another shape.
    """

    def __init__(
        self,
        config: ModelConfig,
        tensors: Mapping[str, torch.Tensor],
        *,
        rank: int = 16,
        alpha: float = 32.0,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__()
        if config.architecture != "llama" or not config.tied or any("bias" in n for n in tensors):
            raise ValueError("only tied Llama shapes without biases can be trained here")
        self.config = config
        self.rank = rank
        self.alpha = alpha
        names = {f"{name}.weight" for name in _layers(config)}
        self._frozen = {
            name: tensor.to(device, torch.float32 if name in names else dtype)
            for name, tensor in tensors.items()
        }
        self._dtype = dtype
        self._rotation = Rotation(
            inverse_frequencies(config.rope, config.head_dim),
            dtype=dtype,
            device=torch.device(device),
        )
        self.down = nn.ParameterDict()
        self.up = nn.ParameterDict()
        for name in self.changed():
            outputs, inputs = self._frozen[f"{name}.weight"].shape
            first = torch.empty(rank, inputs)
            nn.init.kaiming_uniform_(first, a=math.sqrt(5))
            self.down[_key(name)] = nn.Parameter(first.to(device))
            self.up[_key(name)] = nn.Parameter(torch.zeros(outputs, rank, device=device))

    def changed(self) -> list[str]:
        """Return the names of the layers that are changed."""
        return _layers(self.config)

    def forward(
        self, shared: torch.Tensor, own: torch.Tensor, wanted: torch.Tensor
    ) -> torch.Tensor:
        """Return logits.

        Args:
            shared: (shared,) ids that all sequences begin with, at least one.
            own: (batch, time) ids of each sequence behind them, padded at the end with anything.
            wanted: (batch, time) truth: where the next token is asked for.

        Returns:
            (wanted, vocab) logits in float32, in row order.
        """
        size, (batch, time) = len(shared), own.shape
        self._rotation.reserve(size + time)
        places = torch.arange(size + time, device=own.device)
        places = torch.cat((places[:size], places[size:].repeat(batch)))
        cos, sin = (part[:, None] for part in self._rotation.at(places))
        grid = torch.ones(time, size + time, dtype=torch.bool, device=own.device)
        layout = _Layout(size, batch, cos, sin, grid.tril(size))
        table = self._frozen["model.embed_tokens.weight"]
        hidden = table[torch.cat((shared, own.flatten()))]  # (shared + batch * time, hidden)
        for layer in range(self.config.layers):
            hidden = self._block(f"model.layers.{layer}.", hidden, layout)
        chosen = self._norm("model.norm", hidden[size:][wanted.flatten()])
        return linear(chosen, table).float()

    def write(self, folder: Path, *, base: str) -> None:
        """Write the adapter, in float16, as `Adapter.read` and peft read it."""
        parts = {
            name: (self.down[_key(name)].detach(), self.up[_key(name)].detach())
            for name in self.changed()
        }
        write(folder, parts, rank=self.rank, alpha=self.alpha, base=base)

    def _block(self, at: str, hidden: torch.Tensor, layout: _Layout) -> torch.Tensor:
        normed = self._norm(f"{at}input_layernorm", hidden)
        mixed = self._attention(f"{at}self_attn.", normed, layout)
        hidden = hidden + self._linear(f"{at}self_attn.o_proj", mixed)
        normed = self._norm(f"{at}post_attention_layernorm", hidden)
        gate = silu(self._linear(f"{at}mlp.gate_proj", normed))
        product = gate * self._linear(f"{at}mlp.up_proj", normed)
        return hidden + self._linear(f"{at}mlp.down_proj", product)

    def _attention(self, at: str, normed: torch.Tensor, layout: _Layout) -> torch.Tensor:
        """Attend: the shared tokens to themselves, all others to them and to their own sequence."""
        c = self.config

        def heads(name: str, count: int, *, turned: bool) -> tuple[torch.Tensor, torch.Tensor]:
            """Return those of the shared tokens, and of all others: (batch, heads, time, head_dim)."""
            flat = self._linear(f"{at}{name}_proj", normed).view(-1, count, c.head_dim)
            flat = rotate(flat, layout.cos, layout.sin) if turned else flat
            flat = flat.repeat_interleave(c.heads // count, 1)
            own = flat[layout.shared :].reshape(layout.batch, -1, *flat.shape[1:])
            return flat[None, : layout.shared].transpose(1, 2), own.transpose(1, 2)

        query, own_query = heads("q", c.heads, turned=True)
        key, own_key = heads("k", c.kv_heads, turned=True)
        value, own_value = heads("v", c.kv_heads, turned=False)
        keys = torch.cat((key.expand(layout.batch, -1, -1, -1), own_key), 2)
        values = torch.cat((value.expand(layout.batch, -1, -1, -1), own_value), 2)
        mixed = scaled_dot_product_attention(query, key, value, is_causal=True)
        own_mixed = scaled_dot_product_attention(own_query, keys, values, attn_mask=layout.seen)
        parts = [part.transpose(1, 2).flatten(2).flatten(0, 1) for part in (mixed, own_mixed)]
        return torch.cat(parts)

    def _norm(self, name: str, hidden: torch.Tensor) -> torch.Tensor:
        weight = self._frozen[f"{name}.weight"]
        return rms_norm(hidden, hidden.shape[-1:], weight, self.config.norm_eps)

    def _linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Multiply with the changed weights: one product more for each layer, not for each token."""
        down, up = self.down[_key(name)], self.up[_key(name)]
        frozen = self._frozen[f"{name}.weight"]
        changed = torch.addmm(frozen, up, down, alpha=self.alpha / self.rank)
        return linear(x, changed.to(self._dtype))


def _layers(config: ModelConfig) -> list[str]:
    """Return the names of all linear layers."""
    return [f"model.layers.{layer}.{name}" for layer in range(config.layers) for name in LINEARS]


def _key(name: str) -> str:
    """Return the name of a parameter; torch takes no dots."""
    return name.replace(".", "-")
