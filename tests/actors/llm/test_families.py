"""Tiny random models that `transformers` made and wrote, read back and compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch

from passel.actors.llm.decoder import Decoder
from passel.actors.llm.engine import Engine, Row
from passel.actors.llm.errors import ModelFormatError
from passel.actors.llm.hugging_face import HuggingFaceFolder

if TYPE_CHECKING:
    from pathlib import Path

transformers = pytest.importorskip("transformers")
transformers.logging.disable_progress_bar()  # a bar leaves a thread behind

SHAPE = {
    "vocab_size": 97,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", {"tie_word_embeddings": True}),
    "llama, scaled rope": ("Llama", {"rope_parameters": LLAMA3, "tie_word_embeddings": False}),
    "llama, bias everywhere": ("Llama", {"attention_bias": True}),
    "qwen2": ("Qwen2", {"tie_word_embeddings": True}),
    "qwen3": ("Qwen3", {"head_dim": 16, "tie_word_embeddings": False}),
}


def made(family: str, changes: dict[str, Any], *, shard: str = "5GB", folder: Path) -> Any:
    """Let `transformers` make and write a random model with random biases and norms."""
    torch.manual_seed(5)
    config = getattr(transformers, f"{family}Config")(**SHAPE, **changes)
    model = getattr(transformers, f"{family}ForCausalLM")(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name or "bias" in name:
                parameter.add_(torch.randn_like(parameter), alpha=0.3)
    model.save_pretrained(folder, max_shard_size=shard)
    return model


def difference(model: Any, folder: Path) -> float:
    """Compare the logits of 200 tokens, given to us in three ticks."""
    checkpoint = HuggingFaceFolder(folder)
    engine = Engine(Decoder(checkpoint.config, checkpoint.tensors()))
    ids = torch.randint(97, (200,), generator=torch.Generator().manual_seed(1)).tolist()
    block = engine.block(8)
    ours = torch.cat(
        [
            engine.forward([Row(tokens=part, view=[block], own=block)], all_logits=True)
            for part in (ids[:1], ids[1:90], ids[90:])
        ]
    )
    with torch.inference_mode():
        theirs = model(torch.tensor([ids])).logits[0]
    assert theirs.abs().max() > 1.0
    return float((ours - theirs).abs().max())


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_agrees_with_transformers(name: str, tmp_path: Path) -> None:
    family, changes = FAMILIES[name]
    assert difference(made(family, changes, folder=tmp_path), tmp_path) <= 1e-4


def test_sharded_safetensors_agree_with_transformers(tmp_path: Path) -> None:
    model = made("Llama", {"tie_word_embeddings": False}, shard="60KB", folder=tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    assert difference(model, tmp_path) <= 1e-4


def test_a_missing_or_broken_shard_is_named(tmp_path: Path) -> None:
    made("Llama", {}, shard="60KB", folder=tmp_path)
    shard = sorted(tmp_path.glob("*.safetensors"))[1]
    shard.write_bytes(b"no tensors")
    with pytest.raises(ModelFormatError, match=shard.name):
        HuggingFaceFolder(tmp_path).tensors()
    shard.unlink()
    with pytest.raises(ModelFormatError, match=shard.name):
        HuggingFaceFolder(tmp_path).tensors()
    (tmp_path / "model.safetensors.index.json").unlink()
    with pytest.raises(ModelFormatError, match="no index"):
        HuggingFaceFolder(tmp_path).tensors()


def test_an_index_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    made("Llama", {}, shard="60KB", folder=tmp_path)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"x": "../secret.safetensors"}}))
    with pytest.raises(ModelFormatError, match="leaves the folder"):
        HuggingFaceFolder(tmp_path).tensors()


def test_a_folder_without_a_readable_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFormatError, match=r"no config\.json"):
        HuggingFaceFolder(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelFormatError, match=r"config\.json"):
        HuggingFaceFolder(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelFormatError, match="num_attention_heads"):
        HuggingFaceFolder(tmp_path)
