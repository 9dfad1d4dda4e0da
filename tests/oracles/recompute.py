"""Oracle R: all tokens of a shared-cache run in one uncached pass, in float64 complex form.

The shared cache computes a token's keys and values once, in the tick that wrote it, and lets
everybody see them at other places later on. The oracle knows no cache, no blocks and no ticks. It
takes three things about the N tokens that were ever processed:

`tokens`    (N,) int64: the ids.
`distance`  (N, N) int64: `distance[i, j]` is the rotary distance at which token i saw token j: the
            place of i in the view of its row minus the place of j in *that same view*, both at the
            tick in which i was processed, with block lengths after all of that tick's writes.
            Entries outside the mask mean nothing.
`mask`      (N, N) bool: whether i saw j: i itself, everything before it in its own block, and all of
            the other pieces of its row's view, tokens of the same tick included. It is not
            triangular: two rows of one tick may see each other.

and gives the (N, vocab) logits of every token. In each layer
    score(i, j) = Re[ sum_m q_im exp(i distance theta_m) conj(k_jm) ] / sqrt(head_dim)
with half-split pairs q_m = q[m] + i q[m + head_dim / 2], softmax over row i of the mask.

`History` collects the three from an engine's recorder: pass `history.record` as `recorder=`, run any
number of ticks, and call `history.tables()`. Token n of the tables is the n-th token that was fed,
ticks in order, rows in order within a tick, which is also the order of `all_logits=True` outputs.
Whoever works above the engine, on layouts, may build the same tables from its own records instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passel.actors.llm.config import ModelConfig
    from passel.actors.llm.engine import SeenRow


class History:
    """Collects what every processed token saw."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self._number: dict[tuple[int, int], int] = {}  # (block, place in it) -> token number
        self._seen: list[list[tuple[int, int]]] = []  # per token: (token number, distance)

    def record(self, tick: Sequence[SeenRow]) -> None:
        """Take one tick; this is the engine's recorder."""
        for row in tick:
            for j, token in enumerate(row.tokens):
                self._number[row.own, row.first + j] = len(self.tokens)
                self.tokens.append(token)
        for row in tick:
            for j in range(len(row.tokens)):
                place = row.place + j
                self._seen.append(
                    [
                        (self._number[span.block, key], place - span.origin - key)
                        for span in row.view
                        for key in range(span.start, span.stop)
                        if key <= place - span.origin
                    ]
                )

    def tables(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Give (tokens, distance, mask)."""
        count = len(self.tokens)
        distance = torch.zeros((count, count), dtype=torch.int64)
        mask = torch.zeros((count, count), dtype=torch.bool)
        for i, seen in enumerate(self._seen):
            for j, far in seen:
                distance[i, j] = far
                mask[i, j] = True
        return torch.tensor(self.tokens), distance, mask


def recompute(
    config: ModelConfig,
    weights: Mapping[str, torch.Tensor],
    tokens: torch.Tensor,
    distance: torch.Tensor,
    mask: torch.Tensor,
) -> torch.Tensor:
    """Give the (N, vocab) float64 logits of all tokens; plain RoPE, Llama shape, no bias."""
    w = {name: tensor.double() for name, tensor in weights.items()}
    half = config.head_dim // 2
    theta = torch.tensor(
        [float(config.rope.theta) ** (-m / half) for m in range(half)], dtype=torch.float64
    )
    turn = torch.polar(torch.ones(()).double(), distance[..., None] * theta)  # (N, N, half)
    x = w["model.embed_tokens.weight"][tokens]
    for layer in range(config.layers):
        at = f"model.layers.{layer}."
        normed = _norm(x, w[f"{at}input_layernorm.weight"], config.norm_eps)
        q = _pairs(normed @ w[f"{at}self_attn.q_proj.weight"].T, config.head_dim)
        k = _pairs(normed @ w[f"{at}self_attn.k_proj.weight"].T, config.head_dim)
        v = (normed @ w[f"{at}self_attn.v_proj.weight"].T).view(len(x), -1, config.head_dim)
        heads = []
        for head in range(config.heads):
            shared = head * config.kv_heads // config.heads
            score = torch.einsum("im,ijm,jm->ij", q[:, head], turn, k[:, shared].conj()).real
            score = (score / config.head_dim**0.5).masked_fill(~mask, float("-inf"))
            share = (score - score.max(-1, keepdim=True).values).exp()
            heads.append((share / share.sum(-1, keepdim=True)) @ v[:, shared])
        x = x + torch.cat(heads, -1) @ w[f"{at}self_attn.o_proj.weight"].T
        normed = _norm(x, w[f"{at}post_attention_layernorm.weight"], config.norm_eps)
        gate = normed @ w[f"{at}mlp.gate_proj.weight"].T
        up = normed @ w[f"{at}mlp.up_proj.weight"].T
        x = x + (gate / (1 + (-gate).exp()) * up) @ w[f"{at}mlp.down_proj.weight"].T
    output = w.get("lm_head.weight", w["model.embed_tokens.weight"])
    return _norm(x, w["model.norm.weight"], config.norm_eps) @ output.T


def _norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * weight


def _pairs(x: torch.Tensor, head_dim: int) -> torch.Tensor:
    """Read (N, heads * head_dim) as complex (N, heads, head_dim / 2)."""
    first, second = x.view(len(x), -1, 2, head_dim // 2).unbind(-2)
    return torch.complex(first, second)
