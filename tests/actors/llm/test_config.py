"""What a checkpoint asks for and the engine lacks is refused by name."""

from __future__ import annotations

import pytest

from passel.actors.llm.config import Llama3Scaling, ModelConfig
from passel.actors.llm.errors import UnsupportedModelError

LLAMA = {
    "model_type": "llama",
    "num_hidden_layers": 2,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 100,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "rope_theta": 500000.0,
    "tie_word_embeddings": True,
}
GGUF = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "llama.embedding_length": 32,
    "llama.feed_forward_length": 64,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
    "llama.attention.layer_norm_rms_epsilon": 1e-5,
    "llama.context_length": 512,
    "llama.rope.freq_base": 500000.0,
}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 256,
}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"sliding_window": 128}, "sliding-window"),
        ({"model_type": "mistral", "sliding_window": 4096}, "sliding-window"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, "sliding-window"),
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, "dynamic RoPE"),
        ({"rope_parameters": {"rope_type": "dynamic", "factor": 2.0}}, "dynamic RoPE"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 2.0}}, "yarn RoPE"),
        ({"partial_rotary_factor": 0.5}, "partial rotary"),
        ({"model_type": "mixtral"}, "mixture of experts"),
        ({"model_type": "qwen3_moe", "num_experts": 8}, "mixture of experts"),
        ({"num_local_experts": 4}, "mixture of experts"),
        ({"model_type": "gpt_neox"}, "gpt_neox"),
        ({"model_type": None}, "architecture"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"mlp_bias": True}, "bias"),
        ({"quantization_config": {"quant_method": "awq"}}, "quantised"),
    ],
)
def test_what_is_lacking_in_a_hugging_face_config_is_refused_by_name(
    change: dict[str, object], named: str
) -> None:
    with pytest.raises(UnsupportedModelError, match=named):
        ModelConfig.from_hugging_face(LLAMA | change)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"llama.attention.sliding_window": 128}, "sliding-window"),
        ({"llama.expert_count": 8}, "mixture of experts"),
        ({"llama.rope.scaling.type": "yarn"}, "yarn RoPE"),
        ({"general.architecture": "mamba"}, "mamba"),
    ],
)
def test_what_is_lacking_in_a_gguf_file_is_refused_by_name(
    change: dict[str, object], named: str
) -> None:
    with pytest.raises(UnsupportedModelError, match=named):
        ModelConfig.from_gguf(GGUF | change, tied=True, vocab=100)


def test_both_formats_give_the_same_shape() -> None:
    one = ModelConfig.from_hugging_face(LLAMA)
    assert one == ModelConfig.from_gguf(GGUF, tied=True, vocab=100)
    assert (one.head_dim, one.group, one.qk_norm) == (8, 2, False)


@pytest.mark.parametrize("key", ["rope_scaling", "rope_parameters"])
def test_llama3_scaling_is_read_in_its_old_and_its_new_form(key: str) -> None:
    config = ModelConfig.from_hugging_face(LLAMA | {key: LLAMA3})
    assert config.rope.scaling == Llama3Scaling(
        factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_context=256
    )
    assert config.rope.theta == 500000.0


def test_a_window_that_qwen2_declares_and_switches_off_is_no_window() -> None:
    change = {"model_type": "qwen2", "sliding_window": 128, "use_sliding_window": False}
    assert ModelConfig.from_hugging_face(LLAMA | change).architecture == "qwen2"
