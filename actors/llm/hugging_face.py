"""Hugging Face folders: config.json, safetensors in one file or in shards, tokenizer.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .config import ModelConfig
from .errors import ModelFormatError
from .json_file import read_object
from .tokenizer import Tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    import torch


class HuggingFaceFolder:
    """One model in one folder.

    Raises:
        ModelFormatError: The folder lacks a file, or a file cannot be read.
        UnsupportedModelError: The model needs something this engine lacks.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.config = ModelConfig.from_hugging_face(self._needed("config.json"))
        except KeyError as error:
            raise ModelFormatError(path / "config.json", reason=f"it has no {error}") from error

    def tensors(self) -> dict[str, torch.Tensor]:
        """Read all weights, in the type they are stored in."""
        from safetensors import SafetensorError  # optional: the [llm] extra
        from safetensors.torch import load_file

        tensors: dict[str, torch.Tensor] = {}
        for name in self._shards():
            try:
                tensors |= load_file(self.path / name)
            except (OSError, SafetensorError) as error:
                raise ModelFormatError(self.path / name, reason=str(error)) from error
        return tensors

    def tokenizer(self) -> Tokenizer:
        """Read the folder's tokenizer."""
        return Tokenizer.from_folder(self.path)

    def chat_template(self) -> tuple[str | None, dict[str, str]]:
        """Give the template's source, if any, and the special tokens it may name."""
        settings = read_object(self.path / "tokenizer_config.json")
        special = {}
        for name in ("bos_token", "eos_token", "unk_token", "pad_token"):
            token = settings.get(name)
            special[name] = str(token.get("content") if isinstance(token, dict) else token or "")
        beside = self.path / "chat_template.jinja"
        if beside.is_file():
            return beside.read_text(encoding="utf-8"), special
        source = settings.get("chat_template")
        if isinstance(source, list):  # several named ones
            named = {entry["name"]: entry["template"] for entry in source}
            source = named.get("default")
        return source, special

    def _shards(self) -> list[str]:
        """Name the weight files."""
        if (self.path / "model.safetensors").is_file():
            return ["model.safetensors"]
        index = read_object(self.path / "model.safetensors.index.json").get("weight_map")
        if not index:
            raise ModelFormatError(self.path, reason="it has no model.safetensors and no index")
        names = sorted(set(index.values()))
        if outside := [name for name in names if "/" in name or "\\" in name]:
            raise ModelFormatError(self.path, reason=f"its index leaves the folder: {outside[0]}")
        return names

    def _needed(self, name: str) -> dict[str, Any]:
        if not (self.path / name).is_file():
            raise ModelFormatError(self.path, reason=f"it has no {name}")
        return read_object(self.path / name)
