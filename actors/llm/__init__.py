"""The decode engine: a compact Llama-family decoder over shared key-value segments.

This face loads no torch; the engine itself is `passel.actors.llm.engine`.
"""

from __future__ import annotations

from .chat import ChatTemplate
from .config import ModelConfig
from .errors import (
    ChatTemplateError,
    ContextLengthError,
    InvalidRowError,
    ModelError,
    ModelExportError,
    ModelFormatError,
    ModelNotFoundError,
    ModelPullError,
    UnsupportedModelError,
)
from .models import ModelCard, fetch, installed, known, path_of, pull
from .sampling import Sampling
from .tokenizer import TextStream, Tokenizer

__all__ = [
    "ChatTemplate",
    "ChatTemplateError",
    "ContextLengthError",
    "InvalidRowError",
    "ModelCard",
    "ModelConfig",
    "ModelError",
    "ModelExportError",
    "ModelFormatError",
    "ModelNotFoundError",
    "ModelPullError",
    "Sampling",
    "TextStream",
    "Tokenizer",
    "UnsupportedModelError",
    "fetch",
    "installed",
    "known",
    "path_of",
    "pull",
]
