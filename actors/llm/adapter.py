"""Low-rank adapters: small changes of a model's weights, merged into them when it is loaded.

LoRA (Hu et al., arXiv 2106.09685): a weight W becomes W + s B A, with A of (rank, inputs) and B of
(outputs, rank). Folders are read as peft writes them: `adapter_config.json` and
`adapter_model.safetensors`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from .errors import ModelFormatError, UnsupportedModelError
from .json_file import read_object

if TYPE_CHECKING:
    from collections.abc import MutableMapping


CONFIG: Final = "adapter_config.json"
WEIGHTS: Final = "adapter_model.safetensors"
PREFIX: Final = "base_model.model."
DOWN: Final = ".lora_A.weight"
UP: Final = ".lora_B.weight"

_REFUSED: Final[tuple[tuple[str, Any], ...]] = (
    ("use_dora", False), ("bias", "none"), ("modules_to_save", None), ("rank_pattern", {}),
    ("alpha_pattern", {}), ("fan_in_fan_out", False), ("lora_bias", False),
)  # fmt: skip
"""Settings that are read with their only value here; a missing one, or None, is that value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A low-rank change of some of a model's weights.

    Attributes:
        source: Where it was read.
        scale: The factor s.
        parts: (A, B) by the name of the weight that they change.
    """

    source: Path
    scale: float
    parts: Mapping[str, tuple[torch.Tensor, torch.Tensor]]

    @classmethod
    def read(cls, folder: Path) -> Adapter:
        """Read a folder.

        Raises:
            ModelFormatError: It lacks a file or a part, or a file cannot be read.
            UnsupportedModelError: It is no plain LoRA.
        """
        from safetensors import SafetensorError  # optional: the [llm] extra
        from safetensors.torch import load_file

        if not (folder / CONFIG).is_file():
            raise ModelFormatError(folder, reason=f"it has no {CONFIG}")
        config = read_object(folder / CONFIG)
        _refuse(config)
        try:
            tensors = load_file(folder / WEIGHTS)
        except (OSError, SafetensorError) as error:
            raise ModelFormatError(folder / WEIGHTS, reason=str(error)) from error
        try:
            rank, alpha = int(config["r"]), float(config["lora_alpha"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFormatError(
                folder / CONFIG, reason=f"r and lora_alpha: {error!r}"
            ) from error
        scale = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
        return cls(source=folder, scale=scale, parts=_parts(folder, tensors))

    def merge_into(self, tensors: MutableMapping[str, torch.Tensor]) -> None:
        """Change weights, given by their Hugging Face names.

        Raises:
            ModelFormatError: It changes a weight that is not there, or of another shape.
        """
        for name, (down, up) in self.parts.items():
            weight = tensors.get(name)
            if weight is None:
                raise ModelFormatError(self.source, reason=f"the model has no weight {name}")
            shape = (up.shape[0], down.shape[1])
            if weight.shape != shape or up.shape[1] != down.shape[0]:
                reason = f"it changes {name} as {shape}, and that is {tuple(weight.shape)}"
                raise ModelFormatError(self.source, reason=reason)
            change = up.float() @ down.float() * self.scale
            tensors[name] = (weight.float() + change).to(weight.dtype)


def _refuse(config: Mapping[str, Any]) -> None:
    """Raise for whatever an adapter asks for beyond plain LoRA."""
    if config.get("peft_type") != "LORA":
        raise UnsupportedModelError("adapter of that kind", found=config.get("peft_type"))
    for setting, only in _REFUSED:
        if (found := config.get(setting)) not in (None, only) and found != []:
            raise UnsupportedModelError(f"adapter with {setting}", found=found)


def _parts(
    folder: Path, tensors: Mapping[str, torch.Tensor]
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Pair the matrices."""
    parts = {}
    for name, down in tensors.items():
        stem, kind = name.removesuffix(DOWN), name.endswith(DOWN)
        if not kind and not name.endswith(UP):
            raise UnsupportedModelError("adapter with such a part", found=name)
        if kind:
            up = tensors.get(stem + UP)
            if up is None:
                raise ModelFormatError(folder / WEIGHTS, reason=f"{name} has no counterpart")
            parts[f"{stem.removeprefix(PREFIX)}.weight"] = (down, up)
    if 2 * len(parts) != len(tensors):
        raise ModelFormatError(folder / WEIGHTS, reason="a matrix has no counterpart")
    return parts


def write(
    folder: Path,
    parts: Mapping[str, tuple[torch.Tensor, torch.Tensor]],
    *,
    rank: int,
    alpha: float,
    base: str,
) -> None:
    """Write an adapter in float16.

    Args:
        folder: Where to; it is made.
        parts: (A, B) by the name of the layer that they change, without `.weight`.
        rank: Their rank.
        alpha: The changes are scaled by alpha / rank.
        base: What the adapter changes, for people.
    """
    from safetensors.torch import save_file  # optional: the [llm] extra

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, (down, up) in parts.items():
        tensors[f"{PREFIX}{name}{DOWN}"] = down.half().cpu().contiguous()
        tensors[f"{PREFIX}{name}{UP}"] = up.half().cpu().contiguous()
    save_file(tensors, folder / WEIGHTS)
    config = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": base, "r": rank,
        "lora_alpha": alpha, "target_modules": sorted({n.rpartition(".")[2] for n in parts}),
        "bias": "none", "use_rslora": False, "use_dora": False, "fan_in_fan_out": False,
    }  # fmt: skip
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
