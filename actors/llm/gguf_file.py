"""GGUF files: metadata, vocabulary, and weights de-quantised under Hugging Face names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .config import ModelConfig
from .errors import ModelFormatError, UnsupportedModelError
from .tokenizer import Tokenizer, Vocabulary

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = {
    "attn_norm.weight": "input_layernorm.weight",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm.weight": "self_attn.q_norm.weight",
    "attn_k_norm.weight": "self_attn.k_norm.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_OUTSIDE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_CONTROL = 3
_USER_DEFINED = 4


class GgufFile:
    """One model in one GGUF file.

    Raises:
        ModelFormatError: The file is no GGUF file.
        UnsupportedModelError: The model needs something this engine lacks.
    """

    def __init__(self, path: Path) -> None:
        from gguf import GGUFReader  # optional: the [llm] extra

        self.path = path
        try:
            self._reader = GGUFReader(path)
        except (OSError, ValueError, IndexError, KeyError) as error:
            raise ModelFormatError(path, reason=str(error)) from error
        self._stored = {tensor.name: tensor for tensor in self._reader.tensors}
        self._vocabulary = [str(token) for token in self._field("tokenizer.ggml.tokens")]
        self.config = ModelConfig.from_gguf(
            {key: value.contents() for key, value in self._reader.fields.items() if _short(value)},
            tied="output.weight" not in self._stored,
            vocab=len(self._vocabulary),
        )

    def tensors(self) -> dict[str, torch.Tensor]:
        """De-quantise all weights to float32, by their Hugging Face names."""
        from gguf.quants import dequantize  # optional: the [llm] extra

        tensors = {}
        for name, stored in self._stored.items():
            target = self._target(name)
            data = stored.data.view(np.ndarray)  # a memmap pays for each of many small slices
            floats = dequantize(data, stored.tensor_type)
            weight = torch.from_numpy(floats if floats.flags.writeable else floats.copy())
            tensors[target] = self._half_split(target, weight.float())
        return tensors

    def tokenizer(self) -> Tokenizer:
        """Build the tokenizer from the file's vocabulary and merges."""
        if (model := self._field("tokenizer.ggml.model")) != "gpt2":
            raise UnsupportedModelError("tokenizer of that kind", found=model)
        types = self._field("tokenizer.ggml.token_type")
        return Tokenizer.from_vocabulary(
            Vocabulary(
                tokens=self._vocabulary,
                merges=[str(merge) for merge in self._field("tokenizer.ggml.merges")],
                special=[i for i, kind in enumerate(types) if kind == _CONTROL],
                added=[i for i, kind in enumerate(types) if kind == _USER_DEFINED],
                splitting=str(self._field("tokenizer.ggml.pre", "gpt-2")),
            ),
            ends=self._ends(),
        )

    def chat_template(self) -> tuple[str | None, dict[str, str]]:
        """Give the template's source, if any, and the special tokens it may name."""
        special = {}
        for name in ("bos", "eos"):
            number = self._field(f"tokenizer.ggml.{name}_token_id", -1)
            special[f"{name}_token"] = self._vocabulary[number] if number >= 0 else ""
        source = self._field("tokenizer.chat_template", "")
        return (str(source) or None), special

    def _ends(self) -> list[int]:
        keys = ("eos_token_id", "eot_token_id", "eom_token_id")
        found = (self._field(f"tokenizer.ggml.{key}", -1) for key in keys)
        return sorted({int(number) for number in found if number >= 0})

    def _field(self, key: str, default: Any = None) -> Any:
        field = self._reader.fields.get(key)
        if field is not None:
            return field.contents()
        if default is None:
            raise ModelFormatError(self.path, reason=f"it has no metadata {key}")
        return default

    def _target(self, name: str) -> str:
        """Translate a tensor's name."""
        if name in _OUTSIDE:
            return _OUTSIDE[name]
        parts = name.split(".", 2)
        if parts[0] == "blk":
            whole, stem = parts[2], parts[2].rpartition(".")[0]
            if whole in _NAMES:
                return f"model.layers.{parts[1]}.{_NAMES[whole]}"
            if stem in _NAMES and not stem.endswith("norm"):
                return f"model.layers.{parts[1]}.{_NAMES[stem]}{whole[len(stem) :]}"
        raise UnsupportedModelError("use for the tensor", found=name)

    def _half_split(self, name: str, weight: torch.Tensor) -> torch.Tensor:
        """Undo the interleaved rotary order in which GGUF keeps Llama's q and k rows."""
        if self.config.architecture != "llama" or "_norm" in name:
            return weight
        if ".q_proj." in name:
            heads = self.config.heads
        elif ".k_proj." in name:
            heads = self.config.kv_heads
        else:
            return weight
        pairs = weight.reshape(heads, self.config.head_dim // 2, 2, *weight.shape[1:])
        return pairs.transpose(1, 2).reshape(weight.shape)


def _short(field: Any) -> bool:
    """Tell single values from the vocabulary's long lists."""
    return len(field.data) <= 1
