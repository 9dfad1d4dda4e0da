"""Tiny random models, for tests that need a model's arithmetic and no meaning."""

from __future__ import annotations

import torch

from passel.actors.llm.config import ModelConfig, RopeConfig
from passel.actors.llm.decoder import Decoder
from passel.actors.llm.engine import Engine


def tiny_config(**changes: object) -> ModelConfig:
    """Give a three-layer Llama shape with two query heads to each key-value head."""
    fields: dict[str, object] = {
        "architecture": "llama",
        "layers": 3,
        "hidden": 32,
        "intermediate": 48,
        "heads": 4,
        "kv_heads": 2,
        "head_dim": 8,
        "vocab": 50,
        "context": 4096,
        "norm_eps": 1e-5,
        "rope": RopeConfig(theta=100.0),
        "tied": True,
    }
    return ModelConfig(**(fields | changes))  # type: ignore[arg-type]  # a test's plain dict


def random_weights(
    config: ModelConfig, *, seed: int, dtype: torch.dtype = torch.float64
) -> dict[str, torch.Tensor]:
    """Draw weights under Hugging Face names, large enough that attention is far from uniform."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*size: int, scale: float = 0.35) -> torch.Tensor:
        return torch.randn(size, generator=generator, dtype=torch.float64).mul(scale).to(dtype)

    c = config
    queries, keys = c.heads * c.head_dim, c.kv_heads * c.head_dim
    weights = {
        "model.embed_tokens.weight": draw(c.vocab, c.hidden, scale=1.0),
        "model.norm.weight": 1.0 + draw(c.hidden, scale=0.1),
    }
    if not c.tied:
        weights["lm_head.weight"] = draw(c.vocab, c.hidden)
    for i in range(c.layers):
        at = f"model.layers.{i}."
        weights |= {
            f"{at}input_layernorm.weight": 1.0 + draw(c.hidden, scale=0.1),
            f"{at}self_attn.q_proj.weight": draw(queries, c.hidden),
            f"{at}self_attn.k_proj.weight": draw(keys, c.hidden),
            f"{at}self_attn.v_proj.weight": draw(keys, c.hidden),
            f"{at}self_attn.o_proj.weight": draw(c.hidden, queries),
            f"{at}post_attention_layernorm.weight": 1.0 + draw(c.hidden, scale=0.1),
            f"{at}mlp.gate_proj.weight": draw(c.intermediate, c.hidden),
            f"{at}mlp.up_proj.weight": draw(c.intermediate, c.hidden),
            f"{at}mlp.down_proj.weight": draw(c.hidden, c.intermediate),
        }
    return weights


def tiny_engine(
    *, seed: int = 0, dtype: torch.dtype = torch.float64, **changes: object
) -> tuple[Engine, dict[str, torch.Tensor]]:
    """Give an engine with a tiny random model, and the weights it was made from."""
    config = tiny_config(**changes)
    weights = random_weights(config, seed=seed, dtype=dtype)
    return Engine(Decoder(config, dict(weights), dtype=dtype)), weights
