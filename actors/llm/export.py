"""Any model that the engine reads, written as a Hugging Face folder: what other servers read."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import models
from .errors import ModelExportError
from .gguf_file import GgufFile
from .hugging_face import HuggingFaceFolder

if TYPE_CHECKING:
    from .config import ModelConfig

_ARCHITECTURES = {
    "llama": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
}


def export(source: str | Path, folder: Path, *, dtype: str = "bfloat16") -> Path:
    """Write a model as a Hugging Face folder, and give the folder.

    Weights that were quantised are written de-quantised. The folder appears whole or not at all.

    Args:
        source: A pulled model's name, a .gguf file, or a Hugging Face folder.
        folder: Where to; nothing may be there yet.
        dtype: Type of the weights: `float32`, `bfloat16` or `float16`.

    Raises:
        ModelNotFoundError: There is no such model.
        ModelFormatError: It is damaged.
        UnsupportedModelError: It needs something the engine lacks.
        ModelExportError: It cannot be written.
    """
    import torch  # optional: the [llm] extra
    from safetensors.torch import save_file

    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if dtype not in kinds:
        raise ModelExportError(folder, reason=f"dtype must be one of {', '.join(kinds)}")
    if folder.exists():
        raise ModelExportError(folder, reason="there is something already; name a new folder")
    path = Path(source)
    if not path.exists():
        path = models.path_of(str(source))
    checkpoint = HuggingFaceFolder(path) if path.is_dir() else GgufFile(path)
    tokenizer = checkpoint.tokenizer()
    template, special = checkpoint.chat_template()
    tensors = {
        name: weight.to(kinds[dtype]).contiguous()
        for name, weight in checkpoint.tensors().items()
        if not (checkpoint.config.tied and name == "lm_head.weight")
    }
    ends = sorted(tokenizer.ends)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".export-") as staging:
            whole = Path(staging) / folder.name
            whole.mkdir()
            save_file(tensors, whole / "model.safetensors", metadata={"format": "pt"})
            _write(whole / "config.json", _config(checkpoint.config, dtype, ends))
            _write(whole / "generation_config.json", {"eos_token_id": ends})
            _write(whole / "tokenizer_config.json", _tokenizer(checkpoint.config, special))
            if template is not None:
                (whole / "chat_template.jinja").write_text(template, encoding="utf-8")
            tokenizer.save(whole / "tokenizer.json")
            whole.replace(folder)
    except OSError as error:
        raise ModelExportError(folder, reason=str(error)) from error
    return folder


def _config(config: ModelConfig, dtype: str, ends: list[int]) -> dict[str, Any]:
    """Describe a model's shape as `transformers` does."""
    fields: dict[str, Any] = {
        "architectures": [_ARCHITECTURES[config.architecture]],
        "model_type": config.architecture,
        "num_hidden_layers": config.layers,
        "hidden_size": config.hidden,
        "intermediate_size": config.intermediate,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "vocab_size": config.vocab,
        "max_position_embeddings": config.context,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope.theta,
        "hidden_act": "silu",
        "tie_word_embeddings": config.tied,
        "torch_dtype": dtype,
        "eos_token_id": ends,
    }
    if (scaling := config.rope.scaling) is not None:
        fields["rope_scaling"] = {
            "rope_type": "llama3",
            "factor": scaling.factor,
            "low_freq_factor": scaling.low_freq_factor,
            "high_freq_factor": scaling.high_freq_factor,
            "original_max_position_embeddings": scaling.original_context,
        }
    return fields


def _tokenizer(config: ModelConfig, special: dict[str, str]) -> dict[str, Any]:
    """Describe the tokenizer beside its own file."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": config.context,
        **{name: token for name, token in special.items() if token},
    }


def _write(path: Path, fields: dict[str, Any]) -> None:
    path.write_text(json.dumps(fields, indent=2, ensure_ascii=False), encoding="utf-8")
