"""The shape of a model, read from a checkpoint's own description.

What this engine lacks is refused here, by name, before a single weight is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from .errors import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

Architecture = Literal["llama", "qwen2", "qwen3"]
ARCHITECTURES: tuple[Architecture, ...] = ("llama", "qwen2", "qwen3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Llama3Scaling:
    """Llama 3.1's rule that slows the low rotary frequencies by `factor`.

    Wavelengths above `original_context / low_freq_factor` are slowed, those below
    `original_context / high_freq_factor` are kept, those between are blended.
    """

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_context: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RopeConfig:
    """Rotary position embedding: base `theta` and how its frequencies are scaled."""

    theta: float = 10000.0
    scaling: Llama3Scaling | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The shape of a Llama-family decoder; all sizes count elements."""

    architecture: Architecture
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    context: int
    norm_eps: float
    rope: RopeConfig
    tied: bool

    @property
    def qk_norm(self) -> bool:
        """Whether queries and keys are normalised per head (Qwen3)."""
        return self.architecture == "qwen3"

    @property
    def group(self) -> int:
        """Query heads that share one key-value head."""
        return self.heads // self.kv_heads

    @classmethod
    def from_hugging_face(cls, data: Mapping[str, Any]) -> ModelConfig:
        """Read a `config.json`.

        Raises:
            UnsupportedModelError: The model needs something this engine lacks.
        """
        _refuse_hugging_face(data)
        heads = int(data["num_attention_heads"])
        hidden = int(data["hidden_size"])
        return cls(
            architecture=cast("Architecture", data["model_type"]),
            layers=int(data["num_hidden_layers"]),
            hidden=hidden,
            intermediate=int(data["intermediate_size"]),
            heads=heads,
            kv_heads=int(data.get("num_key_value_heads") or heads),
            head_dim=int(data.get("head_dim") or hidden // heads),
            vocab=int(data["vocab_size"]),
            context=int(data.get("max_position_embeddings", 2048)),
            norm_eps=float(data.get("rms_norm_eps", 1e-6)),
            rope=_hugging_face_rope(data),
            tied=bool(data.get("tie_word_embeddings", False)),
        )

    @classmethod
    def from_gguf(cls, fields: Mapping[str, Any], *, tied: bool, vocab: int) -> ModelConfig:
        """Read the metadata of a GGUF file (`tied`: it holds no output matrix).

        Raises:
            UnsupportedModelError: The model needs something this engine lacks.
        """
        architecture = str(fields.get("general.architecture"))
        _refuse_gguf(fields, architecture)

        def field(key: str, default: Any = None) -> Any:
            value = fields.get(f"{architecture}.{key}", default)
            if value is None:
                raise UnsupportedModelError(f"default for the metadata key {key}", found=None)
            return value

        heads, hidden = int(field("attention.head_count")), int(field("embedding_length"))
        return cls(
            architecture=cast("Architecture", architecture),
            layers=int(field("block_count")),
            hidden=hidden,
            intermediate=int(field("feed_forward_length")),
            heads=heads,
            kv_heads=int(field("attention.head_count_kv", heads)),
            head_dim=int(field("attention.key_length", hidden // heads)),
            vocab=vocab,
            context=int(field("context_length")),
            norm_eps=float(field("attention.layer_norm_rms_epsilon")),
            rope=RopeConfig(theta=float(field("rope.freq_base", 10000.0))),
            tied=tied,
        )


def _refuse_hugging_face(data: Mapping[str, Any]) -> None:
    """Raise for whatever a `config.json` asks for and this engine lacks."""
    kind = data.get("model_type")
    experts = next((data[k] for k in ("num_local_experts", "num_experts") if data.get(k)), None)
    if experts is not None or "moe" in str(kind) or kind == "mixtral":
        raise UnsupportedModelError("mixture of experts", found=experts or kind)
    layer_types = {t for t in data.get("layer_types") or () if t != "full_attention"}
    window = data.get("sliding_window")
    if layer_types or (window and data.get("use_sliding_window", True)):
        raise UnsupportedModelError("sliding-window attention", found=window or layer_types)
    if kind not in ARCHITECTURES:
        raise UnsupportedModelError("architecture of that name", found=kind)
    if data.get("hidden_act", "silu") != "silu":
        raise UnsupportedModelError("such activation", found=data["hidden_act"])
    if data.get("mlp_bias"):
        raise UnsupportedModelError("bias in the feed-forward layers", found="mlp_bias")
    if data.get("quantization_config"):
        raise UnsupportedModelError("quantised safetensors", found=data["quantization_config"])


def _hugging_face_rope(data: Mapping[str, Any]) -> RopeConfig:
    """Read the rotary parameters, in the old (`rope_scaling`) and the new form."""
    rope: Mapping[str, Any] = data.get("rope_parameters") or data.get("rope_scaling") or {}
    theta = float(rope.get("rope_theta") or data.get("rope_theta") or 10000.0)
    partial = rope.get("partial_rotary_factor") or data.get("partial_rotary_factor") or 1.0
    if float(partial) != 1.0:
        raise UnsupportedModelError("partial rotary embedding", found=partial)
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind == "default":
        return RopeConfig(theta=theta)
    if kind != "llama3":
        raise UnsupportedModelError(f"{kind} RoPE", found=dict(rope))
    scaling = Llama3Scaling(
        factor=float(rope["factor"]),
        low_freq_factor=float(rope["low_freq_factor"]),
        high_freq_factor=float(rope["high_freq_factor"]),
        original_context=int(rope["original_max_position_embeddings"]),
    )
    return RopeConfig(theta=theta, scaling=scaling)


def _refuse_gguf(fields: Mapping[str, Any], architecture: str) -> None:
    """Raise for whatever a GGUF file's metadata asks for and this engine lacks."""
    if fields.get(f"{architecture}.expert_count") or "moe" in architecture:
        raise UnsupportedModelError(
            "mixture of experts", found=fields.get(f"{architecture}.expert_count", architecture)
        )
    if window := fields.get(f"{architecture}.attention.sliding_window"):
        raise UnsupportedModelError("sliding-window attention", found=window)
    if architecture not in ARCHITECTURES:
        raise UnsupportedModelError("architecture of that name", found=architecture)
    if (kind := fields.get(f"{architecture}.rope.scaling.type", "none")) != "none":
        raise UnsupportedModelError(f"{kind} RoPE", found=kind)
