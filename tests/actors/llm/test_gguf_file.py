"""GGUF files written here, read back, and compared with the weights they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gguf
import numpy as np
import pytest
import torch

from passel.actors.llm.decoder import Decoder
from passel.actors.llm.engine import Engine, Row
from passel.actors.llm.errors import ModelFormatError, UnsupportedModelError
from passel.actors.llm.gguf_file import GgufFile
from tests.oracles.tiny import random_weights, tiny_config

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
CONFIG = tiny_config(tied=False)


def written(
    path: Path, *, quantised: bool = False, extra: str | None = None, model: str = "gpt2"
) -> dict[str, torch.Tensor]:
    """Write a tiny Llama model as llama.cpp does; give its weights as the file can hold them."""
    weights = random_weights(CONFIG, seed=3, dtype=torch.float32)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(CONFIG.layers)
    writer.add_context_length(CONFIG.context)
    writer.add_embedding_length(CONFIG.hidden)
    writer.add_feed_forward_length(CONFIG.intermediate)
    writer.add_head_count(CONFIG.heads)
    writer.add_head_count_kv(CONFIG.kv_heads)
    writer.add_layer_norm_rms_eps(CONFIG.norm_eps)
    writer.add_rope_freq_base(CONFIG.rope.theta)
    writer.add_tokenizer_model(model)
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(["t0", "t1", "t", "1", *(f"t{i}" for i in range(4, CONFIG.vocab))])
    writer.add_token_types([3, *[1] * (CONFIG.vocab - 1)])
    writer.add_token_merges(["t 1"])
    writer.add_eos_token_id(0)
    writer.add_chat_template("{{ eos_token }}")
    for name, tensor in weights.items():
        array = tensor.numpy()
        if quantised and tensor.ndim == 2 and tensor.shape[1] % 32 == 0:
            packed = gguf.quants.quantize(array, gguf.GGMLQuantizationType.Q8_0)
            array = gguf.quants.dequantize(packed, gguf.GGMLQuantizationType.Q8_0)
            weights[name] = torch.from_numpy(array.copy())
            stored = gguf.quants.quantize(_interleaved(name, array), gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(_gguf_name(name), stored, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(_gguf_name(name), _interleaved(name, array))
    if extra is not None:
        writer.add_tensor(extra, np.zeros((4,), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return weights


def _gguf_name(name: str) -> str:
    if name in NAMES:
        return NAMES[name]
    _, _, layer, rest = name.split(".", 3)
    return f"blk.{layer}.{NAMES[rest.removesuffix('.weight')]}.weight"


def _interleaved(name: str, array: np.ndarray) -> np.ndarray:
    """Bring q and k rows into the order in which pairs stand side by side."""
    heads = {"q_proj": CONFIG.heads, "k_proj": CONFIG.kv_heads}.get(name.split(".")[-2])
    if heads is None:
        return array
    split = array.reshape(heads, 2, CONFIG.head_dim // 2, -1)
    return np.ascontiguousarray(split.swapaxes(1, 2)).reshape(array.shape)


@pytest.mark.parametrize("quantised", [False, True])
def test_a_gguf_file_gives_back_the_weights_it_was_made_from(
    quantised: bool, tmp_path: Path
) -> None:
    weights = written(tmp_path / "tiny.gguf", quantised=quantised)
    file = GgufFile(tmp_path / "tiny.gguf")
    tensors = file.tensors()
    assert tensors.keys() == weights.keys()
    for name, tensor in tensors.items():
        assert (tensor - weights[name]).abs().max() <= 1e-6
    assert file.chat_template() == ("{{ eos_token }}", {"bos_token": "", "eos_token": "t0"})


def test_a_gguf_file_loads_as_an_engine(tmp_path: Path) -> None:
    weights = written(tmp_path / "tiny.gguf")
    engine = Engine(Decoder(GgufFile(tmp_path / "tiny.gguf").config, dict(weights)))
    own = engine.block()
    expected = engine.forward([Row(tokens=[4, 2, 7], view=[own], own=own)])
    loaded = Engine.load(tmp_path / "tiny.gguf", max_tokens=9)
    own = loaded.block()
    assert torch.allclose(loaded.forward([Row(tokens=[4, 2, 7], view=[own], own=own)]), expected)
    assert (loaded.max_tokens, loaded.tokenizer.ends, loaded.dtype) == (
        9,
        frozenset({0}),
        torch.float32,
    )
    assert loaded.chat.render([]) == "t0"
    with pytest.raises(ValueError, match="float33"):
        Engine.load(tmp_path / "tiny.gguf", dtype="float33")


def test_unknown_tensors_and_tokenizers_are_refused_by_name(tmp_path: Path) -> None:
    written(tmp_path / "one.gguf", extra="blk.0.ssm_a")
    with pytest.raises(UnsupportedModelError, match=r"blk\.0\.ssm_a"):
        GgufFile(tmp_path / "one.gguf").tensors()
    written(tmp_path / "two.gguf", model="llama")
    with pytest.raises(UnsupportedModelError, match="'llama'"):
        GgufFile(tmp_path / "two.gguf").tokenizer()


def test_a_file_that_is_cut_off_or_no_gguf_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    written(path)
    whole = path.read_bytes()
    for length in (0, 3, 20, 400, len(whole) - 5000):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFormatError, match="tiny"):
            GgufFile(path)
    path.write_bytes(b"PK\x03\x04" * 100)
    with pytest.raises(ModelFormatError, match="tiny"):
        GgufFile(path)
