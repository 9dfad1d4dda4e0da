"""What can go wrong around a language model.

PasselError
└── ModelError
    ├── ModelNotFoundError      no such model here; names the command that pulls it
    ├── ModelPullError          a pull failed; says at which step and what mends it
    ├── ModelExportError        a model could not be written
    ├── ModelFormatError        a checkpoint is damaged or incomplete
    ├── UnsupportedModelError   a checkpoint needs something that the engine lacks
    ├── ChatTemplateError       a chat template refused its messages
    ├── InvalidRowError         a forward call was given rows that make no sense
    └── ContextLengthError      a view is longer than the engine allows
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.errors import PasselError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class ModelError(PasselError):
    """Everything that goes wrong around a language model."""


class ModelNotFoundError(ModelError):
    """Raised when a model is neither a file or folder nor a pulled name."""

    def __init__(self, name: str, *, known: Sequence[str]) -> None:
        if name in known:
            mend = f"run `passel models pull {name}`"
        else:
            names = ", ".join(known)
            mend = f"give a .gguf file, a Hugging Face folder, or a known name ({names})"
        super().__init__(f"model {name!r} was not found on this machine; {mend}")
        self.name = name
        self.known = tuple(known)


class ModelPullError(ModelError):
    """Raised when a model could not be fetched, checked or unpacked."""

    def __init__(self, name: str, *, step: str, reason: str, mend: str) -> None:
        super().__init__(f"pulling {name} failed at {step}: {reason}; {mend}")
        self.name = name
        self.step = step
        self.reason = reason


class ModelExportError(ModelError):
    """Raised when a model cannot be written to a folder; nothing is left behind."""

    def __init__(self, folder: Path, *, reason: str) -> None:
        super().__init__(f"the model cannot be written to {folder}: {reason}")
        self.folder = folder
        self.reason = reason


class ModelFormatError(ModelError):
    """Raised when a checkpoint lacks a part or a part has the wrong form."""

    def __init__(self, path: Path | str, *, reason: str) -> None:
        super().__init__(f"{path} cannot be read as a model: {reason}")
        self.path = path
        self.reason = reason


class UnsupportedModelError(ModelError):
    """Raised when a checkpoint needs a feature that this engine does not have."""

    def __init__(self, feature: str, *, found: object) -> None:
        super().__init__(
            f"this engine has no {feature} (the model asks for {found!r}); "
            "it runs dense Llama, Qwen2 and Qwen3 shapes: serve this model with vLLM instead"
        )
        self.feature = feature
        self.found = found


class ChatTemplateError(ModelError):
    """Raised when a chat template is missing, malformed, or refuses its messages."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"the model's chat template cannot render these messages: {reason}")
        self.reason = reason


class InvalidRowError(ModelError):
    """Raised when a row of a forward call breaks a rule; nothing was written."""

    def __init__(self, row: int, *, reason: str) -> None:
        super().__init__(f"row {row} of this tick is not valid: {reason}")
        self.row = row
        self.reason = reason


class ContextLengthError(ModelError):
    """Raised when a row's view would grow past the engine's limit; nothing was written."""

    def __init__(self, row: int, *, length: int, limit: int) -> None:
        super().__init__(
            f"row {row} would see {length} tokens and the limit is {limit}; "
            "shorten the view or load the engine with a larger max_tokens"
        )
        self.row = row
        self.length = length
        self.limit = limit
