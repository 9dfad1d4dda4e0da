"""A tiny random Llama with a byte-level tokenizer, written as a Hugging Face folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from tests.oracles.tiny import random_weights, tiny_config

if TYPE_CHECKING:
    from pathlib import Path

    from passel.actors.llm.config import ModelConfig

CONTROLS = ("<|end|>", "<|start|>")
TEMPLATE = (
    "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)


def write_tiny_model(folder: Path, *, layers: int = 3, seed: int = 0) -> Path:
    """Write config, float64 weights, tokenizer and chat template; return the folder."""
    tokens = [*sorted(pre_tokenizers.ByteLevel.alphabet()), ".ĊĊ"]
    config = tiny_config(layers=layers, vocab=len(tokens) + len(CONTROLS))
    folder.mkdir(parents=True, exist_ok=True)
    save_file(random_weights(config, seed=seed), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(_described(config, end=len(tokens))))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"chat_template": TEMPLATE, "eos_token": CONTROLS[0]})
    )
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in CONTROLS])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _described(config: ModelConfig, *, end: int) -> dict[str, object]:
    return {
        "model_type": config.architecture,
        "num_hidden_layers": config.layers,
        "hidden_size": config.hidden,
        "intermediate_size": config.intermediate,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "vocab_size": config.vocab,
        "max_position_embeddings": config.context,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope.theta,
        "tie_word_embeddings": config.tied,
        "eos_token_id": end,
    }
